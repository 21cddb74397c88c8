#pragma once

#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/memory_image.hpp>
#include <warpbeam/memory/reservation.hpp>

#include <cstdint>
#include <optional>

namespace warpbeam {

/// The bytes of one WebAssembly memory.
/// https://webassembly.github.io/spec/core/exec/runtime.html#memory-instances
///
/// On 64-bit POSIX hosts address space is reserved up front, so growing does not move the bytes as long as
/// they fit the reservation, and memory is used only for pages that exist. Elsewhere, or when the system
/// refuses the reservation, the bytes are a block of the allocator that is copied when it grows.
///
/// Thread-safety: none; one thread at a time.
class WARPBEAM_API LinearMemory {
public:
    /// What a memory begins as, and how far it may go.
    struct Options {
        /// The binary logarithm of the page size in bytes: 16, or 0 with custom page sizes.
        uint8_t page_size_log2 = 16;
        uint64_t initial_pages = 0;
        /// The most that `grow` will allow: what the type and the address type permit.
        uint64_t max_pages = 65536;
        /// The address space to reserve at most, in bytes; what a memory can't grow to is never reserved, and
        /// what it begins with always is. 0: no reservation.
        uint64_t reservation = uint64_t{4} << 30;
        /// Reserves `guarded_size` bytes whatever the other options say, and fails if that can't be had: all
        /// that 32-bit addresses with 32-bit offsets reach and does not exist faults when touched.
        bool guarded = false;
        /// Null: the standard one. It must outlive the memory.
        Allocator* allocator = nullptr;
    };

    /// Addresses and offsets are below 2^32, accesses have up to 16 bytes.
    static constexpr uint64_t guarded_size = (uint64_t{8} << 30) + 65536;

    /// A memory of `initial_pages` pages of zeros; none when there is no memory for them, or they are more
    /// than `max_pages`.
    [[nodiscard]] static std::optional<LinearMemory> create(const Options& options) noexcept;

    LinearMemory(LinearMemory&& other) noexcept;
    LinearMemory& operator=(LinearMemory&&) = delete;
    ~LinearMemory();

    /// The first byte; valid until the next growth. May be null when the size is 0.
    [[nodiscard]] uint8_t* data() const noexcept { return data_; }
    /// In bytes.
    [[nodiscard]] uint64_t size() const noexcept { return size_; }
    [[nodiscard]] uint64_t pages() const noexcept { return size_ >> page_size_log2_; }
    [[nodiscard]] uint64_t max_pages() const noexcept { return max_pages_; }

    /// Adds `pages` pages of zeros at the end. False, and nothing changed, when `max_pages` would be exceeded
    /// or there is no memory.
    [[nodiscard]] bool grow(uint64_t pages) noexcept;

    /// Makes it what `create` made: as many zeros. False, and nothing changed, when there is no memory for
    /// that. An image that was mapped comes back.
    [[nodiscard]] bool reset() noexcept;

    /// Lays an image over the zeros that it is now, unless it is there already. Precondition: the image lies
    /// within the size, and outlives the memory. False when that can't be done.
    [[nodiscard]] bool map(const MemoryImage& image) noexcept;

private:
    explicit LinearMemory(const Options& options) noexcept;
    [[nodiscard]] bool resize(uint64_t bytes) noexcept;
    [[nodiscard]] bool move_to_reservation(uint64_t bytes, uint64_t reservation) noexcept;
    [[nodiscard]] bool move_to_block(uint64_t bytes) noexcept;

    Allocator* allocator_;
    uint8_t page_size_log2_;
    uint64_t max_pages_;
    uint64_t initial_bytes_;
    Reservation reservation_;
    const MemoryImage* mapped_ = nullptr; ///< in reservation_
    /// Of reservation_ if that is not empty, else a block of the allocator with block_size_ bytes.
    uint8_t* data_ = nullptr;
    uint64_t size_ = 0;
    size_t block_size_ = 0;
};

} // namespace warpbeam
