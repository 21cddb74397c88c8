#pragma once

#include <warpbeam/memory/export.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace warpbeam {

/// A SHA-256 digest.
using Digest = std::array<uint8_t, 32>;

/// Computes SHA-256 (FIPS 180-4) of bytes that are given in parts. It uses the processor's instructions for
/// that where it has them (x86-64). Needs no memory. Thread-safety: none; one thread at a time.
class WARPBEAM_API Sha256 {
public:
    /// Adds bytes.
    void update(std::span<const uint8_t> bytes) noexcept;
    /// The digest of all bytes. Nothing may be called after it.
    [[nodiscard]] Digest finish() noexcept;

    /// Whether the processor's instructions are used.
    [[nodiscard]] static bool is_accelerated() noexcept;

private:
    static constexpr size_t block_size = 64;
    uint32_t state_[8] = {0x6a09'e667, 0xbb67'ae85, 0x3c6e'f372, 0xa54f'f53a,
                          0x510e'527f, 0x9b05'688c, 0x1f83'd9ab, 0x5be0'cd19};
    uint64_t size_ = 0;
    uint8_t block_[block_size];
};

/// The digest of these bytes.
[[nodiscard]] inline Digest sha256(std::span<const uint8_t> bytes) noexcept {
    Sha256 hash;
    hash.update(bytes);
    return hash.finish();
}

} // namespace warpbeam
