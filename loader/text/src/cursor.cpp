#include <warpbeam/text/cursor.hpp>

#include <algorithm>

namespace warpbeam::text {
Cursor::Cursor(std::string_view text, Fault& fault, size_t position) noexcept
    : lexer_{text, position}, fault_{&fault} {
    move_to(position);
}

void Cursor::move_to(size_t position) noexcept {
    if (failed())
        return stop();
    lexer_ = Lexer{lexer_.text(), position};
    ahead_ = lexer_.next();
    current_.annotation = Token::no_annotation;
    advance();
}

void Cursor::stop() noexcept {
    current_ = Token{TokenKind::end, source().size(), source().size()};
    ahead_ = current_;
}

Token Cursor::advance() noexcept {
    const Token left = current_;
    if (!lenient)
        reject_annotation();
    if (failed()) {
        stop();
        return left;
    }
    previous_end_ = left.end;
    current_ = ahead_;
    if (current_.kind == TokenKind::error)
        fail("%s", lexer_.problem());
    else if (current_.kind != TokenKind::end)
        ahead_ = lexer_.next();
    return left;
}

void Cursor::reject_annotation() noexcept {
    if (current_.annotation == Token::no_annotation)
        return;
    const Shown name{known_annotation(source().substr(current_.annotation))};
    fail_at(current_.annotation, "misplaced @%s annotation", name.c_str());
}

bool Cursor::accept(TokenKind kind) noexcept {
    if (!at(kind))
        return false;
    advance();
    return true;
}

bool Cursor::accept_keyword(std::string_view keyword) noexcept {
    if (!at_keyword(keyword))
        return false;
    advance();
    return true;
}

bool Cursor::accept_open(std::string_view keyword) noexcept {
    if (!at_open(keyword))
        return false;
    advance();
    advance();
    return true;
}

Token Cursor::expect(TokenKind kind, const char* what) noexcept {
    if (at(kind))
        return advance();
    unexpected(what);
    return current_;
}

void Cursor::skip_to_close() noexcept {
    for (size_t depth = 1; depth != 0 && !at_end();) {
        depth += at(TokenKind::lpar) ? 1 : 0;
        depth -= at(TokenKind::rpar) ? 1 : 0;
        advance();
        if (depth != 0 && at_end())
            unexpected("\")\"");
    }
}

std::optional<Cursor> Cursor::take_annotation(std::string_view name) noexcept {
    const size_t found = current_.annotation;
    if (found == Token::no_annotation || known_annotation(source().substr(found)) != name)
        return std::nullopt;
    // Another one may stand between this one and the token.
    const auto [end, next] = lexer_.annotation_at(found);
    current_.annotation = next;
    return Cursor{source().substr(0, end), *fault_, found + std::string_view{"(@"}.size() + name.size()};
}

void Cursor::unexpected(const char* wanted) noexcept {
    if (at_end() && !failed()) {
        // What follows the last token is but blanks, perhaps many lines of them.
        wanted == nullptr ? fail_at(previous_end_, "unexpected end of text")
                          : fail_at(previous_end_, "unexpected end of text, expected %s", wanted);
        return;
    }
    const Shown found{text()};
    if (wanted == nullptr)
        fail("unexpected token \"%s\"", found.c_str());
    else
        fail("unexpected token \"%s\", expected %s", found.c_str(), wanted);
}

} // namespace warpbeam::text
