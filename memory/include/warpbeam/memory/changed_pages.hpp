#pragma once

#include <warpbeam/memory/linear_memory.hpp>
#include <warpbeam/memory/page_set.hpp>

#include <optional>
#include <span>

/// Which pages of a linear memory a snapshot must contain. While a function here runs, nothing else may use
/// the memory; shared memories have no such functions.

namespace warpbeam {

class WriteWatch;

/// Makes `pages` the pages of the memory that differ from its initial contents: zeros, overwritten by these
/// pieces, the later ones by the later. This is exact. False if memory runs out.
///
/// Where the system tells which pages were written (Linux), and the allocator allows to ask it
/// (Allocator::has_private_pages), only those are compared, and the pages of the pieces; otherwise all.
[[nodiscard]] WARPBEAM_API bool find_changed(const LinearMemory& memory,
                                             std::span<const MemoryImage::Piece> initial,
                                             PageSet& pages) noexcept;

/// A moment in the life of a memory, to find the pages that changed since then. It must not outlive the
/// memory's allocator; it may outlive the memory.
///
/// On Linux from 6.7 on, the system notes the first write to each page, which costs the guest a fault for
/// that page; no byte is read. A mark has a file descriptor then. For memories of up to 1 MiB, for a second
/// mark at the same time, on other systems, and if the allocator doesn't allow it, a mark keeps a hash of
/// each page (16 bytes), and finding reads them all.
///
/// Thread-safety: none; one thread at a time.
class WARPBEAM_API PageMark {
public:
    /// How changes are found.
    enum class Way : uint8_t {
        best,  ///< the fastest that works
        hashes ///< works everywhere
    };

    /// Marks the present moment. Nothing if memory runs out. `allocator` is for the mark's own data.
    [[nodiscard]] static std::optional<PageMark> set(const LinearMemory& memory, Allocator& allocator,
                                                     Way way = Way::best) noexcept;
    PageMark(PageMark&& other) noexcept;
    PageMark& operator=(PageMark&&) = delete;
    ~PageMark();

    /// Makes `pages` those pages of the memory, which is the one that was marked, that changed since then.
    /// Pages that the memory did not have then are among them unless they are zeros. There may be pages that
    /// did not change: written with the same bytes, or all of them if the memory was reset or has moved.
    /// With `move_mark` the mark is then moved to the present moment.
    ///
    /// False if memory runs out. The mark stays where it was, but may find more pages than before.
    [[nodiscard]] bool find(const LinearMemory& memory, PageSet& pages, bool move_mark) noexcept;

    /// Whether the system notes the writes.
    [[nodiscard]] bool is_watching() const noexcept { return watch_ != nullptr; }

private:
    struct Hash {
        uint64_t value[2];
        friend bool operator==(const Hash&, const Hash&) = default;
    };
    PageMark(Allocator& allocator, Way way) noexcept
        : allocator_{&allocator}, way_{way}, hashes_{allocator} {}
    [[nodiscard]] bool start(const LinearMemory& memory) noexcept;
    [[nodiscard]] bool start_watch(const LinearMemory& memory) noexcept;
    [[nodiscard]] Hash hash_of(std::span<const uint8_t> page) const noexcept;

    Allocator* allocator_;
    Way way_;
    uint64_t placement_ = 0; ///< of the memory at the mark
    size_t size_ = 0;        ///< of the memory at the mark
    uint64_t key_[2] = {};   ///< so that a guest can't make pages with equal hashes
    WriteWatch* watch_ = nullptr;
    Vec<Hash> hashes_; ///< of the pages, unless there is a watch
};

} // namespace warpbeam
