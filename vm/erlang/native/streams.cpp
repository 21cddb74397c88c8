#include "world.hpp"

#include <algorithm>

/// The standard streams, clocks and random numbers of a world.

namespace warpbeam::erlang {

using wasi::Errno;

Input::~Input() = default;

bool Input::add(std::span<const uint8_t> bytes) noexcept {
    std::copy(bytes_.begin() + taken_, bytes_.end(), bytes_.begin());
    bytes_.truncate(bytes_.size() - taken_);
    taken_ = 0;
    return bytes_.append(bytes);
}

bool Input::put_first(std::span<const uint8_t> bytes) noexcept {
    Vec<uint8_t> all{bytes_.allocator()};
    if (!all.append(bytes) || !all.append(left()))
        return false;
    bytes_ = std::move(all);
    taken_ = 0;
    return true;
}

wasi::Result<size_t> Input::read(std::span<uint8_t> into) noexcept {
    const size_t size = std::min(into.size(), left().size());
    if (size == 0 && !into.empty() && !is_closed_) {
        was_asked_ = true;
        return std::unexpected{Errno::again};
    }
    std::ranges::copy(left().first(size), into.begin());
    taken_ += size;
    return size;
}

wasi::Result<wasi::Ready> Input::ready(wasi::Readiness which) noexcept {
    const bool now = which == wasi::Readiness::write || !left().empty() || is_closed_;
    was_asked_ = was_asked_ || !now;
    return wasi::Ready{now, is_closed_, left().size()};
}

Output::~Output() = default;

wasi::Result<size_t> Output::write(std::span<const uint8_t> bytes) noexcept {
    const size_t size = std::min(bytes.size(), max_size_ - bytes_.size());
    if (size == 0 && !bytes.empty())
        return std::unexpected{is_taken_ ? Errno::again : Errno::nospc};
    if (!bytes_.append(bytes.first(size)))
        return std::unexpected{Errno::nomem};
    return size;
}

wasi::Result<wasi::Ready> Output::ready(wasi::Readiness which) noexcept {
    return wasi::Ready{which == wasi::Readiness::read || !is_taken_ || bytes_.size() < max_size_, false, 0};
}

std::expected<uint64_t, Errno> Surroundings::now(wasi::Clock clock) const noexcept {
    if (state_.has_clock)
        return std::exchange(state_.time, state_.time + state_.step);
    auto time = wasi::native_host().now(clock);
    if (time && clock == wasi::Clock::monotonic)
        *time += state_.monotonic;
    return time;
}

std::expected<uint64_t, Errno> Surroundings::resolution(wasi::Clock clock) const noexcept {
    return state_.has_clock ? std::max<uint64_t>(state_.step, 1) : wasi::native_host().resolution(clock);
}

bool Surroundings::has_time() noexcept {
    is_long_ = enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER;
    return !is_long_;
}

std::expected<void, Errno> Surroundings::random(std::span<uint8_t> into) noexcept {
    if (!state_.random)
        return wasi::native_host().random(into);
    state_.random->fill(into);
    return {};
}

} // namespace warpbeam::erlang
