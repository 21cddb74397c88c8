#pragma once

#include "isa/form.hpp"
#include "isa/instr.hpp"

#include <warpbeam/memory/little_endian.hpp>

#include <bit>
#include <cstring>
#include <type_traits>

/// How handlers read the fields and operands of their instruction. Everything is computed at compile time:
/// only the loads remain.

namespace warpbeam::vm {

template <typename T>
inline constexpr bool is_vector = std::is_same_v<T, Vector>;
/// Whether a T travels in the floating-point registers.
template <typename T>
inline constexpr bool is_float = std::is_floating_point_v<T> || is_vector<T>;

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
/// An f32 is in the lower half of the first number, as in a slot.
inline constexpr int float_lane = is_little_endian ? 0 : 1;

template <typename T>
[[gnu::always_inline]] inline T vector_get(Vector vector) noexcept {
    if constexpr (is_vector<T>)
        return vector;
    else if constexpr (std::is_same_v<T, float>)
        return std::bit_cast<FloatVector>(vector)[float_lane];
    else
        return vector[0];
}

// The upper lanes of a scalar are never read; leaving them undefined saves an instruction.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
template <typename T>
[[gnu::always_inline]] inline Vector vector_set(T value) noexcept {
    if constexpr (is_vector<T>)
        return value;
#ifdef __clang__
    else if constexpr (std::is_same_v<T, float>) {
        FloatVector vector;
        vector[float_lane] = value;
        return std::bit_cast<Vector>(vector);
    } else {
        Vector vector;
        vector[0] = value;
        return vector;
    }
#else
    else if constexpr (std::is_same_v<T, float>)
        return std::bit_cast<Vector>(is_little_endian ? FloatVector{value, 0, 0, 0}
                                                      : FloatVector{0, value, 0, 0});
    else
        return Vector{value, 0};
#endif
}
#pragma GCC diagnostic pop

} // namespace detail

/// A slot of the frame as a T.
template <typename T>
[[gnu::always_inline]] inline T load_slot(const Slot* fp, size_t index) noexcept {
    // The lower half of a slot does not come first on big-endian machines.
    if constexpr (!is_little_endian && !is_vector<T>)
        return detail::from_bits<T>(fp[index]);
#ifdef __aarch64__
    // A register that is an index is scaled by the size of the access or not at all, so reading half of a
    // slot would take one more instruction.
    if constexpr (sizeof(T) == sizeof(uint32_t) && !is_float<T>)
        return detail::from_bits<T>(fp[index]);
#endif
    T value;
    std::memcpy(&value, fp + index, sizeof(T));
    return value;
}
template <typename T>
[[gnu::always_inline]] inline void store_slot(Slot* fp, size_t index, T value) noexcept {
    // A float's upper half is never read, an integer's must be zero.
    if constexpr (is_vector<T> || (is_float<T> && is_little_endian))
        std::memcpy(fp + index, &value, sizeof(T));
    else
        fp[index] = detail::to_bits(value);
}

/// Writes a result.
template <Dst D, typename T>
[[gnu::always_inline]] inline void write(Regs& r, uint16_t slot, T value) noexcept {
    if constexpr (D != Dst::acc)
        store_slot<T>(r.fp, slot, value);
    if constexpr (is_float<T>)
        (is_pin(D) ? r.f0 : r.facc) = detail::vector_set<T>(value);
    else if constexpr (D == Dst::l0)
        r.l0 = detail::to_bits(value);
    else if constexpr (D == Dst::l1)
        r.l1 = detail::to_bits(value);
    else
        r.acc = detail::to_bits(value);
}

namespace detail {

template <typename T>
struct ValueOf {
    using type = T;
};
template <typename T>
    requires requires(T result) { result.trap; }
struct ValueOf<T> {
    using type = decltype(T::value);
};
template <>
struct ValueOf<bool> {
    using type = uint32_t;
};

/// The encodings of a form. There are few, so each is computed once.
template <Form form, unsigned constants, size_t width>
inline constexpr Encoding encoding = encoding_of(form, constants, width);

template <uint8_t count>
using Unsigned = std::conditional_t<
    count == 8, uint8_t,
    std::conditional_t<count == 16, uint16_t, std::conditional_t<count == 32, uint32_t, uint64_t>>>;

} // namespace detail

