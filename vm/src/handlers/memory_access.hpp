#pragma once

#include "handlers/instance_data.hpp"
#include "handlers/shapes.hpp"

#include <warpbeam/memory/racing.hpp>

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
        racing_access<size>(&value, at);
        if constexpr (is_float<T>)
            return value;
        else if constexpr (std::is_signed_v<As>)
            return static_cast<T>(static_cast<std::make_signed_t<T>>(value));
        else
            return static_cast<T>(value);
    }
    [[gnu::always_inline]] static void store(uint8_t* at, T value) noexcept {
        const As narrow = static_cast<As>(value);
        racing_access<size>(at, &narrow);
    }
};

/// Loads of vectors from less than 16 bytes: a narrow lane in each wide one, one in all of them, or one and
/// zeros.
template <typename Narrow, typename Wide>
struct ExtendAccess {
    using Value = Vector;
    static constexpr uint64_t size = 8;
    [[gnu::always_inline]] static Vector load(const uint8_t* at) noexcept {
        typename VectorOf<Narrow, 8>::type narrow;
        racing_access<size>(&narrow, at);
        return std::bit_cast<Vector>(__builtin_convertvector(narrow, typename VectorOf<Wide, 16>::type));
    }
};
template <typename Lane>
struct SplatAccess {
    using Value = Vector;
    static constexpr uint64_t size = sizeof(Lane);
    [[gnu::always_inline]] static Vector load(const uint8_t* at) noexcept {
        Lane lane;
        racing_access<size>(&lane, at);
        return std::bit_cast<Vector>(typename VectorOf<Lane, 16>::type{} + lane);
    }
};
template <typename Lane>
struct ZeroAccess {
    using Value = Vector;
    static constexpr uint64_t size = sizeof(Lane);
    [[gnu::always_inline]] static Vector load(const uint8_t* at) noexcept {
        Lane lane;
        racing_access<size>(&lane, at);
        return std::bit_cast<Vector>(typename VectorOf<Lane, 16>::type{lane});
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
    case Op::v128_load:
        return visit(Access<Vector, Vector>{});
    case Op::v128_load8x8_s:
        return visit(ExtendAccess<int8_t, int16_t>{});
    case Op::v128_load8x8_u:
        return visit(ExtendAccess<uint8_t, uint16_t>{});
    case Op::v128_load16x4_s:
        return visit(ExtendAccess<int16_t, int32_t>{});
    case Op::v128_load16x4_u:
        return visit(ExtendAccess<uint16_t, u32>{});
    case Op::v128_load32x2_s:
        return visit(ExtendAccess<int32_t, int64_t>{});
    case Op::v128_load32x2_u:
        return visit(ExtendAccess<u32, u64>{});
    case Op::v128_load8_splat:
        return visit(SplatAccess<uint8_t>{});
    case Op::v128_load16_splat:
        return visit(SplatAccess<uint16_t>{});
    case Op::v128_load32_splat:
        return visit(SplatAccess<u32>{});
    case Op::v128_load64_splat:
        return visit(SplatAccess<u64>{});
    case Op::v128_load32_zero:
        return visit(ZeroAccess<u32>{});
    case Op::v128_load64_zero:
        return visit(ZeroAccess<u64>{});
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
    case Op::v128_store:
        return visit(Access<Vector, Vector>{});
    default:
        return nullptr;
    }
}

/// The exit of an access at an effective address that lies outside. All operands are still in their places,
/// since the access is repeated if another thread has made the memory larger.
[[gnu::always_inline]] inline Exit out_of_bounds(Regs& r, uint64_t address) noexcept {
    r.mem_size = address;
    return Exit::memory_out_of_bounds;
}

/// Where `size` bytes at `address + offset` lie: null when they are not all in memory 0, and then the exit is
/// prepared as in `out_of_bounds`. Both are below 2^33, so nothing wraps.
[[gnu::always_inline]] inline uint8_t* checked(Regs& r, uint64_t address, uint64_t offset,
                                               uint64_t size) noexcept {
    const uint64_t end = address + offset + size;
    if (end > r.mem_size) [[unlikely]] {
        (void)out_of_bounds(r, address + offset);
        return nullptr;
    }
    uint8_t* const at = r.mem + end - size;
    // A memory with bytes is somewhere, which saves the caller's check a comparison.
    if (at == nullptr)
        __builtin_unreachable();
    return at;
}

template <Src S>
[[gnu::always_inline]] inline uint64_t read_address(const Regs& r) noexcept {
    return read<uint32_t, S>(r, r.ip->a, 0);
}

} // namespace warpbeam::vm
