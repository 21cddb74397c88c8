#include "demangle/output.hpp"

#include <warpbeam/loader/utf8.hpp>

#include <optional>

namespace warpbeam::demangling {
namespace {

// Names of this section of the RFC: 5, parameter values for Punycode.
constexpr uint32_t base = 36;
constexpr uint32_t tmin = 1;
constexpr uint32_t tmax = 26;
constexpr uint32_t skew = 38;
constexpr uint32_t damp = 700;
constexpr uint32_t initial_bias = 72;
constexpr uint32_t initial_n = 128;

/// Longer identifiers are shown as they are encoded.
constexpr size_t max_characters = 256;
constexpr uint32_t max_code_point = 0x10ffff;

std::optional<uint32_t> digit_of(char c) noexcept {
    if (c >= 'a' && c <= 'z')
        return static_cast<uint32_t>(c - 'a');
    if (c >= '0' && c <= '9')
        return static_cast<uint32_t>(c - '0' + 26);
    return std::nullopt;
}

uint32_t adapt(uint32_t delta, uint32_t count, bool is_first) noexcept {
    delta /= is_first ? damp : 2;
    delta += delta / count;
    uint32_t k = 0;
    for (; delta > (base - tmin) * tmax / 2; k += base)
        delta /= base - tmin;
    return k + (base - tmin + 1) * delta / (delta + skew);
}

/// The characters in order, as they are decoded.
struct Characters {
    uint32_t codes[max_characters];
    uint32_t count = 0;

    bool insert(uint32_t at, uint32_t code) noexcept {
        if (count == max_characters)
            return false;
        std::copy_backward(codes + at, codes + count, codes + count + 1);
        codes[at] = code;
        ++count;
        return true;
    }
};

bool decode(std::string_view deltas, Characters& characters) noexcept {
    uint64_t n = initial_n;
    uint64_t i = 0;
    uint32_t bias = initial_bias;
    while (!deltas.empty()) {
        const uint64_t before = i;
        uint64_t weight = 1;
        for (uint32_t k = base;; k += base) {
            const auto digit = deltas.empty() ? std::nullopt : digit_of(deltas.front());
            if (!digit)
                return false;
            deltas.remove_prefix(1);
            i += *digit * weight;
            const uint32_t threshold = k <= bias ? tmin : std::min(k - bias, tmax);
            if (*digit < threshold)
                break;
            weight *= base - threshold;
            // No index is that large, so nothing overflows.
            if (i > UINT32_MAX || weight > UINT32_MAX)
                return false;
        }
        const uint32_t count = characters.count + 1;
        if (i > UINT32_MAX)
            return false;
        bias = adapt(static_cast<uint32_t>(i - before), count, before == 0);
        n += i / count;
        i %= count;
        if (n > max_code_point || !characters.insert(static_cast<uint32_t>(i), static_cast<uint32_t>(n)))
            return false;
        ++i;
    }
    return true;
}

} // namespace

bool Output::add_code_point(uint32_t code) noexcept {
    if (code > max_code_point)
        return false;
    char bytes[4];
    size_t size = 1;
    if (code < 0x80) {
        bytes[0] = static_cast<char>(code);
    } else {
        size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        for (size_t i = size - 1; i > 0; --i, code >>= 6)
            bytes[i] = static_cast<char>(0x80 | (code & 0x3f));
        bytes[0] = static_cast<char>((0xf00 >> size) | code);
    }
    if (!is_utf8(std::string_view{bytes, size}))
        return false;
    add({bytes, size});
    return true;
}

bool punycode(std::string_view encoded, Output& out) noexcept {
    Characters characters;
    const size_t split = encoded.rfind('_');
    if (split != std::string_view::npos) {
        for (const char c : encoded.substr(0, split))
            if (static_cast<uint8_t>(c) >= 0x80 ||
                !characters.insert(characters.count, static_cast<uint8_t>(c)))
                return false;
        encoded.remove_prefix(split + 1);
    }
    if (encoded.empty() || !decode(encoded, characters))
        return false;
    const size_t before = out.size();
    for (uint32_t i = 0; i < characters.count; ++i)
        if (!out.add_code_point(characters.codes[i])) {
            out.truncate(before);
            return false;
        }
    return true;
}

} // namespace warpbeam::demangling
