#pragma once

#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/memory_image.hpp>
#include <warpbeam/memory/memory_slots.hpp>
#include <warpbeam/memory/reservation.hpp>

#include <cstdint>
#include <optional>

namespace warpbeam {

/// The bytes of one WebAssembly memory.
/// https://webassembly.github.io/spec/core/exec/runtime.html#memory-instances
///
/// On 64-bit POSIX hosts address space is reserved in advance, so the bytes do not move while they grow
/// within the reservation, and only existing pages use memory. Small memories can share a reservation
/// (`Options::slots`); when one outgrows its slot, it moves to a larger one or to a reservation of its own.
/// Elsewhere, or if the system refuses the reservation, the bytes are an allocator block that is copied to
/// grow.
///
/// Thread-safety: none; one thread at a time.
class WARPBEAM_API LinearMemory {
public:
    /// A memory's initial and maximum size, and how it is stored.
    struct Options {
        /// The base-2 logarithm of the page size in bytes: 16, or 0 with custom page sizes.
        uint8_t page_size_log2 = 16;
        uint64_t initial_pages = 0; ///< the initial size
        /// The maximum for `grow`: what the type and the address type permit.
        uint64_t max_pages = 65536;
        /// The maximum address space to reserve, in bytes. Space beyond the maximum size is never reserved;
        /// space for the initial size always is. 0: no reservation.
        uint64_t reservation = uint64_t{4} << 30;
        /// Reserves `guarded_size` bytes whatever the other options say, and fails if that is impossible.
        /// Every byte that 32-bit addresses with 32-bit offsets can reach then exists or faults when touched.
        bool guarded = false;
        /// Where small memories are put, unless they are guarded; null: each has a reservation of its own. It
        /// must outlive the memory.
        MemorySlots* slots = nullptr;
        /// Whether an image will be mapped. A small memory then has a reservation of its own, if not too many
        /// have.
        bool will_map = false;
        /// Null: the default allocator. It must outlive the memory.
        Allocator* allocator = nullptr;
    };

    /// Addresses and offsets are below 2^32; accesses have up to 16 bytes.
    static constexpr uint64_t guarded_size = (uint64_t{8} << 30) + 65536;

    /// A memory of `initial_pages` pages of zeros; nothing if host memory runs out, or if they are more than
    /// `max_pages`.
    [[nodiscard]] static std::optional<LinearMemory> create(const Options& options) noexcept;

    LinearMemory(LinearMemory&& other) noexcept;
    LinearMemory& operator=(LinearMemory&&) = delete;
    ~LinearMemory();

    /// The first byte; valid until the memory grows. May be null if the size is 0.
    [[nodiscard]] uint8_t* data() const noexcept { return data_; }
    /// The size in bytes.
    [[nodiscard]] uint64_t size() const noexcept { return size_; }
    /// The size in pages.
    [[nodiscard]] uint64_t pages() const noexcept { return size_ >> page_size_log2_; }
    /// The maximum number of pages that `grow` allows.
    [[nodiscard]] uint64_t max_pages() const noexcept { return max_pages_; }

    /// Adds `pages` pages of zeros at the end. Returns false and changes nothing if that would exceed
    /// `max_pages` or memory runs out.
    [[nodiscard]] bool grow(uint64_t pages) noexcept;

    /// Restores what `create` made: the initial number of zeros. Returns false and changes nothing if memory
    /// runs out. A mapped image is restored too.
    [[nodiscard]] bool reset() noexcept;

    /// Maps an image over memory that is all zeros, unless it is mapped already. The image must lie within
    /// the size and outlive the memory. A memory in a slot moves to a reservation for that, if not too many
    /// have; it may do so even if the image can't be mapped then. False if it is impossible.
    [[nodiscard]] bool map(const MemoryImage& image) noexcept;

    /// A second memory with the same contents and properties. On Linux, a large memory and its copies share
    /// pages until one of them writes them; this takes time for those pages only that the memory wrote since
    /// its last image was made. Otherwise all that is not zeros is copied. The copy may be used on
    /// another thread. The contents and addresses of this memory stay as they are. Nothing if memory runs
    /// out; this memory is then unchanged.
    ///
    /// Both count in full as committed bytes of the allocator. The pages that they share are in a kernel file
    /// that keeps a descriptor open; it counts nowhere, like an image of data segments, and ends with the
    /// last memory that maps it.
    [[nodiscard]] std::optional<LinearMemory> fork() noexcept;

    // ---- For those who look for changed pages ----

    /// A number that changes when the bytes are elsewhere, or were replaced otherwise than by writing. Never
    /// 0.
    [[nodiscard]] uint64_t placement() const noexcept { return placement_; }
    /// Adds the pages that are not zeros in the image that is mapped. Pages that were not written since are
    /// its bytes, or zeros where there is none.
    void add_image_pages(PageSet& pages) const noexcept;
    /// Whether it shares pages with other memories, or did.
    [[nodiscard]] bool is_frozen() const noexcept { return static_cast<bool>(frozen_); }
    /// Whether it shares a mapping with other small memories.
    [[nodiscard]] bool is_in_slot() const noexcept { return slot_.size() != 0; }
    /// Whether the system may be asked which pages were written.
    [[nodiscard]] bool has_private_pages() const noexcept {
        return block_size_ == 0 && data_ != nullptr && allocator_->has_private_pages();
    }
    /// Where its memory comes from.
    [[nodiscard]] Allocator& allocator() const noexcept { return *allocator_; }

private:
    explicit LinearMemory(const Options& options) noexcept;
    [[nodiscard]] bool place(uint64_t bytes, bool will_map) noexcept;
    [[nodiscard]] bool resize(uint64_t bytes) noexcept;
    [[nodiscard]] bool move(uint64_t bytes) noexcept;
    [[nodiscard]] bool move_to_slot(uint64_t bytes) noexcept;
    [[nodiscard]] bool move_to_reservation(uint64_t bytes, uint64_t reservation) noexcept;
    [[nodiscard]] bool move_to_block(uint64_t bytes) noexcept;
    void replace(uint8_t* data, uint64_t bytes) noexcept;
    [[nodiscard]] bool begin_mapping() noexcept;
    // Parts of `fork`.
    [[nodiscard]] bool share_with(LinearMemory& copy) noexcept;
    [[nodiscard]] bool find_own_pages(PageSet& own) const noexcept;
    [[nodiscard]] Ref<FrozenImage> freeze(const PageSet& own) const noexcept;
    void freeze_again(PageSet& own) noexcept;
    void use(Ref<FrozenImage> image) noexcept;

    Allocator* allocator_;
    MemorySlots* slots_; ///< null: no slots
    uint8_t page_size_log2_;
    uint64_t max_pages_;
    uint64_t initial_bytes_;
    uint64_t wanted_ = 0; ///< the address space to reserve; 0: none
    // Where the bytes are: in one of these, else in an allocator block of block_size_ bytes.
    MemorySlots::Slot slot_;
    Reservation reservation_;
    const MemoryImage* mapped_ = nullptr; ///< in reservation_
    Ref<FrozenImage> frozen_;             ///< the mapped image, if it came from a fork
    uint64_t copied_ = 0;    ///< the pages that were copied instead of frozen since that image was made
    uint64_t placement_ = 1; ///< see placement()
    uint8_t* data_ = nullptr;
    uint64_t size_ = 0;
    size_t block_size_ = 0;
    bool guarded_;
    bool counted_ = false; ///< by slots_, as a small memory with a reservation
};

} // namespace warpbeam
