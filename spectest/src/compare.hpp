#pragma once

#include <warpbeam/spectest/script.hpp>
#include <warpbeam/vm/store.hpp>
#include <warpbeam/vm/value.hpp>

#include <optional>
#include <string>

namespace warpbeam::spectest {

/// The value that an argument stands for; none when it is a pattern that stands for many.
[[nodiscard]] std::optional<Value> to_value(const Pattern& argument);

/// Whether a result, of this store, is one of those that the pattern describes.
/// https://github.com/WebAssembly/spec/tree/main/interpreter#scripts
[[nodiscard]] bool matches(const Pattern& pattern, const Value& value, Store& store);

/// In the words of scripts.
[[nodiscard]] std::string to_string(const Pattern& pattern);
[[nodiscard]] std::string to_string(const Value& value);

} // namespace warpbeam::spectest
