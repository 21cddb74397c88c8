#pragma once

#include <warpbeam/spectest/script.hpp>
#include <warpbeam/vm/store.hpp>
#include <warpbeam/vm/value.hpp>

#include <optional>
#include <string>

namespace warpbeam::spectest {

/// The value of an argument; none for a pattern that matches several values.
[[nodiscard]] std::optional<Value> to_value(const Pattern& argument);

/// Whether a result from this store matches the pattern.
/// https://github.com/WebAssembly/spec/tree/main/interpreter#scripts
[[nodiscard]] bool matches(const Pattern& pattern, const Value& value, Store& store);

/// In the notation of scripts.
[[nodiscard]] std::string to_string(const Pattern& pattern);
[[nodiscard]] std::string to_string(const Value& value);

} // namespace warpbeam::spectest
