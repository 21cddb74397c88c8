#pragma once

#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/discard_pages.hpp>
#include <warpbeam/memory/page_set.hpp>

#include <cstdint>
#include <span>

/// What this library asks the operating system for, with detail::AddressSpace (allocator.hpp) and
/// discard_pages. It is in platform_posix.cpp, platform_win32.cpp, and platform_linux.cpp and page_map.cpp
/// with what only Linux has; elsewhere these functions say that the system can't, and the library copies and
/// compares memory instead.

namespace warpbeam {

// ---- Random numbers ----

/// Fills `bytes`, at most 256, with numbers that can't be predicted, without waiting for them. False if the
/// system has none yet.
[[nodiscard]] bool fill_random(std::span<uint8_t> bytes) noexcept;

// ---- Files in memory (Linux) ----

/// Makes a file without a name, of `size` zeros; -1 if the system has no such files, or none left.
[[nodiscard]] int make_memory_file(size_t size) noexcept;
/// Writes all of `bytes` at `offset`; false if the system fails to, some may then be written.
[[nodiscard]] bool write_memory_file(int file, std::span<const uint8_t> bytes, uint64_t offset) noexcept;
/// Reads all of `bytes` from `offset` on; false if the system fails to.
[[nodiscard]] bool read_memory_file(int file, std::span<uint8_t> bytes, uint64_t offset) noexcept;
/// Closes such a file; -1 is allowed.
void close_memory_file(int file) noexcept;

// ---- Processes and pages (Linux) ----

/// How often this process has forked, plus one: another process may map a file that was made before. 0 if
/// that is unknown.
[[nodiscard]] uint64_t process_forks() noexcept;

/// Adds the pages that hold bytes of their own: those that were written since they were committed or mapped
/// from a file, and perhaps others. All others are still zeros or the bytes of the file. False if the system
/// doesn't tell; what the set contains is then unknown.
///
/// The bytes from `base` on, as many as the set is for, must be private to the process: see
/// Allocator::has_private_pages.
[[nodiscard]] bool add_own_pages(const uint8_t* base, PageSet& pages) noexcept;

#ifdef __linux__
/// Whether these can be the entries of the page map for pages that were written, followed by those of as many
/// pages that can't be.
[[nodiscard]] bool is_plausible(std::span<const uint64_t> entries) noexcept;
#endif

/// Finds writes to a range of addresses from now on: the system protects its pages, and notes the first write
/// to each without telling anyone (Linux 6.7: userfaultfd's asynchronous mode).
class WriteWatch {
public:
    WriteWatch() noexcept = default;
    WriteWatch(WriteWatch&& other) noexcept;
    WriteWatch& operator=(WriteWatch&&) = delete;
    ~WriteWatch();

    /// Starts to watch `size` bytes, whole pages of the host; false if the system can't.
    [[nodiscard]] bool start(const uint8_t* base, size_t size) noexcept;
    /// Adds the pages that were written, and with `again` protects them once more. False if the system
    /// doesn't tell; what the set contains is then unknown.
    [[nodiscard]] bool add_written(PageSet& pages, bool again) const noexcept;

private:
    int file_ = -1;
    uint64_t begin_ = 0;
    uint64_t end_ = 0;
};

} // namespace warpbeam
