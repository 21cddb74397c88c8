#pragma once

#include <warpbeam/build.hpp>
#include <warpbeam/loader/instr_table.hpp>

#include <cstddef>
#include <cstdint>

/// Where an instruction finds its operands and leaves its result. The lowering chooses the classes; they are
/// compiled into the handler.

namespace warpbeam::vm {

/// Where an operand is. For floating-point types l0 means the register f0.
enum class Src : uint8_t {
    slot, ///< in the frame
    acc,  ///< in the accumulator, left there by an earlier instruction
    l0,   ///< in a pinned local
    l1,
    imm, ///< in the instruction
};
/// How many of them a build has, and the place of each among them: a small one has no pinned locals.
inline constexpr size_t src_count = is_small ? 3 : 5;
constexpr size_t number_of(Src s) noexcept {
    return !is_small ? static_cast<size_t>(s) : s == Src::imm ? 2 : s == Src::acc ? 1 : 0;
}
constexpr Src src_at(size_t number) noexcept {
    return is_small && number == 2 ? Src::imm : static_cast<Src>(number);
}

/// Where a result goes. All except `acc` also write the frame slot that the instruction names.
enum class Dst : uint8_t {
    acc,  ///< only the accumulator
    slot, ///< the frame and the accumulator
    l0,   ///< a pinned local and its slot; the accumulator is unchanged
    l1,
};
inline constexpr size_t dst_count = is_small ? 2 : 4;
constexpr size_t number_of(Dst d) noexcept {
    return !is_small ? static_cast<size_t>(d) : d == Dst::acc ? 0 : 1;
}

constexpr bool is_pin(Src s) noexcept { return s == Src::l0 || s == Src::l1; }
constexpr bool is_pin(Dst d) noexcept { return d == Dst::l0 || d == Dst::l1; }

/// The kind of registers that hold a value: integer registers, also for references, or vector registers.
enum class Bank : uint8_t { integer, floating, vector };

constexpr Bank bank_of(Sig::Type type) noexcept {
    switch (type) {
    case Sig::f32:
    case Sig::f64:
        return Bank::floating;
    case Sig::v128:
        return Bank::vector;
    case Sig::none:
    case Sig::i32:
    case Sig::i64:
    case Sig::addr:
        break;
    }
    return Bank::integer;
}

/// Whether values of a bank can be in this pinned local: integers in l0 and l1, one f32 or f64 in l0 (f0), no
/// vectors.
constexpr bool has_pin(Bank bank, Src s) noexcept {
    return !is_pin(s) || bank == Bank::integer || (bank == Bank::floating && s == Src::l0);
}
constexpr bool has_pin(Bank bank, Dst d) noexcept {
    return !is_pin(d) || bank == Bank::integer || (bank == Bank::floating && d == Dst::l0);
}

/// One variant of an instruction: the classes of its result and operands in the order of its form, and for
/// some forms an option (see isa/forms.inc). Fields that a form does not have keep their defaults.
struct Variant {
    Dst result = Dst::acc;
    Src a = Src::slot;
    Src b = Src::slot;
    Src c = Src::slot;
    uint8_t option = 0;
    friend constexpr bool operator==(const Variant&, const Variant&) noexcept = default;

    [[nodiscard]] constexpr Src operand(size_t i) const noexcept { return i == 0 ? a : i == 1 ? b : c; }
    constexpr void set_operand(size_t i, Src src) noexcept { (i == 0 ? a : i == 1 ? b : c) = src; }
    [[nodiscard]] constexpr Variant with(Dst d) const noexcept {
        Variant other = *this;
        other.result = d;
        return other;
    }
    /// Which operands are constants, one bit for each.
    [[nodiscard]] constexpr unsigned constants() const noexcept {
        return (a == Src::imm ? 1u : 0u) | (b == Src::imm ? 2u : 0u) | (c == Src::imm ? 4u : 0u);
    }
};

} // namespace warpbeam::vm
