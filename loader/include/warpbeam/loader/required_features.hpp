#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/export.hpp>

namespace warpbeam {

/// The features in `options.features` that a module requires: it is refused if one of them is off. If the
/// module is refused in any case, the features whose absence would be reported first. Meant for tools: it
/// loads the module once per feature. Thread-safety: any thread may call it.
[[nodiscard]] WARPBEAM_API FeatureSet required_features(std::span<const uint8_t> bytes,
                                                        const LoadOptions& options) noexcept;

} // namespace warpbeam
