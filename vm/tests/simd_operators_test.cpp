#include "simd_operators.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

namespace warpbeam::vm {
namespace {

template <typename T>
void canonical_nans(Bytes& bytes) {
    for (size_t i = 0; i < bytes.size(); i += sizeof(T)) {
        T lane;
        std::memcpy(&lane, &bytes[i], sizeof(T));
        if (std::isnan(lane))
            lane = std::numeric_limits<T>::quiet_NaN();
        std::memcpy(&bytes[i], &lane, sizeof(T));
    }
}

template <typename T, size_t N>
Bytes pick(std::mt19937& random, const T (&from)[N]) {
    Bytes bytes;
    for (size_t i = 0; i < bytes.size(); i += sizeof(T))
        std::memcpy(&bytes[i], &from[random() % N], sizeof(T));
    return bytes;
}

Bytes operand(std::mt19937& random) {
    constexpr uint8_t bytes[] = {0, 1, 2, 15, 16, 17, 31, 0x55, 0x7f, 0x80, 0x81, 0xfe, 0xff};
    constexpr uint16_t halves[] = {0,      1,      0x7f,   0x80,   0xff,   0x100,
                                   0x7fff, 0x8000, 0x8001, 0xff80, 0xff7f, 0xffff};
    constexpr uint32_t words[] = {0,          1,          0x7fff,     0x8000,     0xffff,     0x10000,
                                  0x7fffffff, 0x80000000, 0x80000001, 0xffff8000, 0xffff7fff, 0xffffffff};
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    constexpr float infinity = std::numeric_limits<float>::infinity();
    constexpr float floats[] = {0.0F,        -0.0F,    0.5F,      -0.5F,   0.7F,       -0.7F,
                                1.5F,        -1.5F,    2.5F,      -2.5F,   8388607.5F, -8388607.5F,
                                16777216.0F, 0x1p31F,  -0x1p31F,  0x1p32F, 1e30F,      1e-40F,
                                nan,         infinity, -infinity, -nan,    -1.0F,      4294967040.0F};
    constexpr double doubles[] = {0.0,
                                  -0.0,
                                  0.5,
                                  -0.5,
                                  0.7,
                                  -0.7,
                                  1.5,
                                  -2.5,
                                  2.5,
                                  0x1p52,
                                  0x1.8p51,
                                  2147483647.5,
                                  0x1p31,
                                  -0x1p31,
                                  -0x1p31 - 0.5,
                                  4294967295.5,
                                  0x1p32,
                                  -0x1p53,
                                  1e300,
                                  1e-310,
                                  1e40,
                                  0x1.000001p0,
                                  double{nan},
                                  double{infinity},
                                  -double{infinity},
                                  -0.9};
    switch (random() % 6) {
    case 0:
        return pick(random, bytes);
    case 1:
        return pick(random, halves);
    case 2:
        return pick(random, words);
    case 3:
        return pick(random, floats);
    case 4:
        return pick(random, doubles);
    default: {
        Bytes any;
        for (uint8_t& byte : any)
            byte = static_cast<uint8_t>(random());
        return any;
    }
    }
}

void expect_same(std::span<const SimdOperator> some, std::span<const SimdOperator> others) {
    ASSERT_EQ(some.size(), others.size());
    std::mt19937 random{20261122};
    for (size_t i = 0; i < some.size(); ++i) {
        for (int round = 0; round < 4000; ++round) {
            const Bytes operands[] = {operand(random), operand(random), operand(random)};
            const auto number = static_cast<uint32_t>(random() % 130);
            Bytes one{};
            Bytes other{};
            some[i].apply(operands, number, one);
            others[i].apply(operands, number, other);
            for (Bytes* const result : {&one, &other}) {
                if (some[i].lanes == 'f')
                    canonical_nans<float>(*result);
                if (some[i].lanes == 'd')
                    canonical_nans<double>(*result);
            }
            ASSERT_EQ(one, other) << some[i].name << " of\n"
                                  << testing::PrintToString(operands) << " and " << number;
        }
    }
}

TEST(SimdOperators, are_the_same_with_and_without_intrinsics) {
    expect_same(operators_portable::operators(), operators_baseline::operators());
}

#ifdef WARPBEAM_SIMD_AVX2
TEST(SimdOperators, are_the_same_with_newer_instructions) {
    if (!__builtin_cpu_supports("avx2"))
        GTEST_SKIP() << "this processor has no AVX2";
    expect_same(operators_portable::operators(), operators_avx2::operators());
}
#endif

} // namespace
} // namespace warpbeam::vm
