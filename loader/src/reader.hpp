#pragma once

#include "diagnostics.hpp"

#include <warpbeam/loader/leb128.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace warpbeam {

/// Reads values of the binary format from a part of a module: a section, a function body, or all of it.
/// Every function returns false after it has recorded a fault.
/// https://webassembly.github.io/spec/core/binary/values.html
class Reader {
public:
    Reader(std::span<const uint8_t> module, Diagnostics& diagnostics) noexcept
        : base_{module.data()}, pos_{base_}, end_{base_ + module.size()}, diagnostics_{&diagnostics} {}

    [[nodiscard]] Diagnostics& diagnostics() const noexcept { return *diagnostics_; }
    /// Where the next byte lies in the module.
    [[nodiscard]] size_t offset() const noexcept { return static_cast<size_t>(pos_ - base_); }
    [[nodiscard]] size_t remaining() const noexcept { return static_cast<size_t>(end_ - pos_); }
    [[nodiscard]] bool at_end() const noexcept { return pos_ == end_; }
    [[nodiscard]] const uint8_t* position() const noexcept { return pos_; }
    /// The bytes read since `start`, which `position` returned.
    [[nodiscard]] std::span<const uint8_t> since(const uint8_t* start) const noexcept {
        return {start, pos_};
    }
    /// The next byte without reading it; there must be one.
    [[nodiscard]] uint8_t peek() const noexcept { return *pos_; }

    [[nodiscard]] bool byte(uint8_t& value) noexcept {
        if (pos_ == end_) [[unlikely]]
            return unexpected_end();
        value = *pos_++;
        return true;
    }
    [[nodiscard]] bool u32(uint32_t& value) noexcept { return unsigned_leb(value); }
    [[nodiscard]] bool u64(uint64_t& value) noexcept { return unsigned_leb(value); }
    [[nodiscard]] bool s32(int32_t& value) noexcept { return report(decode_leb128(pos_, end_, value)); }
    [[nodiscard]] bool s64(int64_t& value) noexcept { return report(decode_leb128(pos_, end_, value)); }
    [[nodiscard]] bool s33(int64_t& value) noexcept {
        return report(decode_leb128<int64_t, 33>(pos_, end_, value));
    }
    [[nodiscard]] bool skip(size_t count) noexcept {
        if (count > remaining()) [[unlikely]]
            return unexpected_end();
        pos_ += count;
        return true;
    }

    /// The length of a vector whose elements take at least a byte each, which bounds what it may ask for.
    [[nodiscard]] bool count(uint32_t& value, const char* what, uint32_t limit = UINT32_MAX) noexcept;
    /// A vector of bytes.
    [[nodiscard]] bool bytes(std::span<const uint8_t>& value) noexcept;
    /// A vector of bytes in UTF-8.
    [[nodiscard]] bool name(std::string_view& value) noexcept;
    /// A reader of the next `size` bytes alone; this one moves behind them. They must be there.
    [[nodiscard]] Reader part(size_t size) noexcept {
        Reader sub = *this;
        pos_ += size;
        sub.end_ = pos_;
        return sub;
    }

    bool unexpected_end() noexcept;

private:
    template <typename T>
    [[nodiscard]] bool unsigned_leb(T& value) noexcept {
        if (pos_ != end_ && *pos_ < 0x80) [[likely]] {
            value = *pos_++;
            return true;
        }
        return report(decode_leb128(pos_, end_, value));
    }
    [[nodiscard]] bool report(LebFault fault) noexcept {
        return fault == LebFault::none ? true : leb_fault(fault);
    }
    bool leb_fault(LebFault fault) noexcept;

    const uint8_t* base_;
    const uint8_t* pos_;
    const uint8_t* end_;
    Diagnostics* diagnostics_;
};

} // namespace warpbeam
