#include "characters.hpp"

#include <warpbeam/text/lexer.hpp>

namespace warpbeam::text {
namespace {

/// Yields the bytes that a well-formed string token or identifier stands for, one at a time.
class Decoder {
public:
    explicit Decoder(std::string_view token) noexcept : rest_{token} {
        if (rest_.starts_with('$'))
            rest_.remove_prefix(1);
        quoted_ = rest_.starts_with('"');
        if (quoted_)
            rest_ = rest_.substr(1, rest_.size() - 2);
    }

    [[nodiscard]] bool done() const noexcept { return rest_.empty() && pending_ == 0; }

    uint8_t next() noexcept {
        if (pending_ != 0) {
            --pending_;
            return static_cast<uint8_t>(0x80 | (code_ >> (6 * pending_) & 0x3f));
        }
        const unsigned char c = take();
        return c == '\\' && quoted_ ? escape(take()) : c;
    }

private:
    unsigned char take() noexcept {
        const auto c = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return c;
    }

    uint8_t escape(unsigned char c) noexcept {
        switch (c) {
        case 't':
            return '\t';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 'u':
            break;
        default:
            return hex_digit(c) < 16 ? static_cast<uint8_t>(hex_digit(c) * 16 + hex_digit(take())) : c;
        }
        code_ = 0;
        take();
        for (unsigned char digit = take(); digit != '}'; digit = take())
            if (digit != '_')
                code_ = code_ * 16 + hex_digit(digit);
        if (code_ < 0x80)
            return static_cast<uint8_t>(code_);
        pending_ = code_ < 0x800 ? 1 : code_ < 0x1'0000 ? 2 : 3;
        constexpr uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
        return static_cast<uint8_t>(leads[pending_] | code_ >> (6 * pending_));
    }

    std::string_view rest_;
    bool quoted_ = false;
    uint32_t code_ = 0;
    /// The number of continuation bytes of `code_` still to come.
    unsigned pending_ = 0;
};

} // namespace

bool append_decoded(std::string_view token, Vec<uint8_t>& out) noexcept {
    // No escape is shorter than what it stands for.
    if (!out.reserve(out.size() + token.size()))
        return false;
    for (Decoder decoder{token}; !decoder.done();)
        if (!out.push(decoder.next()))
            return false;
    return true;
}

bool decodes_to_utf8(std::string_view token) noexcept {
    char window[4];
    size_t filled = 0;
    Decoder decoder{token};
    while (true) {
        while (filled < sizeof window && !decoder.done())
            window[filled++] = static_cast<char>(decoder.next());
        if (filled == 0)
            return true;
        const size_t length = utf8_length({window, filled});
        if (length == 0)
            return false;
        filled -= length;
        for (size_t i = 0; i < filled; ++i)
            window[i] = window[i + length];
    }
}

} // namespace warpbeam::text
