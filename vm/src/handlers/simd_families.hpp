#pragma once

#include "handlers/families.hpp"

/// The vector operators are compiled once for each instruction set that a processor may have; simd.cpp picks
/// one of the tables.

namespace warpbeam::vm {

struct SimdFamilies {
    const Handler* (*binary)(Op op) noexcept;
    const Handler* (*unary)(Op op) noexcept;
    Handler (*ternary)(Op op, Dst d, Src a, Src b, Src c) noexcept;
    Handler (*with_scalar)(Op op, Dst d, Src vector, Src scalar) noexcept;
    Handler (*shuffle)(Dst d, Src l, Src r) noexcept;
};

namespace simd_baseline {
extern const SimdFamilies families;
}
namespace simd_avx2 {
extern const SimdFamilies families;
}

} // namespace warpbeam::vm
