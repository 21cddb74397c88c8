#pragma once

#include <cstdint>

namespace warpbeam::wasi {

/// The numbers of threads: one after the other, and from the beginning again when all were used, so that a
/// number returns as late as possible.
class ThreadIds {
public:
    /// The upper bits are reserved. https://github.com/WebAssembly/wasi-threads
    static constexpr uint32_t last = 0x1FFF'FFFF;

    /// With the number that comes first.
    explicit ThreadIds(uint32_t first = 1) noexcept : next_{first} {}

    /// The next number for which `is_used` is false. There must be one.
    template <typename IsUsed>
    [[nodiscard]] uint32_t take(IsUsed is_used) noexcept {
        uint32_t id = advance();
        // Before the first return to the beginning no number is in use.
        while (has_wrapped_ && is_used(id))
            id = advance();
        return id;
    }

private:
    uint32_t advance() noexcept {
        const uint32_t id = next_;
        has_wrapped_ |= id == last;
        next_ = id == last ? 1 : id + 1;
        return id;
    }

    uint32_t next_;
    bool has_wrapped_ = false;
};

} // namespace warpbeam::wasi
