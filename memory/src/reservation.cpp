#include <warpbeam/memory/reservation.hpp>

namespace warpbeam {

size_t Reservation::round_up(size_t size) noexcept {
    const size_t page = detail::AddressSpace::page_size();
    return (size + page - 1) & ~(page - 1);
}

Reservation Reservation::reserve(size_t size, Allocator& allocator) noexcept {
    Reservation result;
    const size_t rounded = round_up(size);
    void* const base = rounded >= size ? allocator.reserve(rounded) : nullptr;
    if (base != nullptr) {
        result.allocator_ = &allocator;
        result.base_ = static_cast<uint8_t*>(base);
        result.size_ = rounded;
    }
    return result;
}

bool Reservation::commit(size_t to) noexcept {
    const size_t end = round_up(to);
    if (end <= committed_)
        return true;
    if (!allocator_->commit(base_, committed_, end))
        return false;
    committed_ = end;
    return true;
}

bool Reservation::shrink(size_t to) noexcept {
    const size_t end = round_up(to);
    if (end >= committed_)
        return true;
    if (!allocator_->decommit(base_, end, committed_))
        return false;
    committed_ = end;
    return true;
}

} // namespace warpbeam
