#include <warpbeam/memory/linear_memory.hpp>

#include <algorithm>
#include <cstring>

namespace warpbeam {
namespace {

// Vector instructions and embedders' views benefit from aligned bytes.
constexpr size_t block_alignment = 64;

/// The size in bytes of this number of pages; UINT64_MAX on overflow.
uint64_t bytes_of(uint64_t pages, uint8_t page_size_log2) noexcept {
    return pages <= UINT64_MAX >> page_size_log2 ? pages << page_size_log2 : UINT64_MAX;
}

} // namespace

LinearMemory::LinearMemory(const Options& options) noexcept
    : allocator_{options.allocator != nullptr ? options.allocator : &Allocator::standard()},
      page_size_log2_{options.page_size_log2}, max_pages_{options.max_pages},
      initial_bytes_{bytes_of(options.initial_pages, options.page_size_log2)} {}

LinearMemory::LinearMemory(LinearMemory&& other) noexcept
    : allocator_{other.allocator_}, page_size_log2_{other.page_size_log2_}, max_pages_{other.max_pages_},
      initial_bytes_{other.initial_bytes_}, reservation_{std::move(other.reservation_)},
      mapped_{other.mapped_}, data_{std::exchange(other.data_, nullptr)},
      size_{std::exchange(other.size_, 0)}, block_size_{std::exchange(other.block_size_, 0)} {}

LinearMemory::~LinearMemory() {
    if (block_size_ != 0)
        allocator_->deallocate(data_, block_size_, block_alignment);
}

std::optional<LinearMemory> LinearMemory::create(const Options& options) noexcept {
    if (options.initial_pages > options.max_pages)
        return std::nullopt;
    LinearMemory memory{options};
    const uint64_t bytes = memory.initial_bytes_;
    if (options.guarded) {
        if (!memory.move_to_reservation(bytes, guarded_size))
            return std::nullopt;
        return memory;
    }
    const uint64_t max_size = bytes_of(options.max_pages, options.page_size_log2);
    const uint64_t wanted = std::max(bytes, std::min(options.reservation, max_size));
    // A memory that is always empty needs no storage.
    if (options.reservation != 0 && wanted != 0 && memory.move_to_reservation(bytes, wanted))
        return memory;
    if (!memory.resize(bytes))
        return std::nullopt;
    return memory;
}

bool LinearMemory::grow(uint64_t pages) noexcept {
    const uint64_t old_pages = this->pages();
    if (pages > max_pages_ - old_pages)
        return false;
    return resize(bytes_of(old_pages + pages, page_size_log2_));
}

bool LinearMemory::resize(uint64_t bytes) noexcept {
    if (bytes == size_)
        return true;
    if (bytes > SIZE_MAX / 2) // no object can be larger
        return false;
    if (reservation_.size() == 0 &&
        bytes <= block_size_) { // the block may be larger than the memory after a reset
        std::memset(data_ + size_, 0, static_cast<size_t>(bytes - size_));
        size_ = bytes;
        return true;
    }
    if (reservation_.size() == 0)
        return move_to_block(bytes);
    if (bytes <= reservation_.size()) {
        if (!reservation_.commit(static_cast<size_t>(bytes)))
            return false;
        size_ = bytes;
        return true;
    }
    // Address space is cheap: doubling makes moves rare.
    return move_to_reservation(bytes, bytes * 2) || move_to_reservation(bytes, bytes);
}

bool LinearMemory::move_to_reservation(uint64_t bytes, uint64_t reservation) noexcept {
    if (reservation > SIZE_MAX)
        return false;
    Reservation fresh = Reservation::reserve(static_cast<size_t>(reservation), *allocator_);
    if (fresh.size() == 0 || !fresh.commit(static_cast<size_t>(bytes)))
        return false;
    if (size_ != 0)
        std::memcpy(fresh.base(), data_, static_cast<size_t>(size_));
    reservation_ = std::move(fresh);
    mapped_ = nullptr;
    data_ = reservation_.base();
    size_ = bytes;
    return true;
}

bool LinearMemory::move_to_block(uint64_t bytes) noexcept {
    const auto count = static_cast<size_t>(bytes);
    auto* const fresh = static_cast<uint8_t*>(allocator_->allocate(count, block_alignment));
    if (fresh == nullptr)
        return false;
    if (size_ != 0)
        std::memcpy(fresh, data_, static_cast<size_t>(size_));
    std::memset(fresh + size_, 0, count - static_cast<size_t>(size_));
    if (block_size_ != 0)
        allocator_->deallocate(data_, block_size_, block_alignment);
    data_ = fresh;
    size_ = bytes;
    block_size_ = count;
    return true;
}

bool LinearMemory::reset() noexcept {
    const auto bytes = static_cast<size_t>(initial_bytes_);
    if (reservation_.size() == 0) {
        if (bytes != 0)
            std::memset(data_, 0, bytes);
    } else {
        if (!reservation_.shrink(bytes))
            return false;
        if (!reservation_.restore()) {
            std::memset(data_, 0, reservation_.committed());
            mapped_ = nullptr;
        }
    }
    size_ = initial_bytes_;
    return true;
}

bool LinearMemory::map(const MemoryImage& image) noexcept {
    if (mapped_ != &image && reservation_.size() != 0 && image.map(reservation_))
        mapped_ = &image;
    return mapped_ == &image;
}

} // namespace warpbeam
