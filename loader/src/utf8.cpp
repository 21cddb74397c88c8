#include <warpbeam/loader/utf8.hpp>

#include <cstring>

namespace warpbeam {
namespace {

/// The length of the sequence that `lead` begins (0 if none), and the valid range of its second byte, which
/// excludes overlong forms, surrogates and code points above U+10FFFF.
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

size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    if (text.empty())
        return 0;
    if (byte(0) < 0x80)
        return 1;
    const Sequence sequence = sequence_of(byte(0));
    if (sequence.length == 0 || text.size() < sequence.length)
        return 0;
    if (byte(1) < sequence.second_min || byte(1) > sequence.second_max)
        return 0;
    for (unsigned i = 2; i < sequence.length; ++i)
        if ((byte(i) & 0xc0) != 0x80)
            return 0;
    return sequence.length;
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        size_t length = 8;
        uint64_t eight = ~uint64_t{0};
        if (text.size() >= length)
            std::memcpy(&eight, text.data(), length);
        if ((eight & 0x8080808080808080) != 0)
            length = utf8_length(text);
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

} // namespace warpbeam
