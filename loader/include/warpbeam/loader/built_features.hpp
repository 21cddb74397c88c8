#pragma once

#include <warpbeam/build.hpp>
#include <warpbeam/loader/feature.hpp>

/// @file
/// Which features this build of the library has (warpbeam/build.hpp). Thread-safety: constants only.

namespace warpbeam {

/// The option that leaves a feature out of the library, without "WARPBEAM_"; null if there is none.
constexpr const char* option_of(Feature feature) noexcept {
    switch (feature) {
    case Feature::simd:
    case Feature::relaxed_simd:
        return "SIMD";
    case Feature::gc:
    case Feature::custom_descriptors:
        return "GC";
    case Feature::exceptions:
    case Feature::legacy_exceptions:
        return "EXCEPTIONS";
    case Feature::threads:
        return "THREADS";
    case Feature::memory64:
        return "MEMORY64";
    case Feature::multi_memory:
        return "MULTI_MEMORY";
    case Feature::stack_switching:
        return "STACK_SWITCHING";
    default:
        return nullptr;
    }
}

/// The features that the library has. It behaves as if the others were always switched off.
inline constexpr FeatureSet built_features = [] {
    FeatureSet set = FeatureSet::all();
    const auto leave_out = [&set](bool is_in, auto... features) {
        if (!is_in)
            (set.disable(features), ...);
    };
    leave_out(WARPBEAM_SIMD, Feature::simd, Feature::relaxed_simd);
    leave_out(WARPBEAM_GC, Feature::gc, Feature::custom_descriptors);
    leave_out(WARPBEAM_EXCEPTIONS, Feature::exceptions, Feature::legacy_exceptions);
    leave_out(WARPBEAM_THREADS, Feature::threads);
    leave_out(WARPBEAM_MEMORY64, Feature::memory64);
    leave_out(WARPBEAM_MULTI_MEMORY, Feature::multi_memory);
    leave_out(WARPBEAM_STACK_SWITCHING, Feature::stack_switching);
    return set;
}();

/// Whether there can be objects in the heap, which includes those of the host.
inline constexpr bool has_objects = built_features.has(Feature::gc) ||
                                    built_features.has(Feature::exceptions) ||
                                    built_features.has(Feature::stack_switching);

/// Whether the library has a feature.
constexpr bool is_built(Feature feature) noexcept { return built_features.has(feature); }

} // namespace warpbeam
