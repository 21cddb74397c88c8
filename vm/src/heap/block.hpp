#pragma once

#include "heap/heap.hpp"

#include <cstring>

namespace warpbeam::vm {

/// The head of a block. The mark bits follow, one for each 8 bytes of the block, then the cells; a block with
/// one large object has a single word of mark bits. During a collection the bits mark live objects; between
/// collections they mark objects in the list of kept objects.
struct Heap::Block {
    /// The overhead that malloc adds to a block must not push the next one beyond its aligned position.
    static constexpr size_t small_bytes = block_alignment - 64;

    static constexpr size_t cell_mark_words = block_alignment / sizeof(Slot) / 64;

    /// The size of a block for cells of this size.
    static constexpr size_t bytes_for(size_t cell_size) noexcept;

    // The limit of a heap counts blocks, so their heads have the same size on all machines.
    alignas(8) Block* next = nullptr; ///< in the list of blocks with free runs, or of free blocks
    alignas(8) size_t bytes = 0;      ///< taken from the allocator
    uint32_t cell = 0;                ///< 0 for a large object's block
    uint32_t first = 0;               ///< the beginning of the first cell; 0 for a free block
    uint32_t end = 0;                 ///< the end of the last cell
    uint32_t runs = 0;                ///< the beginning of the first free run; 0 if there is none

    [[nodiscard]] uint64_t* marks() noexcept { return reinterpret_cast<uint64_t*>(this + 1); }
    [[nodiscard]] uint8_t* at(size_t offset) noexcept { return reinterpret_cast<uint8_t*>(this) + offset; }
    [[nodiscard]] uint32_t offset_of(const void* object) const noexcept {
        return static_cast<uint32_t>(static_cast<const uint8_t*>(object) -
                                     reinterpret_cast<const uint8_t*>(this));
    }
    [[nodiscard]] size_t mark_words() const noexcept { return cell == 0 ? 1 : cell_mark_words; }
    void clear_marks() noexcept { std::memset(marks(), 0, mark_words() * sizeof(uint64_t)); }
    [[nodiscard]] bool is_marked(uint32_t offset) noexcept {
        return (marks()[offset / 512] >> (offset / 8 % 64) & 1) != 0;
    }
    void set_mark(uint32_t offset) noexcept { marks()[offset / 512] |= uint64_t{1} << (offset / 8 % 64); }
    void clear_mark(uint32_t offset) noexcept {
        marks()[offset / 512] &= ~(uint64_t{1} << (offset / 8 % 64));
    }
};

constexpr size_t Heap::Block::bytes_for(size_t cell_size) noexcept {
    constexpr size_t head = sizeof(Block) + cell_mark_words * sizeof(uint64_t);
    return cell_size <= largest_in_common_block ? small_bytes
                                                : head + (small_bytes - head) / cell_size * cell_size;
}

/// The description of a run of free cells, in the second word of its first cell. Everything else in the run
/// is zero.
struct FreeRun {
    uint32_t end;  ///< offset in the block
    uint32_t next; ///< offset of the next run; 0 if there is none

    static FreeRun read(const uint8_t* cell) noexcept {
        FreeRun run;
        std::memcpy(&run, cell + sizeof(Object), sizeof run);
        return run;
    }
    static void write(uint8_t* cell, FreeRun run) noexcept {
        std::memcpy(cell + sizeof(Object), &run, sizeof run);
    }
    static void erase(uint8_t* cell) noexcept { write(cell, {0, 0}); }
};

} // namespace warpbeam::vm
