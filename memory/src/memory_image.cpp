#include <warpbeam/memory/memory_image.hpp>

#include <algorithm>

#ifdef __linux__
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace warpbeam {

#ifdef __linux__

namespace {

bool write_all(int file, std::span<const uint8_t> bytes, uint64_t offset) noexcept {
    while (!bytes.empty()) {
        const ssize_t count = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count <= 0)
            return false;
        bytes = bytes.subspan(static_cast<size_t>(count));
        offset += static_cast<uint64_t>(count);
    }
    return true;
}

/// Whether a file may have this length; extending one further would kill the process.
bool is_allowed(size_t length) noexcept {
    rlimit limit{};
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && length <= limit.rlim_cur;
}

} // namespace

std::optional<MemoryImage> MemoryImage::create(std::span<const Piece> pieces) noexcept {
    uint64_t begin = UINT64_MAX;
    uint64_t end = 0;
    for (const Piece& piece : pieces) {
        if (piece.bytes.empty())
            continue;
        begin = std::min(begin, piece.offset);
        end = std::max(end, piece.offset + piece.bytes.size());
    }
    if (begin >= end || end > INT64_MAX / 2)
        return std::nullopt;
    const size_t page = Reservation::round_up(1);
    if (end > SIZE_MAX - page)
        return std::nullopt;
    const size_t first = static_cast<size_t>(begin) / page * page;
    const size_t size = Reservation::round_up(static_cast<size_t>(end));
    if (!is_allowed(size))
        return std::nullopt;
    const int file = memfd_create("warpbeam image", MFD_CLOEXEC);
    if (file < 0)
        return std::nullopt;
    MemoryImage image{file, first, size};
    // The file must cover every page of the memory that may be touched.
    if (ftruncate(file, static_cast<off_t>(size)) != 0)
        return std::nullopt;
    if (!image.update(pieces))
        return std::nullopt;
    return image;
}

bool MemoryImage::update(std::span<const Piece> pieces) noexcept {
    for (const Piece& piece : pieces)
        if (!write_all(file_, piece.bytes, piece.offset))
            return false;
    return true;
}

bool MemoryImage::read(size_t offset, std::span<uint8_t> bytes) const noexcept {
    const auto count = static_cast<ssize_t>(bytes.size());
    return pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) == count;
}

MemoryImage::~MemoryImage() {
    if (file_ >= 0)
        close(file_);
}

#else

std::optional<MemoryImage> MemoryImage::create(std::span<const Piece>) noexcept { return std::nullopt; }
bool MemoryImage::update(std::span<const Piece>) noexcept { return false; }
bool MemoryImage::read(size_t, std::span<uint8_t>) const noexcept { return false; }
MemoryImage::~MemoryImage() = default;

#endif

} // namespace warpbeam
