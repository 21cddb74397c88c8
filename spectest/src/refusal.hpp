#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/spectest/script.hpp>

#include <expected>
#include <optional>
#include <string>

namespace warpbeam::spectest {

/// The module's bytes: its own, or translated from text.
[[nodiscard]] std::expected<std::string, Error> translate(const ModuleSource& source);

/// Whether the script at `path` is of a proposal that was written against an older version of WebAssembly.
[[nodiscard]] bool predates_features(const std::string& path);
/// The features for it, of those given: none that came after such a proposal. Custom descriptors also change
/// what is valid without them, so that they are on only where they are given, or in the folder of their
/// proposal.
[[nodiscard]] FeatureSet suite_features(const std::string& path, FeatureSet given);

using Loaded = std::expected<Module, Error>;
[[nodiscard]] Loaded load(const ModuleSource& source, const LoadOptions& options);

/// What is wrong with how a module was received that should have been refused; nothing when all is well. With
/// `unsupported_suffices`, needing a feature that is off is reason enough.
[[nodiscard]] std::optional<std::string> check_refused(const AssertRefused& assertion, const Loaded& loaded,
                                                       bool unsupported_suffices = false);

} // namespace warpbeam::spectest
