#include "handlers/generate.hpp"
#include "handlers/memory_access.hpp"

#include <warpbeam/memory/atomic_ref.hpp>

#include <atomic>

/// Atomic instructions, all sequentially consistent.
/// https://github.com/WebAssembly/threads/blob/main/proposals/threads/Overview.md

namespace warpbeam::vm {

#if WARPBEAM_THREADS

namespace {

// The operation on the location in memory; `expected` is the slot of the operand before the value.

struct AtomicLoad {
    static constexpr bool has_result = true;
    template <typename Memory, typename Value>
    static Value apply(AtomicRef<Memory> place, Value, Value) noexcept {
        return little_endian(place.load());
    }
};
struct AtomicStore {
    static constexpr bool has_result = false;
    template <typename Memory, typename Value>
    static Value apply(AtomicRef<Memory> place, Value value, Value) noexcept {
        place.store(little_endian(static_cast<Memory>(value)));
        return value;
    }
};
/// Replaces the value by F(value, operand), both in the order of the memory.
template <auto F>
struct AtomicRmw {
    static constexpr bool has_result = true;
    template <typename Memory, typename Value>
    static Value apply(AtomicRef<Memory> place, Value value, Value) noexcept {
        return little_endian(F(place, little_endian(static_cast<Memory>(value))));
    }
};
/// Sums carry from byte to byte, so the machine can't make them in the other order.
template <typename Memory>
Memory add_swapped(AtomicRef<Memory> place, Memory number) noexcept {
    Memory found = place.load();
    while (!place.compare_exchange_weak(found,
                                        little_endian(static_cast<Memory>(little_endian(found) + number)))) {
    }
    return found;
}
using AtomicAdd = AtomicRmw<[](auto place, auto value) {
    if constexpr (is_little_endian)
        return place.fetch_add(value);
    else
        return add_swapped(place, little_endian(value));
}>;
using AtomicSub = AtomicRmw<[](auto place, auto value) {
    if constexpr (is_little_endian)
        return place.fetch_sub(value);
    else
        return add_swapped(place, static_cast<decltype(value)>(0 - little_endian(value)));
}>;
using AtomicAnd = AtomicRmw<[](auto place, auto value) { return place.fetch_and(value); }>;
using AtomicOr = AtomicRmw<[](auto place, auto value) { return place.fetch_or(value); }>;
using AtomicXor = AtomicRmw<[](auto place, auto value) { return place.fetch_xor(value); }>;
using AtomicXchg = AtomicRmw<[](auto place, auto value) { return place.exchange(value); }>;
struct AtomicCmpxchg {
    static constexpr bool has_result = true;
    template <typename Memory, typename Value>
    static Value apply(AtomicRef<Memory> place, Value value, Value expected) noexcept {
        // The expected value wraps to the memory's width, like the stored value: "expected wrapped from i32
        // to i8, 8-bit compare equal".
        auto found = little_endian(static_cast<Memory>(expected));
        place.compare_exchange_strong(found, little_endian(static_cast<Memory>(value)));
        return little_endian(found);
    }
};

/// The location at `address` after the checks; null with the trap in `exit`.
template <typename Memory>
[[gnu::always_inline]] inline Memory* locate(Regs& r, uint8_t* base, uint64_t size, uint64_t address,
                                             uint64_t offset, Exit& exit) noexcept {
    const uint64_t start = address + offset;
    if (start % sizeof(Memory) != 0) [[unlikely]] {
        r.acc = start;
        exit = Exit::unaligned_atomic;
        return nullptr;
    }
    if (start < offset || size < sizeof(Memory) || start > size - sizeof(Memory)) [[unlikely]] {
        exit = out_of_bounds(r, start);
        return nullptr;
    }
    return reinterpret_cast<Memory*>(base + start);
}

template <typename F, typename Memory, typename Value, typename In>
[[gnu::always_inline]] inline Exit access(Regs& r, Memory* at, Value value) noexcept {
    const Value result = F::template apply<Memory, Value>(AtomicRef<Memory>{*at}, value,
                                                          In::template slot<Field::expected, Value>(r));
    if constexpr (F::has_result)
        write<Dst::slot, Value>(r, In::template get<Field::to>(r.ip), result);
    return In::proceed(r);
}

/// Memory 0 with 32-bit addresses, which is in registers.
template <typename F, typename Memory, typename Value, Variant v>
struct Atomic {
    using In = Decoder<Form::atomic, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        Exit exit = Exit::none;
        Memory* const at =
            locate<Memory>(r, r.mem, r.mem_size, In::template slot<Field::address, uint32_t>(r),
                           In::template get<Field::offset>(r.ip), exit);
        if (at == nullptr) [[unlikely]]
            return exit;
        return access<F, Memory, Value, In>(r, at, In::template slot<Field::value, Value>(r));
    }
};
/// Any memory.
template <typename F, typename Memory, typename Value, Variant v>
struct AtomicAny {
    using In = Decoder<Form::atomic_any, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const MemoryInst& memory = *r.inst->memories[In::template get<Field::memory>(r.ip)];
        Exit exit = Exit::none;
        Memory* const at = // an i32 is zero-extended
            locate<Memory>(r, memory.base, memory.size, In::template slot<Field::address, uint64_t>(r),
                           In::template get<Field::offset>(r.ip), exit);
        if (at == nullptr) [[unlikely]]
            return exit;
        return access<F, Memory, Value, In>(r, at, In::template slot<Field::value, Value>(r));
    }
};

template <Op>
struct AtomicOf;
#define WARPBEAM_OP(op, family, coverage, mirror, negation, ...) WARPBEAM_SEMANTICS(AtomicOf, op, __VA_ARGS__)
#include "semantics/op_rows_atomic.inc"
#undef WARPBEAM_OP

template <Op op>
struct Accessing {
    using F = typename AtomicOf<op>::type;
    using Memory = detail::Unsigned<8u << warpbeam::row_of(op).access_log2>;
    /// The type of the value: that of the last operand, or of the result of a load.
    static constexpr Sig sig = sig_of(op);
    using Value = detail::NumberOf<sig.arity == 1 ? sig.out : sig.in[sig.arity - 1]>;
    static_assert(F::has_result == (sig.out != Sig::none));
};
template <Op op, Variant v>
using FirstBody =
    Atomic<typename Accessing<op>::F, typename Accessing<op>::Memory, typename Accessing<op>::Value, v>;
template <Op op, Variant v>
using AnyBody =
    AtomicAny<typename Accessing<op>::F, typename Accessing<op>::Memory, typename Accessing<op>::Value, v>;

template <Variant>
struct Fence {
    static Exit run(Regs& r) noexcept {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return Decoder<Form::fence>::proceed(r);
    }
};

constexpr HandlerGroup atomic_group_list[] = {group<Form::atomic, Family::atomic, FirstBody>(),
                                              group<Form::atomic_any, Family::atomic, AnyBody>(),
                                              group<Form::fence, Fence>()};

} // namespace

constinit const HandlerGroups atomic_groups{atomic_group_list};

#else

constinit const HandlerGroups atomic_groups;

#endif

} // namespace warpbeam::vm
