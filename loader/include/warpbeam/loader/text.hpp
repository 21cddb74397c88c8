#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstdarg>
#include <string_view>

namespace warpbeam {

/// A message that grows as it is written. When there is no memory the rest is left out. Whatever is added is
/// made safe to print, since names of modules are among it.
class WARPBEAM_API Text {
public:
    explicit Text(Allocator& allocator) noexcept : characters_{allocator} {}
    [[nodiscard]] Allocator& allocator() const noexcept { return characters_.allocator(); }

    Text& add(std::string_view words) noexcept;
    /// Another message as it is.
    Text& add(const Text& message) noexcept {
        (void)characters_.append(message.characters_);
        return *this;
    }
    /// What follows goes on a new line.
    Text& add_line() noexcept {
        (void)characters_.push('\n');
        return *this;
    }
    /// As printf would write it.
    [[gnu::format(printf, 2, 3)]] Text& print(const char* format, ...) noexcept;
    Text& vprint(const char* format, va_list arguments) noexcept;

    [[nodiscard]] std::string_view view() const noexcept { return {characters_.data(), characters_.size()}; }

private:
    Vec<char> characters_;
};

} // namespace warpbeam
