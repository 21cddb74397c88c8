#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace warpbeam::fuzz {

/// Changes WebAssembly text in its own terms: tokens, and lists in parentheses.
class TextMutator {
public:
    /// The same seed makes the same changes.
    explicit TextMutator(uint64_t seed) : random_{seed} {}

    /// `text` with a list or a token left out, repeated, or in the place of another, or with another number.
    /// Empty if it has no tokens.
    [[nodiscard]] std::string mutate(std::string_view text);
    /// `text` with a list of `other` before a list of its own or in its place. Empty if one of them has none.
    [[nodiscard]] std::string cross(std::string_view text, std::string_view other);

private:
    size_t below(size_t limit) { return random_() % limit; }

    std::mt19937_64 random_;
};

} // namespace warpbeam::fuzz
