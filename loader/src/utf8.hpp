#pragma once

#include <cstdint>
#include <span>

namespace warpbeam {

/// Whether `bytes` are well-formed UTF-8, https://webassembly.github.io/spec/core/binary/values.html#names
[[nodiscard]] bool is_utf8(std::span<const uint8_t> bytes) noexcept;

} // namespace warpbeam
