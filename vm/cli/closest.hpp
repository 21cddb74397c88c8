#pragma once

#include <span>
#include <string>
#include <string_view>

namespace warpbeam::cli {

/// ` (did you mean 'x'?)` for the candidate that is most like a word that was probably mistyped; empty if
/// none is like it.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

} // namespace warpbeam::cli
