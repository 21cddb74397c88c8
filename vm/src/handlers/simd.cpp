#include "handlers/families.hpp"
#include "handlers/memory_access.hpp"
#include "handlers/simd_families.hpp"

/// Which of the compiled instruction sets the processor gets, and what is the same in all of them.

namespace warpbeam::vm {

namespace {

const SimdFamilies& families() noexcept {
#ifdef WARPBEAM_SIMD_AVX2
    if (__builtin_cpu_supports("avx2"))
        return simd_avx2::families;
#endif
    return simd_baseline::families;
}

/// A lane is a number in the frame.
template <typename A, Dst D>
struct ExtractLane {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto* const lanes = reinterpret_cast<const uint8_t*>(r.fp + r.ip->a);
        return detail::finish<D>(r, A::load(lanes + r.ip->c * A::size), sizeof(Instr));
    }
};
template <typename A>
Handler extract_variant(Dst d) noexcept {
    switch (d) {
    case Dst::acc:
        return &handler<ExtractLane<A, Dst::acc>>;
    case Dst::slot:
        return &handler<ExtractLane<A, Dst::slot>>;
    case Dst::l0:
        return &handler<ExtractLane<A, Dst::l0>>;
    case Dst::l1:
        if constexpr (exists<typename A::Value>(Dst::l1))
            return &handler<ExtractLane<A, Dst::l1>>;
        break;
    }
    return nullptr;
}

} // namespace

const Handler* vector_binary(Op op) noexcept { return families().binary(op); }
const Handler* vector_unary(Op op) noexcept { return families().unary(op); }
Handler vector_ternary(Op op, Dst d, Src a, Src b, Src c) noexcept {
    return families().ternary(op, d, a, b, c);
}
Handler vector_scalar(Op op, Dst d, Src vector, Src scalar) noexcept {
    return families().with_scalar(op, d, vector, scalar);
}
Handler shuffle(Dst d, Src l, Src r) noexcept { return families().shuffle(d, l, r); }

Handler extract_lane(Op op, Dst d) noexcept {
    switch (op) {
    case Op::i8x16_extract_lane_s:
        return extract_variant<Access<int8_t, uint32_t>>(d);
    case Op::i8x16_extract_lane_u:
        return extract_variant<Access<uint8_t, uint32_t>>(d);
    case Op::i16x8_extract_lane_s:
        return extract_variant<Access<int16_t, uint32_t>>(d);
    case Op::i16x8_extract_lane_u:
        return extract_variant<Access<uint16_t, uint32_t>>(d);
    case Op::i32x4_extract_lane:
        return extract_variant<Access<uint32_t, uint32_t>>(d);
    case Op::i64x2_extract_lane:
        return extract_variant<Access<uint64_t, uint64_t>>(d);
    case Op::f32x4_extract_lane:
        return extract_variant<Access<float, float>>(d);
    case Op::f64x2_extract_lane:
        return extract_variant<Access<double, double>>(d);
    default:
        return nullptr;
    }
}

} // namespace warpbeam::vm
