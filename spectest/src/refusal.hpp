#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/spectest/script.hpp>

#include <expected>
#include <optional>
#include <string>

namespace warpbeam::spectest {

/// The module's bytes: its own, or translated from text.
[[nodiscard]] std::expected<std::string, Error> translate(const ModuleSource& source);

using Loaded = std::expected<Ref<const Module>, Error>;
[[nodiscard]] Loaded load(const ModuleSource& source, const LoadOptions& options);

/// What is wrong with how a module was received that should have been refused; nothing when all is well.
[[nodiscard]] std::optional<std::string> check_refused(const AssertRefused& assertion, const Loaded& loaded);

} // namespace warpbeam::spectest
