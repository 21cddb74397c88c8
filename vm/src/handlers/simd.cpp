#include "handlers/generate.hpp"
#include "handlers/memory_access.hpp"

#if defined(WARPBEAM_SIMD_AVX2) && __has_include(<sys/platform/x86.h>)
#define _Bool bool // C's name, by which glibc calls it, is known in C++ only with extensions
#include <sys/platform/x86.h>
#undef _Bool
#endif

/// Chooses the compiled instruction set for the processor, and holds what all of these sets share.
/// https://webassembly.github.io/spec/core/exec/instructions.html#vector-instructions

namespace warpbeam::vm {

#define WARPBEAM_SIMD_GROUPS(isa)                                                                            \
    namespace isa {                                                                                          \
    extern const HandlerGroups int_binary_groups;                                                            \
    extern const HandlerGroups float_binary_groups;                                                          \
    extern const HandlerGroups unary_groups;                                                                 \
    extern const HandlerGroups lane_groups;                                                                  \
    }
WARPBEAM_SIMD_GROUPS(simd_baseline)
#ifdef WARPBEAM_SIMD_AVX2
WARPBEAM_SIMD_GROUPS(simd_avx2)
#endif
#undef WARPBEAM_SIMD_GROUPS

namespace {

#if defined(WARPBEAM_SIMD_AVX2) && WARPBEAM_SIMD
bool has_avx2() noexcept {
#ifdef CPU_FEATURE_ACTIVE
    // The dynamic linker has asked the processor, which takes microseconds in a virtual machine. The
    // compiler's function makes every program ask again, when it starts.
    return CPU_FEATURE_ACTIVE(AVX2);
#else
    return __builtin_cpu_supports("avx2");
#endif
}
#endif

} // namespace

std::array<HandlerGroups, 4> simd_groups() noexcept {
#if !WARPBEAM_SIMD
    return {};
#else
#ifdef WARPBEAM_SIMD_AVX2
    if (has_avx2())
        return {simd_avx2::int_binary_groups, simd_avx2::float_binary_groups, simd_avx2::unary_groups,
                simd_avx2::lane_groups};
#endif
    return {simd_baseline::int_binary_groups, simd_baseline::float_binary_groups, simd_baseline::unary_groups,
            simd_baseline::lane_groups};
#endif
}

namespace {

/// A lane is a number in the frame.
template <typename A, Variant v>
struct ExtractLane {
    using In = Decoder<Form::extract_lane, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto* const lanes =
            reinterpret_cast<const uint8_t*>(r.fp + In::template get<Field::from>(r.ip));
        size_t place = In::template get<Field::lane>(r.ip) * A::size;
        if constexpr (!is_little_endian)
            place ^= sizeof(Slot) - A::size; // the lowest lane of each slot is the last one
        return In::finish(r, A::load_field(lanes + place));
    }
};
template <Op op, Variant v>
using ExtractLaneBody = ExtractLane<typename AccessOf<op>::type, v>;
constexpr HandlerGroup lane_group_list[] = {
    group<Form::extract_lane, Family::vector_extract, ExtractLaneBody>()};

} // namespace

constinit const HandlerGroups lane_groups{lane_group_list};

} // namespace warpbeam::vm
