#pragma once

#include <cstdint>
#include <span>

namespace warpbeam::wasi {

/// Numbers that follow from a seed, for hosts whose programs are to do the same in every run: never for
/// secrets. SplitMix64, https://doi.org/10.1145/2714064.2660195. Thread-safety: one thread at a time.
class SeededRandom {
public:
    /// Begins with a seed, or goes on from the state of another one.
    explicit SeededRandom(uint64_t seed) noexcept : state_{seed} {}
    /// From which another one goes on.
    [[nodiscard]] uint64_t state() const noexcept { return state_; }

    /// The next bytes. Each call begins a new number.
    void fill(std::span<uint8_t> into) noexcept {
        uint64_t number = 0;
        for (size_t i = 0; i < into.size(); ++i) {
            if (i % sizeof number == 0)
                number = next();
            into[i] = static_cast<uint8_t>(number);
            number >>= 8;
        }
    }

private:
    uint64_t next() noexcept {
        state_ += 0x9e3779b97f4a7c15;
        uint64_t mixed = (state_ ^ state_ >> 30) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
        return mixed ^ mixed >> 31;
    }
    uint64_t state_;
};

} // namespace warpbeam::wasi
