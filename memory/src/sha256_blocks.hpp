#pragma once

#include <cstddef>
#include <cstdint>

/// The compression function of SHA-256, in portable code and with the processor's instructions.

namespace warpbeam::detail {

/// Adds `count` blocks of 64 bytes to a state.
void sha256_portable(uint32_t (&state)[8], const uint8_t* blocks, size_t count) noexcept;
/// The same. Precondition: `has_sha256_instructions`.
void sha256_native(uint32_t (&state)[8], const uint8_t* blocks, size_t count) noexcept;
[[nodiscard]] bool has_sha256_instructions() noexcept;

} // namespace warpbeam::detail
