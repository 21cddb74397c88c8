#include "utf8.hpp"

#include <cstring>

namespace warpbeam {
namespace {

/// The length of the sequence that `lead` begins (0: it begins none), and the range of its second byte, which
/// is what excludes overlong forms, surrogates and code points above U+10FFFF.
struct Sequence {
    unsigned length;
    uint8_t second_min, second_max;
};

constexpr Sequence sequence_of(uint8_t lead) noexcept {
    if (lead < 0xc2)
        return {0, 0, 0};
    if (lead < 0xe0)
        return {2, 0x80, 0xbf};
    if (lead < 0xf0)
        return {3, lead == 0xe0 ? uint8_t{0xa0} : uint8_t{0x80},
                lead == 0xed ? uint8_t{0x9f} : uint8_t{0xbf}};
    if (lead < 0xf5)
        return {4, lead == 0xf0 ? uint8_t{0x90} : uint8_t{0x80},
                lead == 0xf4 ? uint8_t{0x8f} : uint8_t{0xbf}};
    return {0, 0, 0};
}

} // namespace

bool is_utf8(std::span<const uint8_t> bytes) noexcept {
    const uint8_t* p = bytes.data();
    const uint8_t* const end = p + bytes.size();
    while (p != end) {
        if (end - p >= 8) {
            uint64_t eight = 0;
            std::memcpy(&eight, p, 8);
            if ((eight & 0x8080808080808080) == 0) {
                p += 8;
                continue;
            }
        }
        if (*p < 0x80) {
            ++p;
            continue;
        }
        const Sequence sequence = sequence_of(*p);
        if (sequence.length == 0 || static_cast<size_t>(end - p) < sequence.length)
            return false;
        if (p[1] < sequence.second_min || p[1] > sequence.second_max)
            return false;
        for (unsigned i = 2; i < sequence.length; ++i)
            if ((p[i] & 0xc0) != 0x80)
                return false;
        p += sequence.length;
    }
    return true;
}

} // namespace warpbeam
