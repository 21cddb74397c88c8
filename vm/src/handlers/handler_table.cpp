#include "handlers/handler_table.hpp"

#include "handlers/generate.hpp"

namespace warpbeam::vm {

namespace {

/// All groups, and which one has a form's handlers for a family.
struct Table {
    static constexpr size_t room = 128;
    std::array<HandlerGroup, room> groups{};
    uint8_t count = 0;
    std::array<std::array<uint8_t, family_count>, form_count> numbers{}; ///< plus one; 0: none

    Table() noexcept {
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

private:
    void add(const HandlerGroups& part) noexcept {
        for (const HandlerGroup& group : part) {
            groups[count] = group;
            numbers[static_cast<size_t>(group.form)][static_cast<size_t>(group.family)] = ++count;
        }
    }
};
const Table& table() noexcept {
    static const Table made;
    return made;
}

template <size_t... family>
constexpr auto all_ops(std::index_sequence<family...>) noexcept {
    return std::array<std::span<const Op>, sizeof...(family)>{
        std::span<const Op>{ops_of<static_cast<Family>(family)>}...};
}
constexpr auto ops_by_family = all_ops(std::make_index_sequence<family_count>{});

} // namespace

std::span<const HandlerGroup> handler_groups() noexcept { return {table().groups.data(), table().count}; }

Op op_at(Family family, size_t place) noexcept {
    return family == Family::none ? Op::nop : ops_by_family[static_cast<size_t>(family)][place];
}

size_t constant_width(const Choice& choice) noexcept {
    return constant_width(choice.form, sig_of(choice.op), choice.variant.option);
}

HandlerRow find_handlers(Form form, Op op) noexcept {
    static const Table& all = table();
    const auto& numbers = all.numbers[static_cast<size_t>(form)];
    const detail::OpPlace& place = detail::place_of(op);
    size_t row = place.in_family;
    uint8_t number = numbers[static_cast<size_t>(place.family)];
    if (number == 0) {
        number = numbers[static_cast<size_t>(Family::none)];
        row = 0;
    }
    return number != 0 ? all.groups[number - 1].rows[row] : HandlerRow{};
}

} // namespace warpbeam::vm
