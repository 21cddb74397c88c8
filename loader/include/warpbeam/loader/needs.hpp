#pragma once

#include <warpbeam/loader/module.hpp>

namespace warpbeam {

/// The features that a module needs, `options.features` given: those without which alone it is refused; if it
/// is refused anyway, those whose lack would be the reason. It loads the module once for each, so it is for
/// tools.
[[nodiscard]] FeatureSet features_needed(std::span<const uint8_t> bytes, const LoadOptions& options) noexcept;

} // namespace warpbeam
