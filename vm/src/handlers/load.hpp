#pragma once

#include "handlers/generate.hpp"
#include "handlers/guarded_access.hpp"

/// Loads from memory 0.
/// https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

/// The access of a variant.
template <typename A, Variant v>
using AccessBy = std::conditional_t<
    v.option == detail::option_wide, Wide<A>,
    std::conditional_t<v.option == detail::option_guarded && WARPBEAM_GUARD_PAGES != 0, Guarded<A>, A>>;

namespace detail {

template <typename A, typename In>
[[gnu::always_inline]] inline Exit load_to(Regs& r, uint64_t address, uint64_t offset) noexcept {
    typename A::Value value;
    if (!load_from<A>(r, address, offset, value)) [[unlikely]]
        return Exit::memory_out_of_bounds;
    return In::finish(r, value);
}

} // namespace detail

template <typename A, Variant v>
struct Load {
    using In = Decoder<Form::load, v>;
    static constexpr bool is_frequent = true;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return detail::load_to<A, In>(r, In::template read<Field::address, AddressOf<A>>(r),
                                      In::template get<Field::offset>(r.ip));
    }
};
template <typename A, Variant v>
struct LoadAt {
    using In = Decoder<Form::load_at, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return detail::load_to<A, In>(r, In::template get<Field::address>(r.ip), 0);
    }
};
template <typename A, Form form, Variant v>
struct LoadSum {
    using In = Decoder<form, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        auto right = In::template read<Field::right, AddressOf<A>>(r);
        if constexpr (form == Form::load_indexed)
            right *= static_cast<uint32_t>(A::size);
        const AddressOf<A> address = In::template read<Field::left, AddressOf<A>>(r) + right;
        return detail::load_to<A, In>(r, address, In::template get<Field::offset>(r.ip));
    }
};
template <typename A, Variant v>
struct LoadDisplaced {
    using In = Decoder<Form::load_displaced, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const uint32_t address =
            In::template read<Field::base, uint32_t>(r) + In::template get<Field::addend>(r.ip);
        return detail::load_to<A, In>(r, address, In::template get<Field::offset>(r.ip));
    }
};

template <Op op, Variant v>
using LoadBody = Load<AccessBy<typename AccessOf<op>::type, v>, v>;
template <Op op, Variant v>
using LoadAtBody = LoadAt<AccessBy<typename AccessOf<op>::type, v>, v>;
template <Op op, Variant v>
using LoadSumBody = LoadSum<AccessBy<typename AccessOf<op>::type, v>, Form::load_sum, v>;
template <Op op, Variant v>
using LoadIndexedBody = LoadSum<AccessBy<typename AccessOf<op>::type, v>, Form::load_indexed, v>;
template <Op op, Variant v>
using LoadDisplacedBody = LoadDisplaced<AccessBy<typename AccessOf<op>::type, v>, v>;

template <Family family>
inline constexpr std::array load_groups = {
    group<Form::load, family, LoadBody>(), group<Form::load_at, family, LoadAtBody>(),
    group<Form::load_sum, family, LoadSumBody>(), group<Form::load_indexed, family, LoadIndexedBody>(),
    group<Form::load_displaced, family, LoadDisplacedBody>()};

} // namespace warpbeam::vm
