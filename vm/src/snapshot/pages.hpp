#pragma once

#include "snapshot/graph.hpp"
#include "snapshot/stream.hpp"

#include <warpbeam/memory/changed_pages.hpp>

/// The pages of memories in a snapshot: those that differ from the memory's initial contents, or in a series
/// from the snapshot before.

namespace warpbeam::vm {

/// Where a memory is defined, and so its initial contents; the instance is null for one of the host's.
struct MemoryHome {
    const InstanceObject* instance = nullptr;
    uint32_t index = 0;
    friend bool operator==(const MemoryHome&, const MemoryHome&) = default;
};

/// Which memories the snapshots of a series have, by their numbers in the series, and when the last one was
/// taken.
struct SeriesState {
    SeriesState(Allocator& from, PageMark::Way by) noexcept
        : allocator{from}, way{by}, memories{from}, numbers{from} {}

    struct Memory {
        std::optional<PageMark> mark; ///< none: it is new
        MemoryHome home;              ///< in the last snapshot
    };
    Allocator& allocator;
    PageMark::Way way;  ///< of new marks
    uint64_t store = 0; ///< its number; 0: there is no snapshot yet
    Digest last{};
    Vec<Memory> memories;
    AddressMap numbers;
    /// Whether the marks are those of the last snapshot. They may have moved for one that then failed.
    bool is_valid = false;
    bool is_complete = false; ///< the last snapshot

    /// The number of a memory, which is added if it is new; none if memory runs out.
    [[nodiscard]] std::optional<uint32_t> number_of(MemoryObject& memory) noexcept;
};

/// The home of each memory.
[[nodiscard]] bool find_homes(std::span<InstanceObject* const> instances,
                              std::span<MemoryObject* const> memories, Vec<MemoryHome>& homes) noexcept;

/// Writes the pages of all memories of a graph; if it `follows` the last snapshot of a series, those that
/// have changed since then.
[[nodiscard]] std::expected<void, Error> save_pages(const Graph& graph, Writer& out, SeriesState* series,
                                                    bool follows) noexcept;

/// Gives new memories their initial contents. False after a fault, which the reader has.
[[nodiscard]] bool set_initial_pages(Reader& in, std::span<InstanceObject* const> instances,
                                     std::span<MemoryObject* const> memories) noexcept;
/// Reads the pages of the snapshots of a series, one after another, into memories that have these numbers in
/// the series. Others are skipped.
class PageRestorer {
public:
    PageRestorer(std::span<MemoryObject* const> memories, std::span<const uint32_t> numbers,
                 Allocator& allocator) noexcept
        : memories_{memories}, numbers_{numbers}, places_{allocator}, written_{allocator}, seen_{allocator} {}
    /// To be called first. False after a fault, which the reader has.
    [[nodiscard]] bool prepare(Reader& in) noexcept;
    /// False after a fault, which the reader has.
    [[nodiscard]] bool read(Reader& in) noexcept;

private:
    [[nodiscard]] static bool runs(Reader& in, MemoryObject* memory, uint64_t& written) noexcept;

    std::span<MemoryObject* const> memories_;
    std::span<const uint32_t> numbers_;
    AddressMap places_;     ///< of the memories, by their numbers plus 1
    Vec<uint64_t> written_; ///< of each memory, the end of what was written
    Vec<uint32_t> seen_;    ///< of each memory, the last snapshot that had it, from 1
    uint32_t snapshots_ = 0;
    uint64_t written_of_none_ = 0;
};

} // namespace warpbeam::vm
