#include "handlers/handler_table.hpp"

#include "handlers/generate.hpp"

namespace warpbeam::vm {

namespace {

template <size_t... family>
constexpr auto all_ops(std::index_sequence<family...>) noexcept {
    return std::array<std::span<const Op>, sizeof...(family)>{
        std::span<const Op>{ops_of<static_cast<Family>(family)>}...};
}
constexpr auto ops_by_family = all_ops(std::make_index_sequence<family_count>{});

} // namespace

HandlerTable::HandlerTable() noexcept {
    const auto add = [this](const HandlerGroups& part) {
        for (const HandlerGroup& group : part) {
            if (group.count == 0) // not in this build
                continue;
            groups_[count_] = group;
            numbers_[static_cast<size_t>(group.form)][static_cast<size_t>(group.family)] = ++count_;
        }
    };
    for (const HandlerGroups& part :
         {i32_groups,    i64_groups,        float_groups,       unary_groups,        branch_groups,
          latch_groups,  i32_load_groups,   i64_load_groups,    float_load_groups,   vector_load_groups,
          store_groups,  any_memory_groups, atomic_groups,      move_groups,         control_groups,
          call_groups,   exception_groups,  general_groups,     field_get_groups,    field_set_groups,
          object_groups, lane_groups,       large_frame_groups, continuation_groups, canonical_groups,
          observe_groups})
        add(part);
    for (const HandlerGroups& part : simd_groups())
        add(part);
}

const HandlerTable& handler_table() noexcept {
    static const HandlerTable made;
    return made;
}

Op op_at(Family family, size_t place) noexcept {
    return family == Family::none ? Op::nop : ops_by_family[static_cast<size_t>(family)][place];
}

} // namespace warpbeam::vm
