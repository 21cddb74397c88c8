#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/text/fault.hpp>
#include <warpbeam/text/lexer.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace warpbeam::text {

/// A piece of text, cut to fit into a message.
class Shown {
public:
    /// The beginning of `text`, up to 60 bytes.
    explicit Shown(std::string_view text) noexcept { text_[text.copy(text_, sizeof text_ - 1)] = 0; }
    /// The text, with a zero byte at its end.
    [[nodiscard]] const char* c_str() const noexcept { return text_; }

private:
    char text_[61];
};

/// Walks over the tokens of a text; it sees the current token and the next one. After any fault, even one
/// reported elsewhere, only the end of the text is left, so every loop over tokens ends.
class WARPBEAM_API Cursor {
public:
    /// Begins at a position in `text`. `text` and `fault` must outlive the cursor.
    Cursor(std::string_view text, Fault& fault, size_t position = 0) noexcept;

    /// The current token.
    [[nodiscard]] const Token& token() const noexcept { return current_; }
    /// @{ The text of a token, by default of the current one.
    [[nodiscard]] std::string_view text() const noexcept { return lexer_.text(current_); }
    [[nodiscard]] std::string_view text(const Token& token) const noexcept { return lexer_.text(token); }
    /// @}
    /// The whole text.
    [[nodiscard]] std::string_view source() const noexcept { return lexer_.text(); }

    /// Whether the current token is of this kind.
    [[nodiscard]] bool at(TokenKind kind) const noexcept { return current_.kind == kind; }
    /// Whether the text is at its end.
    [[nodiscard]] bool at_end() const noexcept { return at(TokenKind::end); }
    /// Whether an index comes next, as a number or as an identifier.
    [[nodiscard]] bool at_index() const noexcept { return at(TokenKind::natural) || at(TokenKind::id); }
    /// Whether this keyword comes next.
    [[nodiscard]] bool at_keyword(std::string_view keyword) const noexcept {
        return at(TokenKind::keyword) && text() == keyword;
    }
    /// Whether an opening parenthesis and this keyword come next.
    [[nodiscard]] bool at_open(std::string_view keyword) const noexcept {
        return at(TokenKind::lpar) && ahead_.kind == TokenKind::keyword && lexer_.text(ahead_) == keyword;
    }
    /// The end of the previous token, before any annotations that precede the current one.
    [[nodiscard]] size_t previous_end() const noexcept { return previous_end_; }
    /// The token after the current one.
    [[nodiscard]] const Token& ahead() const noexcept { return ahead_; }

    /// Moves to the next token and returns the one that it leaves. If an annotation before the latter was
    /// not taken, it is reported as misplaced.
    Token advance() noexcept;
    /// @{ If this comes next, moves past it; returns whether it did.
    bool accept(TokenKind kind) noexcept;
    bool accept_keyword(std::string_view keyword) noexcept;
    bool accept_open(std::string_view keyword) noexcept;
    /// @}
    /// Moves past the current token and returns it, if it is of this kind; otherwise reports that
    /// `what` was expected, and returns an empty token.
    Token expect(TokenKind kind, const char* what) noexcept;
    /// Moves past a closing parenthesis, or reports a fault.
    void expect_close() noexcept { expect(TokenKind::rpar, "\")\""); }
    /// Skips the rest of the parentheses that were passed last, including the closing one.
    void skip_to_close() noexcept;

    /// Takes the annotation `name` before the current token, so that it does not count as misplaced. Returns
    /// a cursor over its contents and the closing parenthesis.
    std::optional<Cursor> take_annotation(std::string_view name) noexcept;
    /// Reports a fault if there is an annotation that was not taken.
    void reject_annotation() noexcept;

    /// Moves to another position in the same text.
    void move_to(size_t position) noexcept;

    /// @{ A fault with a message as for printf, at a place in the text or at the current token. Its
    /// code is `malformed` unless another is given.
    template <typename... Args>
    void fail_at(size_t offset, const char* format, Args... arguments) noexcept {
        fail_with(ErrorCode::malformed, offset, format, arguments...);
    }
    template <typename... Args>
    void fail(const char* format, Args... arguments) noexcept {
        fail_at(current_.begin, format, arguments...);
    }
    template <typename... Args>
    void fail_with(ErrorCode code, size_t offset, const char* format, Args... arguments) noexcept {
        if constexpr (sizeof...(arguments) == 0)
            fault_->report(offset, code, "%s", format);
        else
            fault_->report(offset, code, format, arguments...);
        stop();
    }
    /// @}
    /// Reports the current token as unexpected.
    void unexpected(const char* wanted = nullptr) noexcept;

    /// Whether there was a fault.
    [[nodiscard]] bool failed() const noexcept { return static_cast<bool>(*fault_); }
    /// Where faults are reported; check whether there was one.
    [[nodiscard]] Fault& fault() const noexcept { return *fault_; }
    /// Reports that there is no more memory.
    void fail_memory() noexcept {
        fault_->out_of_memory();
        stop();
    }

    /// Whether annotations are allowed everywhere, as in a first pass over the text, which ignores them.
    bool lenient = false;

private:
    void stop() noexcept;
    void fail_token() noexcept;

    Lexer lexer_;
    Fault* fault_;
    Token current_;
    Token ahead_;
    size_t previous_end_ = 0;
};

} // namespace warpbeam::text
