#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/reservation.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace warpbeam {

/// What memories begin with, kept once by the system: each memory maps it and gets pages of its own only for
/// what it writes. Immutable.
class WARPBEAM_API MemoryImage {
public:
    /// Bytes and where in the memory they go.
    struct Piece {
        uint64_t offset;
        std::span<const uint8_t> bytes;
    };

    /// The image of these pieces, of which later ones overwrite earlier ones, with zeros between. None where
    /// the platform has no such files, or the system has none left, or there is nothing in it.
    [[nodiscard]] static std::optional<MemoryImage> create(std::span<const Piece> pieces) noexcept;

    MemoryImage(MemoryImage&& other) noexcept
        : file_{std::exchange(other.file_, -1)}, begin_{other.begin_}, end_{other.end_} {}
    MemoryImage& operator=(MemoryImage&&) = delete;
    ~MemoryImage();

    /// Lays it over the beginning of a reservation. Precondition: `end` bytes of that are committed. False,
    /// and nothing changed, when that can't be done.
    [[nodiscard]] bool map(Reservation& reservation) const noexcept {
        return reservation.map_file(begin_, end_, file_);
    }
    /// Where it ends, in bytes from the beginning of the memory, a multiple of the host's page.
    [[nodiscard]] size_t end() const noexcept { return end_; }

private:
    MemoryImage(int file, size_t begin, size_t end) noexcept : file_{file}, begin_{begin}, end_{end} {}

    int file_;
    size_t begin_;
    size_t end_;
};

} // namespace warpbeam
