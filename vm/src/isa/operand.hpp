#pragma once

#include "isa/instr.hpp"

#include <utility>

/// Where handlers find their operands and leave their results. The lowering picks the classes, a handler's
/// template parameters bake them in.

namespace warpbeam::vm {

/// Where an operand is. For floating-point types l0 means the register f0.
enum class Src : uint8_t {
    slot, ///< in the frame
    acc,  ///< in the accumulator, left there by an instruction before
    l0,   ///< in a pinned local
    l1,
    imm, ///< in the instruction
};
inline constexpr size_t src_count = 5;

/// Where a result goes. All but `acc` also write the frame slot `d`.
enum class Dst : uint8_t {
    acc,  ///< the accumulator alone
    slot, ///< the frame and the accumulator
    l0,   ///< a pinned local and its slot; the accumulator is left alone
    l1,
};
inline constexpr size_t dst_count = 4;

template <typename T>
inline constexpr bool is_vector = std::is_same_v<T, Vector>;
/// Whether a T travels in the floating-point registers.
template <typename T>
inline constexpr bool is_float = std::is_floating_point_v<T> || is_vector<T>;
/// Whether a local of type T can be pinned in that register.
template <typename T>
inline constexpr bool pinned_in_l0 = !is_vector<T>;
template <typename T>
inline constexpr bool pinned_in_l1 = !is_float<T>;
template <typename T>
constexpr bool exists(Src s) noexcept {
    return (s != Src::l0 || pinned_in_l0<T>) && (s != Src::l1 || pinned_in_l1<T>);
}
template <typename T>
constexpr bool exists(Dst d) noexcept {
    return (d != Dst::l0 || pinned_in_l0<T>) && (d != Dst::l1 || pinned_in_l1<T>);
}

namespace detail {

template <typename T>
[[gnu::always_inline]] inline T from_bits(uint64_t bits) noexcept {
    if constexpr (sizeof(T) == 4)
        return std::bit_cast<T>(static_cast<uint32_t>(bits));
    else
        return std::bit_cast<T>(bits);
}

template <typename T>
[[gnu::always_inline]] inline uint64_t to_bits(T value) noexcept {
    if constexpr (sizeof(T) == 4)
        return std::bit_cast<uint32_t>(value);
    else
        return std::bit_cast<uint64_t>(value);
}

using FloatVector = float __attribute__((vector_size(16)));

template <typename T>
[[gnu::always_inline]] inline T vector_get(Vector vector) noexcept {
    if constexpr (is_vector<T>)
        return vector;
    else if constexpr (std::is_same_v<T, float>)
        return std::bit_cast<FloatVector>(vector)[0];
    else
        return vector[0];
}

// The upper lanes of a scalar are nobody's business; leaving them undefined saves an instruction.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
template <typename T>
[[gnu::always_inline]] inline Vector vector_set(T value) noexcept {
    if constexpr (is_vector<T>)
        return value;
#ifdef __clang__
    else if constexpr (std::is_same_v<T, float>) {
        FloatVector vector;
        vector[0] = value;
        return std::bit_cast<Vector>(vector);
    } else {
        Vector vector;
        vector[0] = value;
        return vector;
    }
#else
    else if constexpr (std::is_same_v<T, float>)
        return std::bit_cast<Vector>(FloatVector{value, 0, 0, 0});
    else
        return Vector{value, 0};
#endif
}
#pragma GCC diagnostic pop

} // namespace detail

/// A slot of the frame as a T.
template <typename T>
[[gnu::always_inline]] inline T load_slot(const Slot* fp, size_t index) noexcept {
    T value;
    std::memcpy(&value, fp + index, sizeof(T));
    return value;
}
template <typename T>
[[gnu::always_inline]] inline void store_slot(Slot* fp, size_t index, T value) noexcept {
    // A float's upper half is never read, an integer's must be zero.
    if constexpr (is_float<T>)
        std::memcpy(fp + index, &value, sizeof(T));
    else
        fp[index] = detail::to_bits(value);
}

/// Reads an operand; `slot` and `imm` are the fields of the instruction for those two classes. A constant of
/// 128 bits is always the first two words behind the head.
template <typename T, Src S>
[[gnu::always_inline]] inline T read(const Regs& r, uint16_t slot, uint64_t imm) noexcept {
    if constexpr (S == Src::slot)
        return load_slot<T>(r.fp, slot);
    else if constexpr (S == Src::imm && is_vector<T>)
        return load_slot<T>(reinterpret_cast<const Slot*>(r.ip + 1), 0);
    else if constexpr (S == Src::imm)
        return detail::from_bits<T>(imm);
    else if constexpr (is_float<T>)
        return detail::vector_get<T>(S == Src::acc ? r.facc : r.f0);
    else
        return detail::from_bits<T>(S == Src::acc ? r.acc : S == Src::l0 ? r.l0 : r.l1);
}

/// Writes a result.
template <Dst D, typename T>
[[gnu::always_inline]] inline void write(Regs& r, uint16_t slot, T value) noexcept {
    if constexpr (D != Dst::acc)
        store_slot<T>(r.fp, slot, value);
    if constexpr (is_float<T>)
        (D == Dst::l0 || D == Dst::l1 ? r.f0 : r.facc) = detail::vector_set<T>(value);
    else if constexpr (D == Dst::l0)
        r.l0 = detail::to_bits(value);
    else if constexpr (D == Dst::l1)
        r.l1 = detail::to_bits(value);
    else
        r.acc = detail::to_bits(value);
}

/// Whether the constant of a type needs 64-bit words behind the instruction.
template <typename T>
inline constexpr bool wide_imm = sizeof(T) >= 8;

/// The two operands of a binary instruction. A slot of the left one is `a`, of the right one `b`, or `a` when
/// the left one is a constant (which lies over `b`). A constant of 64 bits is the first word behind the head.
template <typename T, Src L, Src R>
[[gnu::always_inline]] inline std::pair<T, T> read_pair(const Regs& r) noexcept {
    constexpr bool has_imm = L == Src::imm || R == Src::imm;
    uint64_t imm = 0;
    if constexpr (has_imm)
        imm = wide_imm<T> ? r.ip->word(0) : r.ip->uimm;
    return {read<T, L>(r, r.ip->a, imm), read<T, R>(r, L == Src::imm ? r.ip->a : r.ip->b, imm)};
}

/// The size in bytes of an instruction with such operands.
template <typename T, Src... S>
inline constexpr size_t instr_size =
    sizeof(Instr) + (wide_imm<T> && ((S == Src::imm) || ...) ? sizeof(T) : 0);

} // namespace warpbeam::vm
