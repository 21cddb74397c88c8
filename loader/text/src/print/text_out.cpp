#include "print/text_out.hpp"

#include "characters.hpp"

#include <algorithm>
#include <charconv>

namespace warpbeam::text {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

} // namespace

TextOut& TextOut::add(std::string_view piece) noexcept {
    if (fault_)
        return *this;
    if (piece.size() > max_size_ - size_) {
        fault_.emplace(ErrorCode::limit, "the text exceeds the limit of %zu characters", max_size_);
        return *this;
    }
    size_ += piece.size();
    if (sink_ != nullptr && text_.size() + piece.size() > piece_size)
        flush();
    if (!text_.append({piece.data(), piece.size()}))
        fault_.emplace(ErrorCode::out_of_memory, "out of memory");
    return *this;
}

void TextOut::flush() noexcept {
    if (!fault_ && !sink_->write({text_.data(), text_.size()}))
        fault_.emplace(ErrorCode::usage, "writing the text failed");
    text_.clear();
}

TextOut& TextOut::hexadecimal(uint64_t value, unsigned digits) noexcept {
    char text[16];
    const auto end = std::to_chars(text, text + sizeof text, value, 16).ptr;
    const auto length = static_cast<unsigned>(end - text);
    return add("0x")
        .add(std::string_view{"0000000000000000"}.substr(0, digits > length ? digits - length : 0))
        .add({text, length});
}

TextOut& TextOut::string(std::string_view value) noexcept {
    add("\"");
    while (!value.empty()) {
        const auto plain = static_cast<size_t>(
            std::ranges::find_if_not(value,
                                     [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; }) -
            value.begin());
        add(value.substr(0, plain));
        value.remove_prefix(plain);
        if (value.empty())
            break;
        const auto byte = static_cast<unsigned char>(value.front());
        const char escaped[] = {'\\', hex_digits[byte >> 4], hex_digits[byte & 15]};
        add({escaped, sizeof escaped});
        value.remove_prefix(1);
    }
    return add("\"");
}

TextOut& TextOut::identifier(std::string_view name) noexcept {
    add("$");
    const bool plain =
        std::ranges::all_of(name, [](char c) { return is_idchar(static_cast<unsigned char>(c)); });
    return plain ? add(name) : string(name);
}

TextOut& TextOut::line(size_t depth) noexcept {
    // Deeper indentation would let hostile modules produce a lot of white space.
    static constexpr std::string_view spaces = "                                                            ";
    return add("\n").add(spaces.substr(0, std::min(2 * depth, spaces.size())));
}

} // namespace warpbeam::text
