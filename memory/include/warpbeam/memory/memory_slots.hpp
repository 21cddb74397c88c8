#pragma once

#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/locks.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace warpbeam {

/// Places for many small memories that need few of the process's mappings, of which Linux allows 65,530. A
/// slab is one reservation with 64 slots of the same size. Its pages are committed up to the last slot in
/// use.
///
/// Thread-safety: any thread may call any function at any time, if the allocator allows that; one thread at a
/// time uses a slot.
class WARPBEAM_API MemorySlots {
    struct Slab;

public:
    /// @{ The sizes of slots in bytes: powers of two from the minimum to the maximum.
    static constexpr size_t min_size = 64 * 1024;
    static constexpr size_t max_size = 1024 * 1024;
    /// @}
    /// How many small memories may have a mapping of their own at the same time, for an image.
    static constexpr uint32_t max_mapped = 8192;

    /// A place for one memory; given back at the end of its life.
    class WARPBEAM_API Slot {
    public:
        Slot() noexcept = default;
        Slot(Slot&& other) noexcept
            : slab_{std::exchange(other.slab_, nullptr)}, base_{std::exchange(other.base_, nullptr)},
              size_{std::exchange(other.size_, 0)} {}
        Slot& operator=(Slot other) noexcept {
            std::swap(slab_, other.slab_);
            std::swap(base_, other.base_);
            std::swap(size_, other.size_);
            return *this;
        }
        ~Slot() {
            if (slab_ != nullptr)
                give_back();
        }
        /// Readable and writable, zeros at first; null if there is no slot.
        [[nodiscard]] uint8_t* base() const noexcept { return base_; }
        /// The size in bytes; 0 if there is no slot.
        [[nodiscard]] size_t size() const noexcept { return size_; }
        /// Makes everything zeros again, and gives the pages back to the system where that is possible.
        void clear() noexcept;

    private:
        friend MemorySlots;
        Slot(Slab* slab, uint8_t* base, size_t size) noexcept : slab_{slab}, base_{base}, size_{size} {}
        void give_back() noexcept;

        Slab* slab_ = nullptr;
        uint8_t* base_ = nullptr;
        size_t size_ = 0;
    };

    /// Takes its memory from `allocator`, which must outlive it.
    explicit MemorySlots(Allocator& allocator) noexcept : allocator_{allocator} {}
    MemorySlots(const MemorySlots&) = delete;
    MemorySlots& operator=(const MemorySlots&) = delete;
    /// All slots must have been given back.
    ~MemorySlots();

    /// A slot of at least `size` bytes (more than 0); none if that is too large, memory runs out, or there
    /// is no address space to reserve.
    [[nodiscard]] Slot take(uint64_t size) noexcept;

    /// Counts a small memory with a mapping of its own; false if there are too many already.
    [[nodiscard]] bool begin_mapping() noexcept {
        if (mapped_.fetch_add(1, std::memory_order_relaxed) < max_mapped)
            return true;
        end_mapping();
        return false;
    }
    /// The end of such a memory.
    void end_mapping() noexcept { mapped_.fetch_sub(1, std::memory_order_relaxed); }

private:
    static constexpr unsigned kinds = 5; ///< sizes of slots
    Slab* make_slab(unsigned kind) noexcept;
    void give_back(Slab& slab, const Slot& slot) noexcept;
    void link(Slab& slab) noexcept;
    void unlink(Slab& slab) noexcept;

    Allocator& allocator_;
    Mutex lock_;
    Slab* with_room_[kinds] = {}; ///< the slabs that have a free slot, by kind
    std::atomic<uint32_t> mapped_ = 0;
};

} // namespace warpbeam
