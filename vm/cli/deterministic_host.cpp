#include "deterministic_host.hpp"

namespace warpbeam::cli {

std::expected<size_t, wasi::Errno> DeterministicHost::read(std::span<uint8_t> into) noexcept {
    size_t done = 0;
    while (done < into.size()) {
        const auto part = wasi::native_host().read(into.subspan(done));
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
        const auto part = wasi::native_host().write(stream, bytes.subspan(done));
        if (!part)
            return part;
        done += *part;
    }
    return done;
}

std::expected<void, wasi::Errno> DeterministicHost::random(std::span<uint8_t> into) noexcept {
    random_.fill(into);
    return {};
}

} // namespace warpbeam::cli
