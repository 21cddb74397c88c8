#pragma once

#include <warpbeam/loader/feature.hpp>
#include <warpbeam/loader/module.hpp>

#include <string>
#include <string_view>

namespace warpbeam::cli {

/// What `inspect` lists, as a JSON object. `needed` are the features that the module needs.
[[nodiscard]] std::string module_json(const Module& module, std::string_view path, const FeatureSet& needed);

} // namespace warpbeam::cli
