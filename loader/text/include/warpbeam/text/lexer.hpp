#pragma once

#include <warpbeam/loader/utf8.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace warpbeam::text {

/// The kinds of tokens, https://webassembly.github.io/spec/core/text/lexical.html#tokens
enum class TokenKind : uint8_t {
    lpar,
    rpar,
    natural,  ///< an integer without a sign
    integer,  ///< an integer with a sign
    floating, ///< a literal that can only be floating-point
    string,
    id, ///< with its `$`, and perhaps in the form `$"..."`
    keyword,
    reserved, ///< a token that no rule of the grammar accepts
    end,      ///< the end of the text
    error,    ///< no token begins here; `Lexer::problem` says why
};

/// A piece of the text, by position.
struct Token {
    static constexpr size_t no_annotation = SIZE_MAX; ///< what `annotation` is without one

    TokenKind kind = TokenKind::end; ///< what kind of token it is
    size_t begin = 0;                ///< its first byte
    size_t end = 0;                  ///< the byte after its last one
    /// The position of the first annotation known to `Lexer` between the previous token and this one.
    size_t annotation = no_annotation;
};

/// Splits text into tokens. White space and comments are skipped, and so are annotations
/// (https://webassembly.github.io/spec/core/text/lexical.html#annotations), but their contents must be
/// well-formed. A small value: copy it to save the position.
class WARPBEAM_API Lexer {
public:
    /// `text` must outlive the lexer.
    explicit constexpr Lexer(std::string_view text, size_t position = 0) noexcept
        : text_{text}, position_{position} {}

    /// The next token; after the end of the text always `TokenKind::end`, and after an error the same error.
    [[nodiscard]] Token next() noexcept;

    /// The whole text.
    [[nodiscard]] std::string_view text() const noexcept { return text_; }
    /// The text of a token.
    [[nodiscard]] std::string_view text(const Token& token) const noexcept {
        return text_.substr(token.begin, token.end - token.begin);
    }
    /// Where the annotation that begins at `annotation` ends, and the next known annotation between it and
    /// the token after it.
    struct Annotation {
        size_t end = 0;                     ///< the byte after its last one
        size_t next = Token::no_annotation; ///< the next known annotation
    };
    /// What is known of the annotation that begins there.
    [[nodiscard]] Annotation annotation_at(size_t annotation) const noexcept;
    /// What is wrong at an error token.
    [[nodiscard]] const char* problem() const noexcept { return problem_; }
    /// An identifier at an error token that contains non-ASCII characters, which are only allowed in quotes;
    /// otherwise empty.
    [[nodiscard]] std::string_view unquoted_identifier() const noexcept;

private:
    bool skip_blank(Token& token, bool stop_at_known = false) noexcept;
    bool skip_line_comment() noexcept;
    bool skip_block_comment() noexcept;
    bool skip_annotation() noexcept;
    bool scan_annotation_name() noexcept;
    void scan(Token& token) noexcept;
    bool scan_string() noexcept;
    bool scan_escape() noexcept;
    bool skip_character(const char* problem) noexcept;
    bool fail(size_t position, const char* problem) noexcept;
    [[nodiscard]] unsigned char peek(size_t ahead = 0) const noexcept {
        return position_ + ahead < text_.size() ? static_cast<unsigned char>(text_[position_ + ahead]) : 0;
    }
    [[nodiscard]] bool looking_at(std::string_view prefix) const noexcept {
        return text_.substr(position_).starts_with(prefix);
    }

    std::string_view text_;
    size_t position_;
    const char* problem_ = nullptr;
};

/// The name of a known annotation (see `Token::annotation`), starting at its `(@`; otherwise empty.
[[nodiscard]] WARPBEAM_API std::string_view known_annotation(std::string_view at) noexcept;

/// Appends the bytes that a string token stands for, or an identifier of either form without its `$`.
/// https://webassembly.github.io/spec/core/text/values.html#strings . False if memory runs out.
[[nodiscard]] WARPBEAM_API bool append_decoded(std::string_view token, Vec<uint8_t>& out) noexcept;

/// Whether those bytes are UTF-8.
[[nodiscard]] WARPBEAM_API bool decodes_to_utf8(std::string_view token) noexcept;

} // namespace warpbeam::text
