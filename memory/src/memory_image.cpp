#include "platform.hpp"

#include <warpbeam/memory/memory_image.hpp>

#include <algorithm>

namespace warpbeam {

std::optional<MemoryImage> MemoryImage::create(std::span<const Piece> pieces) noexcept {
    uint64_t begin = UINT64_MAX;
    uint64_t end = 0;
    for (const Piece& piece : pieces) {
        if (piece.bytes.empty())
            continue;
        begin = std::min(begin, piece.offset);
        end = std::max(end, piece.offset + piece.bytes.size());
    }
    // No file or object can be larger.
    if (begin >= end || end > std::min<uint64_t>(INT64_MAX, SIZE_MAX) / 2)
        return std::nullopt;
    const size_t page = Reservation::round_up(1);
    const size_t first = static_cast<size_t>(begin) / page * page;
    const size_t size = Reservation::round_up(static_cast<size_t>(end));
    // The file must cover every page of the memory that may be touched.
    const int file = make_memory_file(size);
    if (file < 0)
        return std::nullopt;
    MemoryImage image{file, first, size};
    if (!image.update(pieces))
        return std::nullopt;
    return image;
}

bool MemoryImage::update(std::span<const Piece> pieces) noexcept {
    for (const Piece& piece : pieces)
        if (!write_memory_file(file_, piece.bytes, piece.offset))
            return false;
    return true;
}

bool MemoryImage::read(size_t offset, std::span<uint8_t> bytes) const noexcept {
    return read_memory_file(file_, bytes, offset);
}

MemoryImage::~MemoryImage() { close_memory_file(file_); }

} // namespace warpbeam
