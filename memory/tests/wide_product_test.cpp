#include <gtest/gtest.h>
#include <warpbeam/memory/wide_product.hpp>

namespace warpbeam {
namespace {

constexpr uint64_t numbers[] = {0,
                                1,
                                2,
                                0x7fff'ffff,
                                0x8000'0000,
                                0xffff'ffff,
                                0x1'0000'0000,
                                0x1'ffff'ffff,
                                0x7fff'ffff'ffff'ffff,
                                0x8000'0000'0000'0000,
                                0xdead'beef'0bad'cafe,
                                0xffff'ffff'0000'0001,
                                0xffff'ffff'ffff'ffff};

/// The upper half of the product, by adding `a` once for each bit of `b`.
WideNumber added(uint64_t a, uint64_t b) {
    WideNumber sum;
    for (int bit = 63; bit >= 0; --bit) {
        sum.high = sum.high << 1 | sum.low >> 63;
        sum.low <<= 1;
        if ((b >> bit & 1) != 0) {
            sum.low += a;
            sum.high += sum.low < a ? 1 : 0;
        }
    }
    return sum;
}

TEST(WideProduct, BothWaysAgreeWithAdditions) {
    for (const uint64_t a : numbers)
        for (const uint64_t b : numbers) {
            const WideNumber expected = added(a, b);
            for (const WideNumber product : {wide_product(a, b), detail::product_of_halves(a, b)}) {
                EXPECT_EQ(product.low, expected.low) << a << " * " << b;
                EXPECT_EQ(product.high, expected.high) << a << " * " << b;
            }
        }
}

TEST(WideProduct, OfSignedNumbers) {
    for (const uint64_t a : numbers)
        for (const uint64_t b : numbers) {
            // The product of the magnitudes, negated if one of the numbers is negative.
            const bool is_negative = (a >> 63) != (b >> 63);
            WideNumber expected = added(a >> 63 != 0 ? 0 - a : a, b >> 63 != 0 ? 0 - b : b);
            if (is_negative)
                expected = {0 - expected.low, ~expected.high + (expected.low == 0 ? 1 : 0)};
            for (const WideNumber product :
                 {signed_wide_product(a, b), detail::as_signed(detail::product_of_halves(a, b), a, b)}) {
                EXPECT_EQ(product.low, expected.low) << a << " * " << b;
                EXPECT_EQ(product.high, expected.high) << a << " * " << b;
            }
        }
}

TEST(WideProduct, FoldedIsBothHalves) {
    EXPECT_EQ(folded_product(0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff), 0xffff'ffff'ffff'fffeU ^ 1U);
}

} // namespace
} // namespace warpbeam
