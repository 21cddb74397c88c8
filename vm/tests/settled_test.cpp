#include "lower/emitter.hpp"
#include "lower/emitter_inline.hpp"

#if !WARPBEAM_SMALL
#include "lower/settled.hpp"
#endif

#include <gtest/gtest.h>

/// The rows of frequent instructions say what Emitter::settle comes to.

namespace warpbeam::vm {
namespace {

#if !WARPBEAM_SMALL

class Settling : public Emitter {
public:
    Settling() noexcept : Emitter{Allocator::standard()} {}

    struct Found {
        unsigned cost;
        Choice choice;
    };
    /// For operands at these places, of a form with one or two.
    Found find(Form form, Op op, Spot left, Spot right) noexcept {
        Popped a = at(left, sig_of(op).in[0]);
        Popped b = at(right, sig_of(op).in[1]);
        Choice choice{form, op, {}};
        const unsigned cost = facts_of(form).operands == 1 ? settle(choice, a) : settle(choice, a, b);
        if (!exists(choice))
            choice.variant.result = Dst::slot;
        return {cost, choice};
    }

private:
    static Popped at(Spot spot, Sig::Type sig) noexcept {
        Operand operand{};
        operand.kind = sig != Sig::none ? kind_of(sig) : Kind{};
        operand.src = src_of(spot);
        operand.where = operand.src == Src::imm ? Operand::constant
                        : is_pin(operand.src)   ? Operand::local
                                                : Operand::home;
        operand.stored = spot != only_acc;
        operand.index = UINT32_MAX - 1; // of no local
        return {operand, operand.src == Src::acc};
    }
};

/// What the lowering does with the two orders of the operands.
Settling::Found best(Settling& settling, Form form, Op op, Spot left, Spot right, bool& swapped) {
    Settling::Found found = settling.find(form, op, left, right);
    swapped = false;
    const Op mirror = op_row(op).mirror;
    if (form == Form::binary && found.cost != 0 && mirror != Op::unreachable) {
        const Settling::Found other = settling.find(form, mirror, right, left);
        if (other.cost < found.cost) {
            swapped = true;
            return other;
        }
    }
    return found;
}

TEST(Settled, rows_are_what_the_emitter_settles_on) {
    Settling settling;
    size_t usual = 0;
    for (size_t code = 0; code < settled_count; ++code) {
        const size_t number = settled_keys.of[code];
        if (number == 0)
            continue;
        const auto op = static_cast<Op>(first_settled + code);
        const Form form = settled_keys.keys[number].form;
        for (Spot left = 0; left < spot_count; ++left)
            for (Spot right = 0; right < spot_count; ++right) {
                const Settled row = settled_rows[number][left * spot_count + right];
                if (row.is(Settled::unusual)) // the emitter decides
                    continue;
                bool swapped = false;
                const Settling::Found found = best(settling, form, op, left, right, swapped);
                SCOPED_TRACE(std::string{row_of(op).text()} + " " + std::to_string(left) + " " +
                             std::to_string(right));
                ++usual;
                EXPECT_LT(found.cost, 4u);
                const Variant& variant = found.choice.variant;
                EXPECT_EQ(row.is(Settled::swapped), swapped);
                EXPECT_EQ(row.variant.a, variant.a);
                if (facts_of(form).operands > 1) {
                    EXPECT_EQ(row.variant.b, variant.b);
                }
                EXPECT_EQ(row.variant.result, variant.result);
                EXPECT_EQ(row.number, number_of(form, row.variant));
                EXPECT_EQ(row.is(Settled::stored), variant.result == Dst::slot);
                EXPECT_EQ(row.is(Settled::left_word), variant.a == Src::imm);
                const bool is_word =
                    facts_of(form).operands > 1 && variant.b == Src::imm &&
                    (form == Form::store || constant_width(found.choice) == sizeof(uint64_t));
                EXPECT_EQ(row.is(Settled::right_word), is_word);
            }
    }
    EXPECT_GT(usual, 1000u);
}

#endif

} // namespace
} // namespace warpbeam::vm
