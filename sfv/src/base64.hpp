#pragma once

#include <cstddef>
#include <string_view>

namespace warpbeam::sfv {

/// The number of bytes that base64 encodes; `text` is as the parser accepts it, with or without padding.
[[nodiscard]] size_t base64_decoded_size(std::string_view text) noexcept;
/// Decodes such a text and returns the number of bytes.
size_t base64_decode(std::string_view text, char* out) noexcept;

/// The length of the base64 of `size` bytes, with padding.
[[nodiscard]] constexpr size_t base64_encoded_size(size_t size) noexcept { return (size + 2) / 3 * 4; }
void base64_encode(std::string_view bytes, char* out) noexcept;

} // namespace warpbeam::sfv
