#include "text_mutator.hpp"

#include <warpbeam/text/lexer.hpp>

#include <iterator>
#include <vector>

namespace warpbeam::fuzz {
namespace {

/// A part of a text: a token, or a list with its parentheses.
struct Part {
    size_t begin;
    size_t end;
    bool is_number;
};

struct Parts {
    std::vector<Part> tokens;
    std::vector<Part> lists;
};

/// Up to the first error.
Parts parts_of(std::string_view text) {
    Parts parts;
    std::vector<size_t> open;
    text::Lexer lexer{text};
    for (;;) {
        const text::Token token = lexer.next();
        switch (token.kind) {
        case text::TokenKind::end:
        case text::TokenKind::error:
            return parts;
        case text::TokenKind::lpar:
            open.push_back(token.begin);
            break;
        case text::TokenKind::rpar:
            if (!open.empty()) {
                parts.lists.push_back({open.back(), token.end, false});
                open.pop_back();
            }
            break;
        default:
            parts.tokens.push_back({token.begin, token.end,
                                    token.kind == text::TokenKind::natural ||
                                        token.kind == text::TokenKind::integer ||
                                        token.kind == text::TokenKind::floating});
        }
    }
}

constexpr std::string_view numbers[] = {"0",
                                        "1",
                                        "-1",
                                        "2",
                                        "31",
                                        "32",
                                        "63",
                                        "64",
                                        "65535",
                                        "65536",
                                        "0x7fffffff",
                                        "0x80000000",
                                        "-0x80000000",
                                        "0xffffffff",
                                        "nan",
                                        "nan:0x200000",
                                        "-inf",
                                        "0x1p-149",
                                        "1e308",
                                        "0x7fffffffffffffff",
                                        "-0x8000000000000000"};

std::string replace(std::string_view text, const Part& part, std::string_view with) {
    return std::string{text.substr(0, part.begin)}.append(with).append(text.substr(part.end));
}

std::string_view text_of(std::string_view text, const Part& part) {
    return text.substr(part.begin, part.end - part.begin);
}

} // namespace

std::string TextMutator::mutate(std::string_view text) {
    const Parts parts = parts_of(text);
    if (parts.tokens.empty())
        return {};
    const std::vector<Part>& some = parts.lists.empty() || below(2) == 0 ? parts.tokens : parts.lists;
    const Part& at = some[below(some.size())];
    const Part& other = some[below(some.size())];
    switch (below(4)) {
    case 0:
        return replace(text, at, "");
    case 1:
        return replace(text, {at.begin, at.begin, false}, std::string{text_of(text, other)} + ' ');
    case 2:
        return replace(text, at, text_of(text, other));
    default: {
        const Part& token = parts.tokens[below(parts.tokens.size())];
        return replace(text, token,
                       token.is_number ? numbers[below(std::size(numbers))]
                                       : text_of(text, parts.tokens[below(parts.tokens.size())]));
    }
    }
}

std::string TextMutator::cross(std::string_view text, std::string_view other) {
    const Parts parts = parts_of(text);
    const Parts others = parts_of(other);
    if (parts.lists.empty() || others.lists.empty())
        return {};
    const Part& at = parts.lists[below(parts.lists.size())];
    return replace(text, {at.begin, below(2) == 0 ? at.begin : at.end, false},
                   text_of(other, others.lists[below(others.lists.size())]));
}

} // namespace warpbeam::fuzz
