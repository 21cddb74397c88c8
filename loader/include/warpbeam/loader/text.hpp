#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstdarg>
#include <string_view>

namespace warpbeam {

/// A message that grows as it is written. If memory runs out, the rest is left out. Everything added is made
/// safe to print, since it may contain names from modules. Thread-safety: none; one thread at a time.
class WARPBEAM_API Text {
public:
    /// An empty message in memory of `allocator`, which must outlive it.
    explicit Text(Allocator& allocator) noexcept : characters_{allocator} {}
    /// Where its memory comes from.
    [[nodiscard]] Allocator& allocator() const noexcept { return characters_.allocator(); }

    /// Adds words.
    Text& add(std::string_view words) noexcept;
    /// Adds another message unchanged.
    Text& add(const Text& message) noexcept {
        (void)characters_.append(message.characters_);
        return *this;
    }
    /// Adds words, whose line breaks stay.
    Text& add_lines(std::string_view words) noexcept;
    /// What follows starts a new line.
    Text& add_line() noexcept {
        (void)characters_.push('\n');
        return *this;
    }
    /// @{ Like printf.
    [[gnu::format(printf, 2, 3)]] Text& print(const char* format, ...) noexcept;
    Text& vprint(const char* format, va_list arguments) noexcept;
    /// @}

    /// The message so far.
    [[nodiscard]] std::string_view view() const noexcept { return {characters_.data(), characters_.size()}; }

private:
    Vec<char> characters_;
};

} // namespace warpbeam
