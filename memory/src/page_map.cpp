#include "platform.hpp"

#include <warpbeam/memory/allocator.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <span>

#ifdef __linux__
#include <fcntl.h>
#include <linux/ioctl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

/// What Linux knows about the pages of a linear memory. A file of its own, since most programs don't need it.

namespace warpbeam {

#ifdef __linux__

namespace {

/// A file that is closed at the end. It is opened for each use: after a fork of the process, an open one
/// would still show the pages of the parent.
class PageMapFile {
public:
    PageMapFile() noexcept {
        do
            file_ = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
        while (file_ < 0 && errno == EINTR);
    }
    PageMapFile(const PageMapFile&) = delete;
    PageMapFile& operator=(const PageMapFile&) = delete;
    ~PageMapFile() {
        if (file_ >= 0)
            close(file_);
    }
    [[nodiscard]] int get() const noexcept { return file_; }

private:
    int file_ = -1;
};

// An entry of the page map, see the kernel's documentation, admin-guide/mm/pagemap.
constexpr uint64_t in_memory = uint64_t{1} << 63;
constexpr uint64_t swapped = uint64_t{1} << 62;
constexpr uint64_t of_file = uint64_t{1} << 61;

/// Whether the page is one of the process's own, rather than absent or the file's.
bool is_own(uint64_t entry) noexcept {
    return (entry & (in_memory | swapped)) != 0 && (entry & of_file) == 0;
}

/// Reads the entries of pages from an address on.
bool read_entries(int file, uintptr_t begin, size_t host_page, std::span<uint64_t> entries) noexcept {
    auto offset = static_cast<off_t>(begin / host_page * sizeof(uint64_t));
    std::span<std::byte> left = std::as_writable_bytes(entries);
    while (!left.empty()) {
        const ssize_t done = pread(file, left.data(), left.size(), offset);
        if (done == 0 || (done < 0 && errno != EINTR))
            return false;
        const auto size = static_cast<size_t>(std::max<ssize_t>(done, 0));
        left = left.subspan(size);
        offset += static_cast<off_t>(size);
    }
    return true;
}

/// musl's ioctl takes the command as an int, glibc's as an unsigned long.
template <typename Command>
int call(int (*ioctl)(int, Command, ...), int file, unsigned long command, void* argument) noexcept {
    return ioctl(file, static_cast<Command>(command), argument);
}

enum class Trust : uint8_t { untried, right, wrong };

/// Whether the page map is about the addresses of this process, in its byte order. An emulator of another
/// machine passes on its own, in which the process may lie elsewhere and numbers may have the other order.
/// Pages that were written and pages that can't be are looked up there. Untried if there is no room for them.
Trust try_page_map(int file, size_t host_page) noexcept {
    using Space = detail::AddressSpace;
    constexpr size_t written = 8;
    uint64_t entries[2 * written];
    const size_t size = std::size(entries) * host_page;
    void* const base = Space::reserve(size);
    if (base == nullptr)
        return Trust::untried;
    if (!Space::commit(base, 0, written * host_page)) {
        Space::release(base, size);
        return Trust::untried;
    }
    for (size_t page = 0; page < written; ++page)
        static_cast<volatile uint8_t*>(base)[page * host_page] = 1;
    const bool read = read_entries(file, reinterpret_cast<uintptr_t>(base), host_page, entries);
    Space::release(base, size);
    return read && is_plausible(entries) ? Trust::right : Trust::wrong;
}

/// The same, tried once in a process, or until there is room for it.
bool is_page_map_right(int file, size_t host_page) noexcept {
    static std::atomic<Trust> trust = Trust::untried;
    Trust known = trust;
    if (known == Trust::untried) {
        known = try_page_map(file, host_page);
        trust = known;
    }
    return known == Trust::right;
}

// The scan of the page map, since Linux 6.7; older headers lack it.

struct ScanRegion {
    uint64_t start;
    uint64_t end;
    uint64_t categories;
};
struct ScanRequest {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end; ///< set by the kernel
    uint64_t regions;  ///< their address
    uint64_t region_count;
    uint64_t max_pages;
    uint64_t category_inverted;
    uint64_t category_mask;
    uint64_t category_anyof_mask;
    uint64_t return_mask;
};
constexpr unsigned long scan_command = _IOWR('f', 16, ScanRequest);
constexpr uint64_t protect_again = 1; // PM_SCAN_WP_MATCHING
constexpr uint64_t check_watched = 2; // PM_SCAN_CHECK_WPASYNC
constexpr uint64_t page_written = 2;  // PAGE_IS_WRITTEN

// Since Linux 6.4 and 6.7.
constexpr uint64_t watches_absent_pages = uint64_t{1} << 13; // UFFD_FEATURE_WP_UNPOPULATED
constexpr uint64_t watches_silently = uint64_t{1} << 15;     // UFFD_FEATURE_WP_ASYNC
constexpr int user_mode_only = 1;                            // UFFD_USER_MODE_ONLY: needs no privilege

} // namespace

bool is_plausible(std::span<const uint64_t> entries) noexcept {
    const size_t written = entries.size() / 2;
    for (size_t page = 0; page < written; ++page) {
        // The pages have different numbers, in the low bits, and the same flags, in the high ones.
        if (!is_own(entries[page]) || entries[page] >> 56 != entries[0] >> 56 ||
            is_own(entries[written + page]))
            return false;
    }
    return true;
}

bool add_own_pages(const uint8_t* base, PageSet& pages) noexcept {
    const auto host_page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<uintptr_t>(base);
    const PageMapFile file;
    if (file.get() < 0 || begin % host_page != 0 || !is_page_map_right(file.get(), host_page))
        return false;
    constexpr size_t batch = 512;
    uint64_t entries[batch];
    for (size_t at = 0; at < pages.bytes(); at += batch * host_page) {
        const size_t count = std::min(batch, (pages.bytes() - at + host_page - 1) / host_page);
        if (!read_entries(file.get(), begin + at, host_page, {entries, count}))
            return false;
        for (size_t i = 0; i < count; ++i)
            if (is_own(entries[i]))
                pages.add_bytes(at + i * host_page, at + (i + 1) * host_page);
    }
    return true;
}

WriteWatch::WriteWatch(WriteWatch&& other) noexcept
    : file_{std::exchange(other.file_, -1)}, begin_{other.begin_}, end_{other.end_} {}

WriteWatch::~WriteWatch() {
    if (file_ >= 0)
        close(file_); // which ends the protection too
}

bool WriteWatch::start(const uint8_t* base, size_t size) noexcept {
    if (file_ >= 0)
        close(file_);
    begin_ = reinterpret_cast<uintptr_t>(base);
    end_ = begin_ + size;
    file_ = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | user_mode_only));
    uffdio_api api{};
    api.api = UFFD_API;
    api.features = watches_absent_pages | watches_silently;
    uffdio_register range{};
    range.range = {begin_, size};
    range.mode = UFFDIO_REGISTER_MODE_WP;
    uffdio_writeprotect protection{};
    protection.range = {begin_, size};
    protection.mode = UFFDIO_WRITEPROTECT_MODE_WP;
    return file_ >= 0 && call(ioctl, file_, UFFDIO_API, &api) == 0 &&
           call(ioctl, file_, UFFDIO_REGISTER, &range) == 0 &&
           call(ioctl, file_, UFFDIO_WRITEPROTECT, &protection) == 0;
}

