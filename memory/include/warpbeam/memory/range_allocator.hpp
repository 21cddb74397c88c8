#pragma once

#include <warpbeam/memory/vec.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace warpbeam {

/// Gives out ranges of addresses from regions that it is handed: a `malloc` whose bookkeeping lies outside of
/// the memory that it manages. What somebody else writes there can therefore not lead it astray, and nothing
/// is read or written at the addresses.
///
/// Free ranges are kept in bins by size (exact below 512 bytes, then eight to a power of two) and merged with
/// free neighbours at once. Finding one takes constant time, unless nothing larger is left.
///
/// Thread-safety: none; one thread at a time.
class RangeAllocator {
public:
    /// Every range begins at a multiple of this many bytes, and takes a multiple of it.
    static constexpr uint64_t granule = 16;

    explicit RangeAllocator(Allocator& allocator = Allocator::standard()) noexcept;

    /// Hands over the addresses [begin, end), which must not have been handed over before; what does not fill
    /// whole granules is left alone. False, and nothing changed, when there is no memory for the bookkeeping.
    [[nodiscard]] bool add_region(uint64_t begin, uint64_t end) noexcept;

    /// `size` bytes (0 counts as 1) aligned to `alignment`, a power of two. None when no free range is large
    /// enough, or there is no memory for the bookkeeping.
    [[nodiscard]] std::optional<uint64_t> allocate(uint64_t size, uint64_t alignment = granule) noexcept;

    /// Takes back what `allocate` returned. False, and nothing changed, for any other address, also one that
    /// was taken back before.
    bool deallocate(uint64_t address) noexcept;

    /// The bytes of the allocated range that begins at an address: what was asked for, rounded up to whole
    /// granules. None when there is no such range.
    [[nodiscard]] std::optional<uint64_t> size_of(uint64_t address) const noexcept;

    [[nodiscard]] uint64_t allocated_bytes() const noexcept { return allocated_; }
    [[nodiscard]] uint64_t free_bytes() const noexcept { return free_; }
    [[nodiscard]] size_t allocated_ranges() const noexcept { return used_count_; }

    /// Whether the bookkeeping agrees with itself; for tests.
    [[nodiscard]] bool consistent() const noexcept;

private:
    using Index = uint32_t;
    static constexpr Index none = UINT32_MAX;
    static constexpr size_t exact_bins = 32;
    static constexpr size_t bin_count = exact_bins + (60 - 5) * 8;

    struct Range {
        uint64_t begin = 0;
        uint64_t size = 0;
        Index before = none; ///< the neighbours by address, as far as they touch
        Index after = none;
        Index previous = none; ///< in its bin, when free
        Index next = none;     ///< in its bin, or in its hash chain, or in the list of spare entries
        bool used = false;
    };

    [[nodiscard]] static size_t bin_of(uint64_t size) noexcept;
    [[nodiscard]] static size_t bucket_of(uint64_t address, size_t buckets) noexcept;
    [[nodiscard]] bool make_room(size_t entries) noexcept;
    [[nodiscard]] Index take_entry() noexcept;
    void drop_entry(Index index) noexcept;
    void link_free(Index index) noexcept;
    void unlink_free(Index index) noexcept;
    [[nodiscard]] Index find_free(uint64_t size) const noexcept;
    [[nodiscard]] Index find_used(uint64_t address) const noexcept;
    void split(Index index, uint64_t size) noexcept;
    void merge_with_next(Index index) noexcept;
    void release(Index index) noexcept;

    Vec<Range> ranges_;
    Vec<Index> buckets_; ///< chains of the ranges in use, by the hash of their address
    Index spare_ = none;
    size_t spare_count_ = 0;
    size_t used_count_ = 0;
    std::array<Index, bin_count> bins_;
    std::array<uint64_t, (bin_count + 63) / 64> filled_{}; ///< a bit for each bin that is not empty
    Vec<Index> region_ends_; ///< the range with the highest address of each region
    uint64_t allocated_ = 0;
    uint64_t free_ = 0;
};

} // namespace warpbeam
