#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/spectest/script.hpp>

#include <expected>
#include <optional>
#include <string>

namespace warpbeam::spectest {

/// The module's bytes, translated if it is text.
[[nodiscard]] std::expected<std::string, Error> translate(const ModuleSource& source);

/// Whether the script at `path` belongs to a proposal that was written against an older version of
/// WebAssembly.
[[nodiscard]] bool predates_features(const std::string& path);
/// The features to use, out of those given: none that came after such a proposal. Those of
/// `folder_features` are on if given, or in their proposal's folder.
[[nodiscard]] FeatureSet suite_features(const std::string& path, FeatureSet given);

using Loaded = std::expected<Module, Error>;
[[nodiscard]] Loaded load(const ModuleSource& source, const LoadOptions& options);

/// Explains how the verdict on a module that should be refused is wrong; nothing if it is right. With
/// `unsupported_suffices`, needing a feature that is off is reason enough.
[[nodiscard]] std::optional<std::string> check_refused(const AssertRefused& assertion, const Loaded& loaded,
                                                       bool unsupported_suffices = false);

} // namespace warpbeam::spectest
