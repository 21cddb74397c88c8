#include "sparse_bytes.hpp"

#include <warpbeam/memory/memory_slots.hpp>
#include <warpbeam/memory/reservation.hpp>

#include <bit>

namespace warpbeam {

static_assert(MemorySlots::min_size << 4 == MemorySlots::max_size);

struct MemorySlots::Slab {
    MemorySlots& owner;
    Reservation room{};
    uint64_t free = UINT64_MAX; ///< a bit for each slot
    unsigned kind = 0;          ///< the slots' size is min_size << kind
    // In with_room_, unless all slots are in use.
    Slab* next = nullptr;
    Slab* before = nullptr;

    [[nodiscard]] size_t slot_size() const noexcept { return min_size << kind; }
    /// The end of the last slot in use.
    [[nodiscard]] size_t end() const noexcept {
        return slot_size() * static_cast<size_t>(64 - std::countl_one(free));
    }
};

MemorySlots::~MemorySlots() {
    for (Slab* slab : with_room_)
        destroy(allocator_, slab); // there is at most one empty slab of each kind
}

MemorySlots::Slot MemorySlots::take(uint64_t size) noexcept {
    if (size > max_size)
        return {};
    const auto kind = static_cast<unsigned>(std::bit_width((size - 1) / min_size));
    const std::lock_guard lock{lock_};
    Slab* const slab = with_room_[kind] != nullptr ? with_room_[kind] : make_slab(kind);
    if (slab == nullptr)
        return {};
    // The first one keeps the committed part short.
    const auto index = static_cast<unsigned>(std::countr_zero(slab->free));
    const size_t slot_size = slab->slot_size();
    if (!slab->room.commit((index + 1) * slot_size))
        return {};
    slab->free &= slab->free - 1;
    if (slab->free == 0)
        unlink(*slab);
    return {slab, slab->room.base() + index * slot_size, slot_size};
}

MemorySlots::Slab* MemorySlots::make_slab(unsigned kind) noexcept {
    // With large pages of the host, slots would not consist of whole ones.
    const size_t page = detail::AddressSpace::page_size();
    if (min_size % page != 0)
        return nullptr;
    auto* const slab = create<Slab>(allocator_, *this);
    if (slab == nullptr)
        return nullptr;
    slab->kind = kind;
    slab->room = Reservation::reserve(64 * slab->slot_size(), allocator_);
    if (slab->room.size() == 0) {
        destroy(allocator_, slab);
        return nullptr;
    }
    detail::AddressSpace::prefer_small_pages(slab->room.base(), slab->room.size());
    link(*slab);
    return slab;
}

void MemorySlots::give_back(Slab& slab, const Slot& slot) noexcept {
    const std::lock_guard lock{lock_};
    if (slab.free == 0)
        link(slab);
    slab.free |= uint64_t{1} << static_cast<size_t>(slot.base() - slab.room.base()) / slab.slot_size();
    const size_t end = slab.end();
    // One empty slab is kept, since the next memory is often made as soon as the last one ends.
    if (end == 0 && (slab.next != nullptr || slab.before != nullptr)) {
        unlink(slab);
        destroy(allocator_, &slab);
        return;
    }
    const size_t committed = slab.room.committed();
    const auto begin = static_cast<size_t>(slot.base() - slab.room.base());
    const bool is_last = begin >= end; // then shrinking clears it
    if (end < committed && slab.room.shrink(end)) {
        detail::AddressSpace::prefer_small_pages(slab.room.base() + end, committed - end);
        if (is_last)
            return;
    }
    if (!slab.room.restore(begin, slot.size()))
        clear_sparse(slot.base(), slot.size());
}

void MemorySlots::link(Slab& slab) noexcept {
    Slab*& first = with_room_[slab.kind];
    slab.before = nullptr;
    slab.next = first;
    if (first != nullptr)
        first->before = &slab;
    first = &slab;
}

void MemorySlots::unlink(Slab& slab) noexcept {
    (slab.before != nullptr ? slab.before->next : with_room_[slab.kind]) = slab.next;
    if (slab.next != nullptr)
        slab.next->before = slab.before;
    slab.next = slab.before = nullptr;
}

void MemorySlots::Slot::give_back() noexcept { slab_->owner.give_back(*slab_, *this); }

void MemorySlots::Slot::clear() noexcept {
    // The owner of a slot may do that without the lock: the slab's committed part stays what it is.
    if (slab_ != nullptr && !slab_->room.restore(static_cast<size_t>(base_ - slab_->room.base()), size_))
        clear_sparse(base_, size_);
}

} // namespace warpbeam
