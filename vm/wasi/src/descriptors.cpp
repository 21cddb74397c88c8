#include <warpbeam/wasi/descriptor.hpp>

#include <algorithm>

namespace warpbeam::wasi {

Result<> Descriptors::reserve() noexcept {
    while (first_free_ < all_.size() && all_[first_free_].is_open())
        ++first_free_;
    if (first_free_ >= limit_)
        return std::unexpected{Errno::mfile};
    if (first_free_ == all_.size() && all_.size() == all_.capacity() &&
        !all_.reserve(std::max<size_t>(8, all_.size() * 2)))
        return std::unexpected{Errno::nomem};
    return {};
}

Result<uint32_t> Descriptors::add(Descriptor descriptor) noexcept {
    if (const Result<> room = reserve(); !room)
        return std::unexpected{room.error()};
    if (first_free_ < all_.size())
        all_[first_free_] = std::move(descriptor);
    else if (!all_.push(std::move(descriptor)))
        return std::unexpected{Errno::nomem};
    return first_free_++;
}

void Descriptors::close(uint32_t number) noexcept {
    all_[number] = Descriptor{all_.allocator()};
    first_free_ = std::min(first_free_, number);
}

void Descriptors::clear() noexcept {
    all_.clear();
    first_free_ = 0;
}

Result<> Descriptors::put(uint32_t number, Descriptor descriptor) noexcept {
    if (number >= limit_)
        return std::unexpected{Errno::mfile};
    while (all_.size() <= number)
        if (!all_.push(Descriptor{all_.allocator()}))
            return std::unexpected{Errno::nomem};
    all_[number] = std::move(descriptor);
    return {};
}

void Descriptors::renumber(uint32_t from, uint32_t to) noexcept {
    if (from == to)
        return;
    all_[to] = std::move(all_[from]);
    close(from);
}

} // namespace warpbeam::wasi
