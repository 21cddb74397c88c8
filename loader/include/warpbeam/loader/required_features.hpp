#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/export.hpp>

namespace warpbeam {

/// The features of `options.features` that a module requires: it is refused when one of them is off. For a
/// module that is refused in any case, those whose lack would be the reason. It loads the module once for
/// each feature, so it is for tools.
[[nodiscard]] WARPBEAM_API FeatureSet required_features(std::span<const uint8_t> bytes,
                                                        const LoadOptions& options) noexcept;

} // namespace warpbeam
