#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace warpbeam::cli {

/// A constant expression in the text format, one instruction after the other: `i32.const 8`, `global.get 0`.
/// From the first instruction on that is no number, reference or sum, the rest is `...`.
[[nodiscard]] std::string const_text(std::span<const uint8_t> code);

} // namespace warpbeam::cli