bool WriteWatch::add_written(PageSet& pages, bool again) const noexcept {
    const PageMapFile file;
    if (file.get() < 0)
        return false;
    ScanRegion regions[128];
    ScanRequest request{};
    request.size = sizeof request;
    // Fails if any page is not watched: where something else was mapped, or after a fork of the process.
    request.flags = check_watched | (again ? protect_again : 0);
    request.regions = reinterpret_cast<uintptr_t>(regions);
    request.region_count = std::size(regions);
    request.category_mask = page_written;
    request.return_mask = page_written;
    request.end = end_;
    for (request.start = begin_; request.start < end_; request.start = request.walk_end) {
        const int count = call(ioctl, file.get(), scan_command, &request);
        if (count < 0 || request.walk_end <= request.start)
            return false;
        for (int i = 0; i < count; ++i)
            pages.add_bytes(static_cast<size_t>(regions[i].start - begin_),
                            static_cast<size_t>(regions[i].end - begin_));
    }
    return true;
}
#else

bool add_own_pages(const uint8_t*, PageSet&) noexcept { return false; }
WriteWatch::WriteWatch(WriteWatch&&) noexcept = default;
WriteWatch::~WriteWatch() = default;
bool WriteWatch::start(const uint8_t*, size_t) noexcept { return false; }
bool WriteWatch::add_written(PageSet&, bool) const noexcept { return false; }

#endif

} // namespace warpbeam
