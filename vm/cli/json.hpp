#pragma once

#include <string>
#include <string_view>

namespace warpbeam::cli {

/// A JSON string with quotes. Only ASCII is printed as it is, so that no name from a module can control a
/// terminal; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);

} // namespace warpbeam::cli
