#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

/// @file
/// Variable-length integers, https://webassembly.github.io/spec/core/binary/values.html#integers .
/// Thread-safety: any thread may call these functions.

namespace warpbeam {

/// What is wrong with an integer of variable length.
enum class LebFault : uint8_t { none, unexpected_end, too_long, too_large };

/// The words for a fault.
constexpr const char* text_of(LebFault fault) noexcept {
    return fault == LebFault::unexpected_end ? "unexpected end"
           : fault == LebFault::too_long     ? "integer representation too long"
                                             : "integer too large";
}

/// Decodes an integer of `bits` bits at `p`, signed if T is, and moves `p` past it. After a fault `p` is just
/// after the offending byte, or at the end of the input.
template <typename T, unsigned bits = std::numeric_limits<std::make_unsigned_t<T>>::digits>
constexpr LebFault decode_leb128(const uint8_t*& p, const uint8_t* end, T& value) noexcept {
    using U = std::make_unsigned_t<T>;
    U result = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (p == end)
            return LebFault::unexpected_end;
        const uint8_t byte = *p++;
        const unsigned left = bits - shift;
        if (left < 7) {
            // The last possible byte: its bits beyond the type must be zero, or copies of the sign.
            const unsigned unused = std::is_signed_v<T> ? (byte & 0x7f) >> (left - 1) : (byte & 0x7f) >> left;
            const unsigned all_ones = std::is_signed_v<T> ? 0x7fu >> (left - 1) : 0u;
            if (unused != 0 && unused != all_ones)
                return LebFault::too_large;
            if ((byte & 0x80) != 0)
                return LebFault::too_long;
        }
        result |= static_cast<U>(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            constexpr unsigned width = std::numeric_limits<U>::digits;
            if (std::is_signed_v<T> && shift + 7 < width && (byte & 0x40) != 0)
                result |= ~U{0} << (shift + 7);
            value = static_cast<T>(result);
            return LebFault::none;
        }
    }
}

/// How many bytes an integer of 64 bits takes at most.
inline constexpr size_t max_leb128 = 10;

/// Encodes an integer at `to`, signed if T is, in as few bytes as possible, at most `max_leb128`. Returns the
/// end.
template <typename T>
constexpr uint8_t* encode_leb128(T value, uint8_t* to) noexcept {
    constexpr T end = std::is_signed_v<T> ? 0x40 : 0x80;
    for (; value >= end || (std::is_signed_v<T> && value < -end); value >>= 7)
        *to++ = static_cast<uint8_t>(value | 0x80);
    *to++ = static_cast<uint8_t>(value & 0x7f);
    return to;
}

/// The same as `decode_leb128` for an integer that has already been validated.
template <typename T>
constexpr T valid_leb128(const uint8_t*& p) noexcept {
    if (std::is_unsigned_v<T> && *p < 0x80) [[likely]]
        return *p++;
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const uint8_t byte = *p++;
        value |= static_cast<uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (std::is_signed_v<T> && shift < 57 && (byte & 0x40) != 0)
                value |= ~uint64_t{0} << (shift + 7);
            return static_cast<T>(value);
        }
    }
}

} // namespace warpbeam
