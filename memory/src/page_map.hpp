#pragma once

#include <warpbeam/memory/page_set.hpp>

#include <cstdint>

/// What the system knows about the pages of a linear memory.

namespace warpbeam {

/// Adds the pages that hold bytes of their own: those that were written since they were committed or mapped
/// from a file, and perhaps others. All others are still zeros or the bytes of the file. False if the system
/// doesn't tell; what the set contains is then unknown.
///
/// The bytes from `base` on, as many as the set is for, must be private to the process: see
/// Allocator::has_private_pages.
[[nodiscard]] bool add_own_pages(const uint8_t* base, PageSet& pages) noexcept;

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
