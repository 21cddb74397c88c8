#pragma once

#include <warpbeam/loader/leb128.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

/// @file
/// Readers of the values that the binary format is made of,
/// https://webassembly.github.io/spec/core/binary/values.html

namespace warpbeam {

/// Reads untrusted bytes. A fault is returned as a value; after a fault, what was read is not valid, and the
/// reader is positioned after the offending byte. Thread-safety: none; one thread at a time.
class ByteReader {
public:
    /// Reads `bytes`, which must outlive it.
    constexpr explicit ByteReader(std::span<const uint8_t> bytes) noexcept
        : base_{bytes.data()}, pos_{base_}, end_{base_ + bytes.size()} {}

    /// The number of bytes before the next one; for a part, counted from the start of the whole input.
    [[nodiscard]] constexpr size_t offset() const noexcept { return static_cast<size_t>(pos_ - base_); }
    /// How many bytes are left.
    [[nodiscard]] constexpr size_t remaining() const noexcept { return static_cast<size_t>(end_ - pos_); }
    /// Whether no byte is left.
    [[nodiscard]] constexpr bool at_end() const noexcept { return pos_ == end_; }
    /// The address of the next byte, for `since`.
    [[nodiscard]] constexpr const uint8_t* position() const noexcept { return pos_; }
    /// The bytes read since `start`, which `position` returned.
    [[nodiscard]] constexpr std::span<const uint8_t> since(const uint8_t* start) const noexcept {
        return {start, pos_};
    }
    /// Looks at the next byte without reading it; there must be one.
    [[nodiscard]] constexpr uint8_t peek() const noexcept { return *pos_; }

    /// The next byte.
    [[nodiscard]] constexpr LebFault byte(uint8_t& value) noexcept {
        if (pos_ == end_) [[unlikely]]
            return LebFault::unexpected_end;
        value = *pos_++;
        return LebFault::none;
    }
    /// An integer of `bits` bits in LEB128, signed if T is.
    template <typename T, unsigned bits = std::numeric_limits<std::make_unsigned_t<T>>::digits>
    [[nodiscard]] constexpr LebFault number(T& value) noexcept {
        if constexpr (std::is_unsigned_v<T>)
            if (pos_ != end_ && *pos_ < 0x80) [[likely]] {
                value = *pos_++;
                return LebFault::none;
            }
        return decode_leb128<T, bits>(pos_, end_, value);
    }
    /// The next `size` bytes.
    [[nodiscard]] constexpr LebFault bytes(size_t size, std::span<const uint8_t>& value) noexcept {
        if (size > remaining()) [[unlikely]]
            return LebFault::unexpected_end;
        value = {pos_, size};
        pos_ += size;
        return LebFault::none;
    }
    /// A vector of bytes.
    [[nodiscard]] constexpr LebFault sized(std::span<const uint8_t>& value) noexcept {
        uint32_t size = 0;
        const LebFault fault = number(size);
        return fault != LebFault::none ? fault : bytes(size, value);
    }

protected:
    /// Limits the reader to the next `size` bytes, which must be there.
    constexpr void narrow(size_t size) noexcept { end_ = pos_ + size; }

    const uint8_t* base_; ///< what `offset` counts from
    const uint8_t* pos_;  ///< the next byte
    const uint8_t* end_;  ///< where reading ends
};

/// Reads bytes that have already been validated, without looking for faults.
class ValidBytes {
public:
    /// Reads `bytes`, which must outlive it.
    constexpr explicit ValidBytes(std::span<const uint8_t> bytes) noexcept
        : begin_{bytes.data()}, at_{bytes.data()}, end_{bytes.data() + bytes.size()} {}

    /// Whether all bytes have been read.
    [[nodiscard]] constexpr bool done() const noexcept { return at_ == end_; }
    /// How many bytes have been read.
    [[nodiscard]] constexpr size_t offset() const noexcept { return static_cast<size_t>(at_ - begin_); }
    /// The next byte without reading it; there must be one.
    [[nodiscard]] constexpr uint8_t peek() const noexcept { return *at_; }
    /// Passes over `count` bytes.
    constexpr void pass(size_t count) noexcept { at_ += count; }

    /// The next byte.
    [[nodiscard]] constexpr uint8_t byte() noexcept { return *at_++; }
    /// @{ An integer in LEB128, of the kind in the name.
    [[nodiscard]] constexpr uint32_t u32() noexcept { return static_cast<uint32_t>(u64()); }
    [[nodiscard]] constexpr uint64_t u64() noexcept { return valid_leb128<uint64_t>(at_); }
    [[nodiscard]] constexpr int64_t s64() noexcept { return valid_leb128<int64_t>(at_); }
    [[nodiscard]] constexpr int64_t s33() noexcept { return s64(); }
    /// @}
    /// A number of sizeof(T) bytes, little-endian.
    template <typename T>
    [[nodiscard]] T fixed() noexcept {
        T value;
        std::memcpy(&value, at_, sizeof(T));
        at_ += sizeof(T);
        return std::endian::native == std::endian::big ? std::byteswap(value) : value;
    }

private:
    const uint8_t* begin_;
    const uint8_t* at_;
    const uint8_t* end_;
};

} // namespace warpbeam
