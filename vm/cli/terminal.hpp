#pragma once

#include <string>
#include <string_view>

namespace warpbeam::cli {

/// Text for standard error: in bold red if that is a terminal, unless the environment has `NO_COLOR` or the
/// terminal is dumb. https://no-color.org
[[nodiscard]] std::string emphasized(std::string_view text);

} // namespace warpbeam::cli
