#pragma once

#include <warpbeam/vm/func.hpp>
#include <warpbeam/vm/value.hpp>

#include <string>
#include <string_view>

namespace warpbeam::cli {

/// A word of the command line as a value: numbers as in the text format; `null`, or for an externref a
/// number, as a reference; four words joined by commas, as i32 lanes, for a v128. Throws UsageError.
[[nodiscard]] Value parse_value(std::string_view text, ValType type);

/// A value as the text format writes it, so that `parse_value` would read it back.
[[nodiscard]] std::string print_value(const Value& value);

} // namespace warpbeam::cli