/// Reads the fields of an instruction that are the same for many variants.
template <Form form, unsigned constants, size_t width>
struct FieldReader {
    static constexpr const Encoding& encoding = detail::encoding<form, constants, width>;
    static constexpr size_t size = sizeof(Instr) + 8 * encoding.words;

    template <Field name>
    static constexpr const FieldRow& row = row_of(form).fields[field_index(form, name)];
    template <Field name>
    static constexpr BitRange bits = encoding.fields[field_index(form, name)];

    /// A field as a number; a slot is a number too.
    template <Field name>
    [[gnu::always_inline]] static auto get(const Instr* ip) noexcept {
        static_assert(field_index(form, name) < max_fields, "the form does not have this field");
        static_assert(bits<name>.count != 128);
        detail::Unsigned<bits<name>.count> value;
        std::memcpy(&value, ip->bytes() + bits<name>.byte, sizeof value);
        if constexpr (row<name>.kind == FieldKind::jump)
            return static_cast<int32_t>(value);
        else
            return value;
    }
    /// A 128-bit constant.
    template <Field name>
    [[gnu::always_inline]] static Vector vector(const Instr* ip) noexcept {
        static_assert(bits<name>.count == 128);
        Vector value;
        std::memcpy(&value, ip->bytes() + bits<name>.byte, sizeof value);
        return value;
    }
    /// The contents of the slot in a field, as a T.
    template <Field name, typename T>
    [[gnu::always_inline]] static T slot(const Regs& r) noexcept {
        return load_slot<T>(r.fp, static_cast<size_t>(get<name>(r.ip)));
    }
    template <Field name, typename T>
    [[gnu::always_inline]] static const T* pointer(const Regs& r) noexcept {
        static_assert(row<name>.kind == FieldKind::pointer);
        return reinterpret_cast<const T*>(static_cast<uintptr_t>(get<name>(r.ip)));
    }

    [[gnu::always_inline]] static const Instr* next(const Regs& r) noexcept { return r.ip->after(size); }
    [[gnu::always_inline]] static const Instr* target(const Regs& r) noexcept {
#ifdef WARPBEAM_THREAD_SANITIZER // as in Instr::current
        return r.ip->jump(__atomic_load_n(
            reinterpret_cast<const int32_t*>(r.ip->bytes() + bits<Field::target>.byte), __ATOMIC_RELAXED));
#else
        return r.ip->jump(get<Field::target>(r.ip));
#endif
    }
    /// Completes an instruction without a result.
    [[gnu::always_inline]] static Exit proceed(Regs& r) noexcept {
        r.ip = next(r);
        return Exit::none;
    }
};

/// Also reads the operands of a variant of an instruction. `width` is the size of a constant whose type the
/// form leaves open.
template <Form form, Variant variant = Variant{}, size_t width = 8>
struct Decoder : FieldReader<form, variant.constants(), width> {
    using Fields = FieldReader<form, variant.constants(), width>;

    /// An operand, wherever it is.
    template <Field name, typename T>
    [[gnu::always_inline]] static T read(const Regs& r) noexcept {
        static_assert(row_of(form).fields[field_index(form, name)].kind == FieldKind::operand);
        constexpr Src s = variant.operand(operand_index(form, name));
        if constexpr (s == Src::slot)
            return load_slot<T>(r.fp, static_cast<uint16_t>(Fields::template get<name>(r.ip)));
        else if constexpr (s == Src::imm && is_vector<T>)
            return Fields::template vector<name>(r.ip);
        else if constexpr (s == Src::imm)
            return detail::from_bits<T>(Fields::template get<name>(r.ip));
        else if constexpr (is_float<T>)
            return detail::vector_get<T>(s == Src::acc ? r.facc : r.f0);
        else
            return detail::from_bits<T>(s == Src::acc ? r.acc : s == Src::l0 ? r.l0 : r.l1);
    }
    /// Writes a result, or reports its trap.
    template <typename Result>
    [[gnu::always_inline]] static Exit finish(Regs& r, Result result) noexcept {
        using T = typename detail::ValueOf<Result>::type;
        constexpr bool may_trap = requires { result.trap; };
        T value;
        if constexpr (may_trap) {
            if (result.trap != Exit::none) [[unlikely]]
                return result.trap;
            value = result.value;
        } else {
            value = static_cast<T>(result);
        }
        write<variant.result, T>(r, Fields::template get<Field::result>(r.ip), value);
        return Fields::proceed(r);
    }
};

} // namespace warpbeam::vm
