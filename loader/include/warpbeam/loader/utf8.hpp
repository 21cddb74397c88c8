#pragma once

#include <warpbeam/memory/export.hpp>

#include <cstdint>
#include <span>
#include <string_view>

/// @file
/// https://webassembly.github.io/spec/core/binary/values.html#names

namespace warpbeam {

/// The length of the UTF-8 character at the start of `text`; 0 if there is none. Thread-safety: any thread
/// may call these functions.
[[nodiscard]] WARPBEAM_API size_t utf8_length(std::string_view text) noexcept;
/// @{ Whether all of `text` is valid UTF-8.
[[nodiscard]] WARPBEAM_API bool is_utf8(std::string_view text) noexcept;
[[nodiscard]] inline bool is_utf8(std::span<const uint8_t> bytes) noexcept {
    return is_utf8(std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}
/// @}

} // namespace warpbeam
