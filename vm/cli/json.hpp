#pragma once

#include <string>
#include <string_view>

namespace warpbeam::cli {

/// A string of JSON, with its quotes. The text must be UTF-8.
[[nodiscard]] std::string json_string(std::string_view text);

} // namespace warpbeam::cli
