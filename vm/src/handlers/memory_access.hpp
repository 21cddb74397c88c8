#pragma once

#include "handlers/shapes.hpp"
#include "runtime/instance_data.hpp"

#include <bit>

/// Loads and stores. Memory is little-endian whatever the machine is.
/// https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

static_assert(std::endian::native == std::endian::little, "memory accesses want byte swaps on this machine");

/// How wide an access is, and what its value is in the machine: an As in memory, a T on the stack. A signed
/// As is sign-extended.
template <typename As, typename T>
struct Access {
    using Memory = As;
    using Value = T;
    static constexpr uint64_t size = sizeof(As);

    [[gnu::always_inline]] static T load(const uint8_t* at) noexcept {
        As value;
        std::memcpy(&value, at, size);
        if constexpr (is_float<T>)
            return value;
        else if constexpr (std::is_signed_v<As>)
            return static_cast<T>(static_cast<std::make_signed_t<T>>(value));
        else
            return static_cast<T>(value);
    }
    [[gnu::always_inline]] static void store(uint8_t* at, T value) noexcept {
        const As narrow = static_cast<As>(value);
        std::memcpy(at, &narrow, size);
    }
};

/// The access that an instruction makes, passed to `visit` as a type; nothing is called for other
/// instructions.
template <typename Visitor>
constexpr auto visit_load(Op op, Visitor visit) noexcept -> decltype(visit(Access<uint32_t, uint32_t>{})) {
    using u32 = uint32_t;
    using u64 = uint64_t;
    switch (op) {
    case Op::i32_load:
        return visit(Access<u32, u32>{});
    case Op::i64_load:
        return visit(Access<u64, u64>{});
    case Op::f32_load:
        return visit(Access<float, float>{});
    case Op::f64_load:
        return visit(Access<double, double>{});
    case Op::i32_load8_s:
        return visit(Access<int8_t, u32>{});
    case Op::i32_load8_u:
        return visit(Access<uint8_t, u32>{});
    case Op::i32_load16_s:
        return visit(Access<int16_t, u32>{});
    case Op::i32_load16_u:
        return visit(Access<uint16_t, u32>{});
    case Op::i64_load8_s:
        return visit(Access<int8_t, u64>{});
    case Op::i64_load8_u:
        return visit(Access<uint8_t, u64>{});
    case Op::i64_load16_s:
        return visit(Access<int16_t, u64>{});
    case Op::i64_load16_u:
        return visit(Access<uint16_t, u64>{});
    case Op::i64_load32_s:
        return visit(Access<int32_t, u64>{});
    case Op::i64_load32_u:
        return visit(Access<u32, u64>{});
    default:
        return nullptr;
    }
}
template <typename Visitor>
constexpr auto visit_store(Op op, Visitor visit) noexcept -> decltype(visit(Access<uint32_t, uint32_t>{})) {
    using u32 = uint32_t;
    using u64 = uint64_t;
    switch (op) {
    case Op::i32_store:
        return visit(Access<u32, u32>{});
    case Op::i64_store:
        return visit(Access<u64, u64>{});
    case Op::f32_store:
        return visit(Access<float, float>{});
    case Op::f64_store:
        return visit(Access<double, double>{});
    case Op::i32_store8:
        return visit(Access<uint8_t, u32>{});
    case Op::i32_store16:
        return visit(Access<uint16_t, u32>{});
    case Op::i64_store8:
        return visit(Access<uint8_t, u64>{});
    case Op::i64_store16:
        return visit(Access<uint16_t, u64>{});
    case Op::i64_store32:
        return visit(Access<u32, u64>{});
    default:
        return nullptr;
    }
}

/// Where `size` bytes at `address + offset` lie: null when they are not all in memory 0, and then acc is the
/// effective address. Both are below 2^33, so nothing wraps.
[[gnu::always_inline]] inline uint8_t* checked(Regs& r, uint64_t address, uint64_t offset,
                                               uint64_t size) noexcept {
    const uint64_t end = address + offset + size;
    if (end > r.mem_size) [[unlikely]] {
        r.acc = address + offset;
        return nullptr;
    }
    return r.mem + end - size;
}

template <Src S>
[[gnu::always_inline]] inline uint64_t read_address(const Regs& r) noexcept {
    return read<uint32_t, S>(r, r.ip->a, 0);
}

} // namespace warpbeam::vm
