#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <span>

namespace warpbeam::fuzz {

/// Aborts, which the fuzzer reports, unless the condition holds.
inline void require(bool condition, std::source_location where = std::source_location::current()) {
    if (condition)
        return;
    std::fprintf(stderr, "%s:%u: a requirement is not met\n", where.file_name(), where.line());
    std::abort();
}

/// Takes numbers from the bytes of an input; zeros after its end.
class Input {
public:
    explicit Input(std::span<const uint8_t> bytes) : bytes_{bytes} {}
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    uint8_t byte() {
        if (bytes_.empty())
            return 0;
        const uint8_t first = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return first;
    }
    /// Usually small, sometimes of any size up to 64 bits.
    uint64_t size() {
        const uint8_t kind = byte();
        uint64_t value = byte();
        if (kind >= 128)
            value = value << 8 | byte();
        for (int i = 0; kind >= 250 && i < 6; ++i)
            value = value << 8 | byte();
        return value;
    }

private:
    std::span<const uint8_t> bytes_;
};

} // namespace warpbeam::fuzz
