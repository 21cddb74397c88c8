#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/page_set.hpp>
#include <warpbeam/memory/ref.hpp>
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
    /// Replaces bytes of the image. Only while it is mapped where these pages were written already: elsewhere
    /// their contents would change. False if the system fails to; some bytes may then be replaced.
    [[nodiscard]] bool update(std::span<const Piece> pieces) noexcept;
    /// Reads what a memory has from `offset` on, which lies in the image; false if the system fails to.
    [[nodiscard]] bool read(size_t offset, std::span<uint8_t> bytes) const noexcept;
    /// Its beginning, in bytes from the beginning of the memory; a multiple of the host page size.
    [[nodiscard]] size_t begin() const noexcept { return begin_; }
    /// Its end, in bytes from the beginning of the memory; a multiple of the host page size.
    [[nodiscard]] size_t end() const noexcept { return end_; }

private:
    MemoryImage(int file, size_t begin, size_t end) noexcept : file_{file}, begin_{begin}, end_{end} {}

    int file_;
    size_t begin_;
    size_t end_;
};

/// An image that belongs to those memories that map it: the contents that they had in common when it was made
/// (LinearMemory::fork). Thread-safety: that of an image; a memory that is its only owner may change it.
struct FrozenImage : RefCounted<FrozenImage> {
    /// Takes the image and the set over.
    FrozenImage(Allocator& allocator, MemoryImage from, PageSet not_zeros, uint64_t forks) noexcept
        : RefCounted{allocator}, image{std::move(from)}, pages{std::move(not_zeros)}, process_forks{forks} {}
    MemoryImage image;            ///< the contents
    PageSet pages;                ///< all others are zeros
    const uint64_t process_forks; ///< how often the process had forked when it was made
};

} // namespace warpbeam
