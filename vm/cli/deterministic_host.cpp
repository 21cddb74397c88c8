#include "deterministic_host.hpp"

#include "stop.hpp"

namespace warpbeam::cli {

std::expected<size_t, wasi::Errno> DeterministicHost::read(std::span<uint8_t> into) noexcept {
    size_t done = 0;
    while (done < into.size()) {
        const auto part = stoppable_host().read(into.subspan(done));
        if (!part)
            return part;
        if (*part == 0)
            break;
        done += *part;
    }
    return done;
}

std::expected<size_t, wasi::Errno> DeterministicHost::write(wasi::Stream stream,
                                                            std::span<const uint8_t> bytes) noexcept {
    size_t done = 0;
    while (done < bytes.size()) {
        const auto part = stoppable_host().write(stream, bytes.subspan(done));
        if (!part)
            return part;
        done += *part;
    }
    return done;
}

/// SplitMix64. https://doi.org/10.1145/2714064.2660195
std::expected<void, wasi::Errno> DeterministicHost::random(std::span<uint8_t> into) noexcept {
    uint64_t number = 0;
    for (size_t i = 0; i < into.size(); ++i) {
        if (i % sizeof number == 0) {
            random_ += 0x9e3779b97f4a7c15;
            number = (random_ ^ random_ >> 30) * 0xbf58476d1ce4e5b9;
            number = (number ^ number >> 27) * 0x94d049bb133111eb;
            number ^= number >> 31;
        }
        into[i] = static_cast<uint8_t>(number);
        number >>= 8;
    }
    return {};
}

} // namespace warpbeam::cli
