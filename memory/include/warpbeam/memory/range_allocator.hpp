#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace warpbeam {

/// Allocates ranges of addresses from regions that it is given: a `malloc` whose bookkeeping lies outside
/// the memory it manages. Other writes to that memory can't confuse it, and it never reads or writes at the
/// addresses.
///
/// Free ranges are merged with free neighbours at once and ordered by size: those below 512 bytes in bins of
/// one size each, the others in a tree. The smallest range that is large enough is used, and found in
/// logarithmic time; only if no range is sure to have room for an alignment are all candidates searched.
///
/// Thread-safety: none; one thread at a time.
class WARPBEAM_API RangeAllocator {
public:
    /// Every range begins at a multiple of this number of bytes, and its size is a multiple of it.
    static constexpr uint64_t granule = 16;

    /// Has no regions yet. The bookkeeping takes its memory from `allocator`, which must outlive it.
    explicit RangeAllocator(Allocator& allocator = Allocator::standard()) noexcept;

    /// Adds the addresses [begin, end), which must not have been added before; only whole granules are used.
    /// A region that begins where the highest one ends continues it: ranges may span both. Returns false and
    /// changes nothing if there is no memory for the bookkeeping.
    [[nodiscard]] bool add_region(uint64_t begin, uint64_t end) noexcept;
    /// Reserves the bookkeeping memory for one `add_region` followed by one `allocate`; false if memory runs
    /// out.
    [[nodiscard]] bool prepare() noexcept { return make_room(3); }

    /// Allocates `size` bytes (0 counts as 1) aligned to `alignment`, a power of two. Nothing if no free
    /// range fits, or there is no memory for the bookkeeping.
    [[nodiscard]] std::optional<uint64_t> allocate(uint64_t size, uint64_t alignment = granule) noexcept;

    /// Frees what `allocate` returned. Returns false and changes nothing for any other address, including one
    /// that is already free.
    bool deallocate(uint64_t address) noexcept;

    /// The size of the allocated range that begins at an address, rounded up to whole granules. Nothing if
    /// there is no such range.
    [[nodiscard]] std::optional<uint64_t> size_of(uint64_t address) const noexcept;

    /// The beginning of the free range that ends at `end`, the end of the highest region; `end` itself if
    /// there is none.
    [[nodiscard]] uint64_t free_tail(uint64_t end) const noexcept;

    /// The number of allocated bytes.
    [[nodiscard]] uint64_t allocated_bytes() const noexcept { return allocated_; }
    /// The number of free bytes.
    [[nodiscard]] uint64_t free_bytes() const noexcept { return free_; }
    /// The number of allocated ranges.
    [[nodiscard]] size_t allocated_ranges() const noexcept { return used_count_; }

    /// A range, for copies of the bookkeeping.
    struct Piece {
        uint64_t begin = 0;     ///< its address
        uint64_t size = 0;      ///< in bytes
        bool used = false;      ///< whether it is allocated
        bool continues = false; ///< whether it belongs to the region of the range before it
    };
    /// Appends all ranges, in the order of their addresses. False if memory runs out.
    [[nodiscard]] bool list(Vec<Piece>& pieces) const noexcept;
    /// Adds a range that `list` has given. False, and nothing changes, if it is not above all others, or has
    /// an impossible size, or memory runs out.
    [[nodiscard]] bool add(const Piece& piece) noexcept;

    /// Whether the bookkeeping is consistent; for tests.
    [[nodiscard]] bool consistent() const noexcept;

private:
    using Index = uint32_t;
    static constexpr Index none = UINT32_MAX;
    static constexpr size_t bin_count = 32;

    struct Range {
        uint64_t begin = 0;
        uint64_t size = 0;   ///< 0 for a spare entry
        Index before = none; ///< the adjacent ranges
        Index after = none;
        Index previous = none; ///< in its bin, or its left child in the tree
        Index next = none; ///< in its bin, its hash chain or the list of spare entries, or its right child
        bool used = false;
    };

    [[nodiscard]] static size_t bucket_of(uint64_t address, size_t buckets) noexcept;
    [[nodiscard]] bool make_room(size_t entries) noexcept;
    [[nodiscard]] Index take_entry() noexcept;
    void drop_entry(Index index) noexcept;
    void link_free(Index index) noexcept;
    void unlink_free(Index index) noexcept;
    void link_in_tree(Index index) noexcept;
    void unlink_from_tree(Index index) noexcept;
    [[nodiscard]] bool is_before(Index left, Index right) const noexcept;
    [[nodiscard]] Index first_free(uint64_t size) const noexcept;
    [[nodiscard]] Index first_in_tree(uint64_t size, uint64_t begin) const noexcept;
    [[nodiscard]] Index next_free(Index index) const noexcept;
    [[nodiscard]] bool fits(Index index, uint64_t size, uint64_t alignment) const noexcept;
    [[nodiscard]] Index find_free(uint64_t size, uint64_t alignment) const noexcept;
    [[nodiscard]] Index find_used(uint64_t address) const noexcept;
    void split(Index index, uint64_t size) noexcept;
    void merge_with_next(Index index) noexcept;
    void release(Index index) noexcept;
    void use(Index index) noexcept;

    Vec<Range> ranges_;
    Vec<Index> buckets_; ///< chains of the ranges in use, by the hash of their address
    Index spare_ = none;
    size_t spare_count_ = 0;
    size_t used_count_ = 0;
    std::array<Index, bin_count> bins_; ///< free ranges, by their number of granules
    uint32_t filled_ = 0;               ///< a bit for each bin that is not empty
    Index root_ = none;                 ///< the root of the tree of larger free ranges
    Index top_ = none;                  ///< the range with the highest address
    uint64_t allocated_ = 0;
    uint64_t free_ = 0;
};

} // namespace warpbeam
