#pragma once

#include <warpbeam/wasi/host.hpp>
#include <warpbeam/wasi/seeded_random.hpp>

#include <utility>

namespace warpbeam::cli {

/// The environment of a program that is to do the same in every run: its input decides everything. Clocks
/// advance by a millisecond whenever they are read, and at once by the time that the program waits.
class DeterministicHost final : public wasi::Host {
public:
    /// What its answers depend on.
    struct State {
        uint64_t time = 0;
        uint64_t random = 0;
    };
    explicit DeterministicHost(uint64_t seed) noexcept : random_{seed} {}
    explicit DeterministicHost(const State& state) noexcept : time_{state.time}, random_{state.random} {}
    [[nodiscard]] State state() const noexcept { return {time_, random_.state()}; }

    /// A read waits for all bytes, or the end, so it does not depend on how they arrive.
    std::expected<size_t, wasi::Errno> read(std::span<uint8_t> into) noexcept override;
    std::expected<size_t, wasi::Errno> write(wasi::Stream stream,
                                             std::span<const uint8_t> bytes) noexcept override;
    bool is_terminal(wasi::Stream) const noexcept override { return false; }
    std::expected<uint64_t, wasi::Errno> now(wasi::Clock) const noexcept override {
        return std::exchange(time_, time_ + step);
    }
    std::expected<uint64_t, wasi::Errno> resolution(wasi::Clock) const noexcept override { return step; }
    void sleep(uint64_t nanoseconds) noexcept override { time_ += nanoseconds; }
    std::expected<void, wasi::Errno> random(std::span<uint8_t> into) noexcept override;

private:
    static constexpr uint64_t step = 1'000'000;
    mutable uint64_t time_ = 0;
    wasi::SeededRandom random_;
};

} // namespace warpbeam::cli
