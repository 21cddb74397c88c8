#pragma once

#include "isa/encoder.hpp"
#include "lower/inlining.hpp"

#include <warpbeam/memory/little_endian.hpp>

/// The fields of an instruction whose form is known where it is written: as Fields, but positions that don't
/// depend on the operands' classes are found at compile time.

namespace warpbeam::vm {

/// A slot or the value of a constant, as it was set, of an instruction with these operands' classes and
/// `widths` (detail::OpPlace).
template <Form form, Field name>
[[nodiscard]] WARPBEAM_LOWER_INLINE inline uint64_t known_field(const Instr& instr, const Variant& variant,
                                                                uint8_t widths) noexcept {
    constexpr size_t operand = operand_index(form, name);
    constexpr BitRange bits = encoding_of(form, 0, 8).fields[field_index(form, name)];
    static_assert(operand < 3 && bits.count == 16);
    if (variant.operand(operand) == Src::imm) {
        static_assert(!facts_of(form).has_open || facts_of(form).open == Typed::in0);
        return Fields{const_cast<Instr*>(&instr), {form, variant, size_t{4} << (widths & 3)}}.get(name);
    }
    uint16_t slot;
    std::memcpy(&slot, instr.bytes() + bits.byte, sizeof slot);
    return slot;
}

#if WARPBEAM_SMALL

/// In a small build, what is known is not made use of.
template <Form form>
class KnownFields {
public:
    explicit KnownFields(const Fields& fields) noexcept : fields_{fields} {}
    template <Field name>
    KnownFields& set(uint64_t value) noexcept {
        fields_.set(name, value);
        return *this;
    }
    template <Field name>
    [[nodiscard]] bool is_constant() const noexcept {
        return fields_.is_constant(name);
    }
    template <Field name>
    void set_constant(uint64_t value) noexcept {
        fields_.set(name, value);
    }

private:
    Fields fields_;
};

#else

/// The head is written when the object ends, as a whole.
template <Form form>
class KnownFields {
public:
    KnownFields(uint8_t* instr, unsigned constants, const Encoding& encoding) noexcept
        : bytes_{instr + head_offset}, constants_{constants}, encoding_{&encoding} {}
    KnownFields(KnownFields&&) noexcept = default;
    WARPBEAM_LOWER_INLINE ~KnownFields() { std::memcpy(bytes_, &head_, sizeof head_); }

    /// A slot or a number.
    template <Field name>
    WARPBEAM_LOWER_INLINE KnownFields& set(uint64_t value) noexcept {
        constexpr size_t index = index_of<name>();
        constexpr BitRange bits = without_constants.fields[index];
        if constexpr (bits.byte < sizeof head_)
            set_head(bits, value);
        else // after the words of constants
            set_word(encoding_->fields[index], value);
        return *this;
    }
    /// Whether a field is a constant operand.
    template <Field name>
    [[nodiscard]] WARPBEAM_LOWER_INLINE bool is_constant() const noexcept {
        return (constants_ >> operand_index(form, name) & 1) != 0;
    }
    /// Not of a vector, which no form that is known where it is written has.
    template <Field name>
    WARPBEAM_LOWER_INLINE void set_constant(uint64_t value) noexcept {
        const BitRange bits = encoding_->fields[index_of<name>()];
        if (bits.byte < sizeof head_)
            set_head(bits, value);
        else
            set_word(bits, value);
    }

private:
    static constexpr Encoding without_constants = encoding_of(form, 0, 8);
    template <Field name>
    static constexpr size_t index_of() noexcept {
        static_assert(field_index(form, name) < max_fields, "the form does not have this field");
        return field_index(form, name);
    }
    /// Fields are set once.
    WARPBEAM_LOWER_INLINE void set_head(BitRange bits, uint64_t value) noexcept {
        const uint64_t all = ~uint64_t{0} >> (64 - bits.count);
        const unsigned low = is_little_endian ? 8u * bits.byte : 64u - bits.count - 8u * bits.byte;
        head_ |= (value & all) << low;
    }

    /// The rest of a word is zeros.
    [[gnu::always_inline]] void set_word(BitRange bits, uint64_t value) noexcept {
        if (!is_little_endian && bits.count < 64)
            value <<= 64 - bits.count;
        std::memcpy(bytes_ + bits.byte, &value, sizeof value);
    }

    uint8_t* bytes_;
    uint64_t head_ = 0;
    unsigned constants_;
    const Encoding* encoding_;
};

#endif

} // namespace warpbeam::vm
