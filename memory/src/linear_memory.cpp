#include "sparse_bytes.hpp"

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
      slots_{options.guarded ? nullptr : options.slots}, page_size_log2_{options.page_size_log2},
      max_pages_{options.max_pages}, initial_bytes_{bytes_of(options.initial_pages, options.page_size_log2)},
      guarded_{options.guarded} {
    const uint64_t max_size = bytes_of(options.max_pages, options.page_size_log2);
    if (options.guarded)
        wanted_ = guarded_size;
    else if (options.reservation != 0)
        wanted_ = std::max(initial_bytes_, std::min(options.reservation, max_size));
}

LinearMemory::LinearMemory(LinearMemory&& other) noexcept
    : allocator_{other.allocator_}, slots_{other.slots_}, page_size_log2_{other.page_size_log2_},
      max_pages_{other.max_pages_}, initial_bytes_{other.initial_bytes_}, wanted_{other.wanted_},
      slot_{std::move(other.slot_)}, reservation_{std::move(other.reservation_)}, mapped_{other.mapped_},
      frozen_{std::move(other.frozen_)}, copied_{other.copied_}, placement_{other.placement_},
      data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)},
      block_size_{std::exchange(other.block_size_, 0)}, guarded_{other.guarded_},
      counted_{std::exchange(other.counted_, false)} {}

LinearMemory::~LinearMemory() {
    if (block_size_ != 0)
        allocator_->deallocate(data_, block_size_, block_alignment);
    if (counted_)
        slots_->end_mapping();
}

std::optional<LinearMemory> LinearMemory::create(const Options& options) noexcept {
    if (options.initial_pages > options.max_pages)
        return std::nullopt;
    LinearMemory memory{options};
    if (!memory.place(memory.initial_bytes_, options.will_map))
        return std::nullopt;
    return memory;
}

/// Finds the first place for `bytes` bytes.
bool LinearMemory::place(uint64_t bytes, bool will_map) noexcept {
    const bool reserves = slots_ == nullptr || bytes > MemorySlots::max_size || (will_map && begin_mapping());
    // A memory that is always empty needs no storage.
    if (reserves && wanted_ != 0 && move_to_reservation(bytes, std::max(bytes, wanted_)))
        return true;
    return !guarded_ && resize(bytes);
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
    if (reservation_.size() != 0 && bytes <= reservation_.size()) {
        if (!reservation_.commit(static_cast<size_t>(bytes)))
            return false;
    } else if (bytes <= block_size_) { // the block may be larger than the memory after a reset
        std::memset(data_ + size_, 0, static_cast<size_t>(bytes - size_));
    } else if (bytes > slot_.size()) {
        return move(bytes);
    }
    size_ = bytes;
    return true;
}

bool LinearMemory::move(uint64_t bytes) noexcept {
    // Address space is cheap: doubling makes moves rare.
    if (reservation_.size() != 0)
        return move_to_reservation(bytes, bytes * 2) || move_to_reservation(bytes, bytes);
    const bool may_reserve = wanted_ != 0 && block_size_ == 0;
    return move_to_slot(bytes) || (may_reserve && move_to_reservation(bytes, std::max(bytes, wanted_))) ||
           move_to_block(bytes);
}

bool LinearMemory::move_to_slot(uint64_t bytes) noexcept {
    if (slots_ == nullptr)
        return false;
    MemorySlots::Slot fresh = slots_->take(bytes);
    if (fresh.size() == 0)
        return false;
    replace(fresh.base(), bytes);
    slot_ = std::move(fresh);
    return true;
}

bool LinearMemory::move_to_reservation(uint64_t bytes, uint64_t reservation) noexcept {
    if (reservation > SIZE_MAX)
        return false;
    Reservation fresh = Reservation::reserve(static_cast<size_t>(reservation), *allocator_);
    if (fresh.size() == 0 || !fresh.commit(static_cast<size_t>(bytes)))
        return false;
    replace(fresh.base(), bytes);
    slot_ = {};
    reservation_ = std::move(fresh);
    return true;
}

bool LinearMemory::move_to_block(uint64_t bytes) noexcept {
    const auto count = static_cast<size_t>(bytes);
    auto* const fresh = static_cast<uint8_t*>(allocator_->allocate(count, block_alignment));
    if (fresh == nullptr)
        return false;
    std::memset(fresh, 0, count);
    replace(fresh, bytes);
    slot_ = {};
    block_size_ = count;
    return true;
}

/// Goes on in `data`, which is all zeros. The caller replaces slot_ and reservation_.
void LinearMemory::replace(uint8_t* data, uint64_t bytes) noexcept {
    copy_sparse(data, data_, static_cast<size_t>(size_));
    if (block_size_ != 0)
        allocator_->deallocate(data_, std::exchange(block_size_, 0), block_alignment);
    data_ = data;
    size_ = bytes;
    mapped_ = nullptr;
    frozen_ = {};
    ++placement_;
}

bool LinearMemory::reset() noexcept {
    const auto bytes = static_cast<size_t>(initial_bytes_);
    const uint64_t old_size = size_;
    if (slot_.size() != 0) {
        // Back to where `create` would put it.
        const bool smaller = slot_.size() > MemorySlots::min_size && bytes <= slot_.size() / 2;
        MemorySlots::Slot fresh = smaller && bytes != 0 ? slots_->take(bytes) : MemorySlots::Slot{};
        if (fresh.size() != 0 || bytes == 0)
            slot_ = std::move(fresh);
        else
            slot_.clear();
        data_ = slot_.base();
    } else if (reservation_.size() == 0) {
        if (bytes != 0)
            std::memset(data_, 0, bytes);
    } else if (frozen_) {
        // The image is not what `create` made.
        size_ = 0;
        if (!move_to_reservation(bytes, reservation_.size())) {
            size_ = old_size;
            return false;
        }
    } else {
        if (!reservation_.shrink(bytes))
            return false;
        if (!reservation_.restore()) {
            std::memset(data_, 0, reservation_.committed());
            mapped_ = nullptr;
        }
    }
    size_ = initial_bytes_;
    ++placement_;
    return true;
}

bool LinearMemory::map(const MemoryImage& image) noexcept {
    if (slot_.size() != 0 && (!begin_mapping() || !move_to_reservation(size_, std::max(size_, wanted_))))
        return false;
    if (mapped_ != &image && !frozen_ && reservation_.size() != 0 && image.map(reservation_)) {
        mapped_ = &image;
        ++placement_;
    }
    return mapped_ == &image;
}

/// Whether a small memory may leave the slots for a reservation.
bool LinearMemory::begin_mapping() noexcept {
    counted_ = counted_ || slots_->begin_mapping();
    return counted_;
}

} // namespace warpbeam
