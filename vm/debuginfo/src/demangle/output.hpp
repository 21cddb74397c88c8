#pragma once

#include <warpbeam/debuginfo/demangle.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace warpbeam::demangling {

/// A name that grows to `max_demangled` bytes. What is added later is dropped.
class Output {
public:
    explicit Output(Allocator& allocator) noexcept : characters_{allocator} {}

    Output& add(std::string_view words) noexcept {
        if (words.size() > max_demangled - characters_.size())
            too_long_ = true;
        else if (!characters_.append(words))
            out_of_memory_ = true;
        return *this;
    }
    Output& add(char c) noexcept { return add({&c, 1}); }
    Output& add_number(uint64_t number) noexcept {
        char digits[20];
        const char* const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
        return add({digits, static_cast<size_t>(end - digits)});
    }

    /// Adds a character in UTF-8; false if there is none with this code point.
    [[nodiscard]] bool add_code_point(uint32_t code) noexcept;

    /// Whether everything added is there.
    [[nodiscard]] bool good() const noexcept { return !too_long_ && !out_of_memory_; }
    [[nodiscard]] bool out_of_memory() const noexcept { return out_of_memory_; }
    /// Says that memory ran out elsewhere.
    void lose_memory() noexcept { out_of_memory_ = true; }
    [[nodiscard]] size_t size() const noexcept { return characters_.size(); }
    /// The last character; 0 if there is none.
    [[nodiscard]] char back() const noexcept { return characters_.empty() ? '\0' : characters_.back(); }
    /// Removes what was added after the first `size` bytes.
    void truncate(size_t size) noexcept { characters_.truncate(size); }
    [[nodiscard]] Vec<char> take() noexcept { return std::move(characters_); }

private:
    Vec<char> characters_;
    bool too_long_ = false;
    bool out_of_memory_ = false;
};

/// @{ Each writes the readable form of a name; false if it is not such a name, or damaged.
[[nodiscard]] bool itanium(std::string_view name, Output& out, Allocator& allocator) noexcept;
[[nodiscard]] bool rust_legacy(std::string_view name, Output& out) noexcept;
[[nodiscard]] bool rust_v0(std::string_view name, Output& out) noexcept;
/// @}

/// Writes the characters that Punycode stands for, in which Rust's names have an underscore for the hyphen;
/// false, and nothing is written, if it is damaged or too long.
/// https://www.rfc-editor.org/rfc/rfc3492
[[nodiscard]] bool punycode(std::string_view encoded, Output& out) noexcept;

} // namespace warpbeam::demangling
