#include "old_names.hpp"

#include <warpbeam/text/cursor.hpp>

#include <optional>

namespace warpbeam::text {
namespace {

/// How a text with unbalanced parentheses ends.
struct Ending {
    /// The end of the last token; only white space follows, perhaps many lines of it.
    size_t end = 0;
    /// The innermost parenthesis that is not closed.
    std::optional<size_t> open;
};

Ending ending_of(std::string_view text) noexcept {
    Ending ending;
    const auto walk = [&](auto&& at_depth) {
        Lexer lexer{text};
        size_t depth = 0;
        for (Token token = lexer.next(); token.kind != TokenKind::end && token.kind != TokenKind::error;
             token = lexer.next()) {
            ending.end = token.end;
            if (token.kind == TokenKind::lpar)
                at_depth(++depth, token.begin);
            else if (token.kind == TokenKind::rpar && depth != 0)
                --depth;
        }
        return depth;
    };
    // Two passes, so that no stack is needed: it is the last parenthesis that leads to the depth at the end.
    const size_t depth_at_end = walk([](size_t, size_t) {});
    walk([&](size_t depth, size_t begin) {
        if (depth == depth_at_end)
            ending.open = begin;
    });
    return ending;
}

} // namespace

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
        fail_token();
    else if (current_.kind != TokenKind::end)
        ahead_ = lexer_.next();
    return left;
}

/// The current token is an error token.
void Cursor::fail_token() noexcept {
    const std::string_view name = lexer_.unquoted_identifier();
    if (name.empty())
        return fail("%s", lexer_.problem());
    const Shown shown{name.substr(1)};
    fail("%s: only ASCII is allowed without quotes; write $\"%s\"", lexer_.problem(), shown.c_str());
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
    // There may be more annotations between this one and the token.
    const auto [end, next] = lexer_.annotation_at(found);
    current_.annotation = next;
    return Cursor{source().substr(0, end), *fault_, found + std::string_view{"(@"}.size() + name.size()};
}

void Cursor::unexpected(const char* wanted) noexcept {
    if (failed())
        return;
    const char* const expected = wanted != nullptr ? ", expected " : "";
    wanted = wanted != nullptr ? wanted : "";
    if (!at_end())
        return fail("unexpected token \"%s\"%s%s%s", Shown{text()}.c_str(), expected, wanted,
                    NameHint{text()}.c_str());
    const Ending ending = ending_of(source());
    if (!ending.open)
        return fail_at(ending.end, "unexpected end of text%s%s", expected, wanted);
    const Fault::Position open = fault_->position_of(*ending.open);
    fail_at(ending.end, "unexpected end of text%s%s; the \"(\" at %u:%zu is not closed", expected, wanted,
            open.line, open.column);
}

} // namespace warpbeam::text
