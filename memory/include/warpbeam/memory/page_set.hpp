#pragma once

#include <warpbeam/memory/vec.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace warpbeam {

/// A set of pages of a linear memory, as a bit for each. Thread-safety: none; one thread at a time.
class PageSet {
public:
    /// The size of a page in bytes; that of the host's pages may be larger.
    static constexpr size_t page_size = 4096;

    /// Empty, and for an empty memory. `allocator` must outlive it.
    explicit PageSet(Allocator& allocator = Allocator::standard()) noexcept : bits_{allocator} {}

    /// Makes it the empty set, for a memory of `bytes` bytes, of which the last page may be a part. False if
    /// memory runs out.
    [[nodiscard]] bool start(size_t bytes) noexcept {
        bits_.clear();
        bytes_ = 0;
        const size_t pages = bytes / page_size + (bytes % page_size != 0);
        if (!bits_.resize(pages / 64 + (pages % 64 != 0)))
            return false;
        std::fill(bits_.begin(), bits_.end(), 0);
        bytes_ = bytes;
        pages_ = pages;
        return true;
    }

    /// The size of the memory in bytes.
    [[nodiscard]] size_t bytes() const noexcept { return bytes_; }
    /// The number of the memory's pages.
    [[nodiscard]] size_t pages() const noexcept { return bytes_ == 0 ? 0 : pages_; }
    /// The number of bytes of this page: `page_size`, unless it is the last one.
    [[nodiscard]] size_t length_of(size_t page) const noexcept {
        return std::min(page_size, bytes_ - page * page_size);
    }

    /// Whether the page is in the set.
    [[nodiscard]] bool has(size_t page) const noexcept { return (bits_[page / 64] >> page % 64 & 1) != 0; }
    /// Adds a page.
    void add(size_t page) noexcept { bits_[page / 64] |= uint64_t{1} << page % 64; }
    /// Removes a page.
    void remove(size_t page) noexcept { bits_[page / 64] &= ~(uint64_t{1} << page % 64); }
    /// Adds the pages that the bytes [from, to) touch, as far as the memory has them.
    void add_bytes(size_t from, size_t to) noexcept {
        to = std::min(to, bytes_);
        for (size_t page = from / page_size; page * page_size < to; ++page)
            add(page);
    }
    /// The number of pages in the set.
    [[nodiscard]] size_t count() const noexcept {
        size_t sum = 0;
        for (const uint64_t word : bits_)
            sum += static_cast<size_t>(std::popcount(word));
        return sum;
    }
    /// The first page of the set from `page` on; `pages()` if there is none.
    [[nodiscard]] size_t next(size_t page) const noexcept {
        for (; page < pages(); page = (page / 64 + 1) * 64)
            if (const uint64_t word = bits_[page / 64] >> page % 64; word != 0)
                return page + static_cast<size_t>(std::countr_zero(word));
        return pages();
    }
    /// The first page from `page` on that is not in the set; `pages()` if there is none.
    [[nodiscard]] size_t next_missing(size_t page) const noexcept {
        while (page < pages()) {
            const auto run = static_cast<size_t>(std::countr_one(bits_[page / 64] >> page % 64));
            if (page % 64 + run < 64)
                return std::min(page + run, pages());
            page += run;
        }
        return pages();
    }
    /// Calls `use(offset, length)` for each run of pages, in bytes.
    template <typename Use>
    void for_each_run(Use use) const {
        for (size_t page = next(0); page < pages();) {
            const size_t end = next_missing(page);
            use(page * page_size, std::min(end * page_size, bytes_) - page * page_size);
            page = next(end);
        }
    }

private:
    Vec<uint64_t> bits_;
    size_t bytes_ = 0;
    size_t pages_ = 0;
};

} // namespace warpbeam
