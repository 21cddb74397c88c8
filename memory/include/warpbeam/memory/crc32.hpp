#pragma once

#include <warpbeam/memory/export.hpp>

#include <cstdint>
#include <span>

namespace warpbeam {

/// The CRC-32 of bytes, that of IEEE 802.3, gzip and PNG: it finds every error of up to 32 bits in a row, but
/// not intent. `before` is the CRC-32 of the bytes that precede them; 0 if there are none. Thread-safety: any
/// thread may call this.
[[nodiscard]] WARPBEAM_API uint32_t crc32(std::span<const uint8_t> bytes, uint32_t before = 0) noexcept;

} // namespace warpbeam
