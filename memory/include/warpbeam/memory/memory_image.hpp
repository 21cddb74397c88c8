#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/reservation.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace warpbeam {

/// The initial contents of memories, stored once by the system: each memory maps them and gets private pages
/// only where it writes. Immutable. Thread-safety: any number of threads may use an image at once.
class WARPBEAM_API MemoryImage {
public:
    /// Bytes and their position in the memory.
    struct Piece {
        uint64_t offset;                ///< in the memory
        std::span<const uint8_t> bytes; ///< what goes there
    };

    /// The image of these pieces, with zeros between them; later pieces overwrite earlier ones. Nothing if
    /// the platform has no such files, the system has none left, or the image would be empty.
    [[nodiscard]] static std::optional<MemoryImage> create(std::span<const Piece> pieces) noexcept;

    MemoryImage(MemoryImage&& other) noexcept
        : file_{std::exchange(other.file_, -1)}, begin_{other.begin_}, end_{other.end_} {}
    MemoryImage& operator=(MemoryImage&&) = delete;
    ~MemoryImage();

    /// Maps it over the beginning of a reservation, whose first `end` bytes must be committed. On failure
    /// returns false and changes nothing.
    [[nodiscard]] bool map(Reservation& reservation) const noexcept {
        return reservation.map_file(begin_, end_, file_);
    }
    /// Its end, in bytes from the beginning of the memory; a multiple of the host page size.
    [[nodiscard]] size_t end() const noexcept { return end_; }

private:
    MemoryImage(int file, size_t begin, size_t end) noexcept : file_{file}, begin_{begin}, end_{end} {}

    int file_;
    size_t begin_;
    size_t end_;
};

} // namespace warpbeam
