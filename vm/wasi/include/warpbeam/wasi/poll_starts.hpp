#pragma once

#include <warpbeam/memory/vec.hpp>
#include <warpbeam/wasi/file.hpp>

#include <algorithm>

namespace warpbeam::wasi {

/// When calls of `poll_oneoff` began that have stopped and will be made again, so that what they wait for
/// does not begin anew. A call is known by the address of its subscriptions. One that is never made again
/// stays here, and may then shorten another one with the same address, once; so only the last few are kept.
class PollStarts {
public:
    /// Empty.
    explicit PollStarts(Allocator& allocator) noexcept : all_{allocator} {}

    /// Keeps what the clocks showed. Without memory, the call will wait anew.
    void remember(uint64_t address, std::span<const Result<uint64_t>, 2> times) noexcept {
        if (all_.size() == max_count)
            (void)take(all_[0].address);
        (void)all_.push({address, {times[0], times[1]}});
    }
    /// Sets the times to what was kept for that call, if it is one of these, and forgets it.
    void recall(uint64_t address, std::span<Result<uint64_t>, 2> times) noexcept {
        if (all_.empty())
            return;
        if (const Start* const start = take(address))
            std::ranges::copy(start->times, times.begin());
    }
    /// None of these calls will be made again.
    void clear() noexcept { all_.clear(); }

private:
    static constexpr size_t max_count = 64;
    struct Start {
        uint64_t address;
        Result<uint64_t> times[2];
    };
    /// Removes a call; it is valid until the next change.
    const Start* take(uint64_t address) noexcept {
        Start* const found = std::ranges::find(all_, address, &Start::address);
        if (found == all_.end())
            return nullptr;
        std::rotate(found, found + 1, all_.end());
        taken_ = all_.back();
        all_.pop();
        return &taken_;
    }

    Vec<Start> all_;
    Start taken_{};
};

} // namespace warpbeam::wasi
