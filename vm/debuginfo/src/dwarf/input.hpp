#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace warpbeam::dwarf {

/// Reads untrusted bytes of a section from some offset on. After a fault it is at the end, and everything
/// read is 0.
class Input {
public:
    Input(std::span<const uint8_t> section, uint64_t offset) noexcept
        : section_{section}, at_{static_cast<size_t>(offset)}, good_{offset <= section.size()} {
        if (!good_)
            at_ = section.size();
    }

    /// Whether there has been no fault.
    [[nodiscard]] bool good() const noexcept { return good_; }
    /// Of the next byte in the section.
    [[nodiscard]] uint64_t offset() const noexcept { return at_; }
    [[nodiscard]] bool at_end() const noexcept { return at_ == section_.size(); }
    [[nodiscard]] uint64_t remaining() const noexcept { return section_.size() - at_; }

    /// Little-endian. More than eight bytes are a fault.
    uint64_t fixed(unsigned size) noexcept {
        if (size > remaining() || size > 8) {
            fail();
            return 0;
        }
        uint64_t value = 0;
        for (unsigned i = 0; i < size; ++i)
            value |= uint64_t{section_[at_ + i]} << (8 * i);
        at_ += size;
        return value;
    }
    uint8_t u8() noexcept { return static_cast<uint8_t>(fixed(1)); }
    uint16_t u16() noexcept { return static_cast<uint16_t>(fixed(2)); }
    uint32_t u32() noexcept { return static_cast<uint32_t>(fixed(4)); }
    uint64_t u64() noexcept { return fixed(8); }

    /// @{ LEB128. Linkers pad numbers, so any length is right; bits beyond 64 are dropped.
    uint64_t uleb() noexcept { return leb(false); }
    int64_t sleb() noexcept { return static_cast<int64_t>(leb(true)); }
    /// @}

    /// Up to a zero, which is read too.
    std::string_view c_string() noexcept {
        const char* const text = reinterpret_cast<const char*>(section_.data()) + at_;
        const std::string_view rest{text, section_.size() - at_};
        const size_t length = rest.find('\0');
        if (length == std::string_view::npos) {
            fail();
            return {};
        }
        at_ += length + 1;
        return rest.substr(0, length);
    }
    void skip(uint64_t size) noexcept {
        if (size > remaining())
            fail();
        else
            at_ += static_cast<size_t>(size);
    }
    void fail() noexcept {
        good_ = false;
        at_ = section_.size();
    }

private:
    uint64_t leb(bool is_signed) noexcept {
        uint64_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            if (at_end()) {
                fail();
                return 0;
            }
            const uint8_t byte = section_[at_++];
            if (shift < 64)
                value |= uint64_t{byte & 0x7fu} << shift;
            if ((byte & 0x80) == 0) {
                if (is_signed && (byte & 0x40) != 0 && shift + 7 < 64)
                    value |= ~uint64_t{0} << (shift + 7);
                return value;
            }
            if (shift > 1024) { // Padding has its limits: `shift` must not overflow.
                fail();
                return 0;
            }
        }
    }

    std::span<const uint8_t> section_;
    size_t at_;
    bool good_;
};

} // namespace warpbeam::dwarf
