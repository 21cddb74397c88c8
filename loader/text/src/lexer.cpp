#include "characters.hpp"

#include <warpbeam/loader/custom_sections.hpp>
#include <warpbeam/text/lexer.hpp>
#include <warpbeam/text/number.hpp>

#include <algorithm>

namespace warpbeam::text {
namespace {

constexpr const char* unquoted = "illegal character in an identifier";

/// The length of an identifier that may contain characters of any alphabet.
size_t foreign_identifier_length(std::string_view text) noexcept {
    size_t length = 0;
    while (length < text.size()) {
        const auto c = static_cast<unsigned char>(text[length]);
        const size_t character = c < 0x80 ? size_t{is_idchar(c)} : utf8_length(text.substr(length));
        if (character == 0)
            break;
        length += character;
    }
    return length;
}

constexpr std::string_view known_annotations[] = {"custom", name_section, hint_section};

constexpr size_t idchars_length(std::string_view text) noexcept {
    size_t length = 0;
    while (length < text.size() && is_idchar(static_cast<unsigned char>(text[length])))
        ++length;
    return length;
}

/// The kind of a token that consists of identifier characters only.
TokenKind classify(std::string_view text) noexcept {
    const char first = text.front();
    if (first == '$')
        return TokenKind::id;
    // Indexed by NumberKind.
    constexpr TokenKind numbers[] = {TokenKind::reserved, TokenKind::natural, TokenKind::integer,
                                     TokenKind::floating};
    if (const NumberKind kind = classify_number(text); kind != NumberKind::none)
        return numbers[static_cast<size_t>(kind)];
    return first >= 'a' && first <= 'z' ? TokenKind::keyword : TokenKind::reserved;
}

} // namespace

std::string_view known_annotation(std::string_view at) noexcept {
    if (!at.starts_with("(@"))
        return {};
    const std::string_view name = at.substr(2, idchars_length(at.substr(2)));
    return std::ranges::find(known_annotations, name) != std::end(known_annotations) ? name
                                                                                     : std::string_view{};
}

bool Lexer::fail(size_t position, const char* problem) noexcept {
    position_ = position;
    problem_ = problem;
    return false;
}

Token Lexer::next() noexcept {
    Token token;
    if (problem_ == nullptr && skip_blank(token)) {
        token.begin = position_;
        if (position_ == text_.size())
            token.kind = TokenKind::end;
        else
            scan(token);
    }
    if (problem_ != nullptr) {
        token.kind = TokenKind::error;
        token.begin = position_;
    }
    token.end = position_;
    return token;
}

std::string_view Lexer::unquoted_identifier() const noexcept {
    if (problem_ != unquoted)
        return {};
    const std::string_view rest = text_.substr(position_);
    return rest.substr(0, foreign_identifier_length(rest));
}

Lexer::Annotation Lexer::annotation_at(size_t annotation) const noexcept {
    Lexer rest{text_, annotation};
    Annotation found;
    Token token;
    if (rest.skip_annotation()) {
        found.end = rest.position_;
        if (rest.skip_blank(token, true))
            found.next = token.annotation;
    }
    return found;
}

/// Skips what is between tokens; with `stop_at_known` only up to the first known annotation.
bool Lexer::skip_blank(Token& token, bool stop_at_known) noexcept {
    while (position_ < text_.size()) {
        switch (peek()) {
        case ' ':
        case '\t':
        case '\n':
        case '\r':
            ++position_;
            continue;
        case ';':
            if (peek(1) != ';')
                return true;
            if (!skip_line_comment())
                return false;
            continue;
        case '(':
            if (peek(1) == ';') {
                if (!skip_block_comment())
                    return false;
                continue;
            }
            if (peek(1) == '@') {
                if (token.annotation == Token::no_annotation &&
                    !known_annotation(text_.substr(position_)).empty()) {
                    token.annotation = position_;
                    if (stop_at_known)
                        return true;
                }
                if (!skip_annotation())
                    return false;
                continue;
            }
            return true;
        default:
            return true;
        }
    }
    return true;
}

/// Skips one character of a comment, which may be any Unicode character.
bool Lexer::skip_character(const char* problem) noexcept {
    const size_t length = utf8_length(text_.substr(position_));
    if (length == 0)
        return fail(position_, problem);
    position_ += length;
    return true;
}

bool Lexer::skip_line_comment() noexcept {
    while (position_ < text_.size() && peek() != '\n' && peek() != '\r')
        if (!skip_character("malformed UTF-8 encoding"))
            return false;
    return true;
}

bool Lexer::skip_block_comment() noexcept {
    const size_t start = position_;
    size_t depth = 0;
    do {
        if (position_ == text_.size())
            return fail(start, "unclosed comment");
        if (looking_at("(;")) {
            ++depth;
            position_ += 2;
        } else if (looking_at(";)")) {
            --depth;
            position_ += 2;
        } else if (!skip_character("malformed UTF-8 encoding")) {
            return false;
        }
    } while (depth != 0);
    return true;
}

bool Lexer::scan_annotation_name() noexcept {
    const size_t start = position_;
    if (peek() != '"')
        position_ += idchars_length(text_.substr(position_));
    else if (!scan_string())
        return false;
    const std::string_view name = text_.substr(start, position_ - start);
    if (name.empty() || name == "\"\"")
        return fail(start, "empty annotation id");
    return decodes_to_utf8(name) || fail(start, "malformed UTF-8 encoding");
}

/// Annotations nest and may contain any tokens, including an `@` without a name; `depth` counts their
/// parentheses.
bool Lexer::skip_annotation() noexcept {
    const size_t start = position_;
    size_t depth = 0;
    do {
        if (position_ == text_.size())
            return fail(start, "unclosed annotation");
        if (looking_at("(;")) {
            if (!skip_block_comment())
                return false;
        } else if (looking_at(";;")) {
            if (!skip_line_comment())
                return false;
        } else if (looking_at("(@") && (depth == 0 || peek(2) == '"' || is_idchar(peek(2)))) {
            ++depth;
            position_ += 2;
            if (!scan_annotation_name())
                return false;
        } else if (const unsigned char c = peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            ++position_;
        } else {
            Token inner;
            inner.begin = position_;
            scan(inner);
            if (problem_ != nullptr)
                return false;
            if (inner.kind == TokenKind::lpar)
                ++depth;
            else if (inner.kind == TokenKind::rpar)
                --depth;
        }
    } while (depth != 0);
    return true;
}

/// Scans the token at the current position, which is not the end of the text.
void Lexer::scan(Token& token) noexcept {
    const size_t start = position_;
    const unsigned char first = peek();
    if (first == '(' || first == ')') {
        token.kind = first == '(' ? TokenKind::lpar : TokenKind::rpar;
        ++position_;
        return;
    }
    if (std::string_view{",;[]{}"}.contains(static_cast<char>(first))) {
        token.kind = TokenKind::reserved;
        ++position_;
        return;
    }
    // The longest run of identifier characters and strings is one token, so two tokens need a separator.
    size_t strings = 0;
    size_t first_string = 0;
    size_t last_end = 0;
    while (true) {
        position_ += idchars_length(text_.substr(position_));
        if (peek() != '"' || position_ == text_.size())
            break;
        if (strings++ == 0)
            first_string = position_;
        if (!scan_string())
            return;
        last_end = position_;
    }
    if (first == '$' && strings == 0 && peek() >= 0x80 && utf8_length(text_.substr(position_)) != 0) {
        fail(start, unquoted);
        return;
    }
    if (position_ == start) {
        const size_t length = utf8_length(text_.substr(start));
        fail(start, length == 0 ? "malformed UTF-8 encoding" : "illegal character");
        return;
    }
    const std::string_view whole = text_.substr(start, position_ - start);
    if (strings == 0)
        token.kind = classify(whole);
    else if (strings == 1 && last_end == position_ && first_string == start)
        token.kind = TokenKind::string;
    else if (strings == 1 && last_end == position_ && first_string == start + 1 && first == '$')
        token.kind = TokenKind::id;
    else
        token.kind = TokenKind::reserved;
    if (whole == "$" || whole == "$\"\"")
        fail(start, "empty identifier");
    else if (token.kind == TokenKind::id && strings != 0 && !decodes_to_utf8(whole))
        fail(start, "malformed UTF-8 encoding");
}

bool Lexer::scan_string() noexcept {
    const size_t start = position_++;
    while (true) {
        const unsigned char c = peek();
        if (position_ == text_.size() || c == '\n' || c == '\r')
            return fail(start, "unclosed string literal");
        if (c == '"') {
            ++position_;
            return true;
        }
        if (c < 0x20 || c == 0x7f)
            return fail(position_, "illegal control character in string literal");
        if (c == '\\') {
            if (!scan_escape())
                return false;
        } else if (!skip_character("malformed UTF-8 encoding")) {
            return false;
        }
    }
}

/// https://webassembly.github.io/spec/core/text/values.html#strings
bool Lexer::scan_escape() noexcept {
    const size_t start = position_++;
    const unsigned char c = peek();
    if (position_ < text_.size() && std::string_view{"tnr\"'\\"}.contains(static_cast<char>(c))) {
        ++position_;
        return true;
    }
    if (hex_digit(c) < 16 && hex_digit(peek(1)) < 16) {
        position_ += 2;
        return true;
    }
    if (c != 'u' || peek(1) != '{')
        return fail(start, "illegal escape");
    position_ += 2;
    uint32_t code = 0;
    do {
        const unsigned digit = hex_digit(peek());
        if (digit == 16)
            return fail(start, "illegal escape");
        code = code * 16 + digit;
        ++position_;
        if (code >= 0x11'0000)
            return fail(start, "illegal escape: beyond U+10FFFF");
        if (peek() == '_' && hex_digit(peek(1)) < 16)
            ++position_;
    } while (peek() != '}');
    if (code >= 0xd800 && code < 0xe000)
        return fail(start, "illegal escape: a surrogate");
    ++position_;
    return true;
}

} // namespace warpbeam::text
