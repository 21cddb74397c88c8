#pragma once

#include "handlers/load.hpp"

/// Stores to memory 0.
/// https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

namespace detail {

template <typename A, typename In>
[[gnu::always_inline]] inline Exit store_value(Regs& r, uint64_t address, uint64_t offset) noexcept {
    if (!store_to<A>(r, address, offset, In::template read<Field::value, typename A::Value>(r))) [[unlikely]]
        return Exit::memory_out_of_bounds;
    return In::proceed(r);
}

} // namespace detail

template <typename A, Variant v>
struct StoreTo {
    using In = Decoder<Form::store, v>;
    static constexpr bool is_frequent = true;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return detail::store_value<A, In>(r, In::template read<Field::address, AddressOf<A>>(r),
                                          In::template get<Field::offset>(r.ip));
    }
};
template <typename A, Variant v>
struct StoreAt {
    using In = Decoder<Form::store_at, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return detail::store_value<A, In>(r, In::template get<Field::address>(r.ip), 0);
    }
};
template <typename A, Variant v>
struct StoreSum {
    using In = Decoder<Form::store_sum, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const AddressOf<A> address = In::template read<Field::left, AddressOf<A>>(r) +
                                     In::template read<Field::right, AddressOf<A>>(r);
        return detail::store_value<A, In>(r, address, In::template get<Field::offset>(r.ip));
    }
};
template <typename A, Variant v>
struct StoreDisplaced {
    using In = Decoder<Form::store_displaced, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const uint32_t address =
            In::template read<Field::base, uint32_t>(r) + In::template get<Field::addend>(r.ip);
        return detail::store_value<A, In>(r, address, In::template get<Field::offset>(r.ip));
    }
};

template <Op op, Variant v>
using StoreBody = StoreTo<AccessBy<typename AccessOf<op>::type, v>, v>;
template <Op op, Variant v>
using StoreAtBody = StoreAt<AccessBy<typename AccessOf<op>::type, v>, v>;
template <Op op, Variant v>
using StoreSumBody = StoreSum<AccessBy<typename AccessOf<op>::type, v>, v>;
template <Op op, Variant v>
using StoreDisplacedBody = StoreDisplaced<AccessBy<typename AccessOf<op>::type, v>, v>;

} // namespace warpbeam::vm
