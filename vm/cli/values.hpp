#pragma once

#include <warpbeam/vm/func.hpp>
#include <warpbeam/vm/value.hpp>

#include <string>
#include <string_view>

namespace warpbeam::cli {

/// Parses a command-line argument as a value: numbers as in the text format; `null`, or for an externref a
/// number, as a reference; four i32 lanes joined by commas for a v128. Throws UsageError.
[[nodiscard]] Value parse_value(std::string_view text, ValType type);

/// A value in the form that `parse_value` reads.
[[nodiscard]] std::string print_value(const Value& value);

} // namespace warpbeam::cli
