#include "demangle/output.hpp"

namespace warpbeam::demangling {
namespace {

bool is_hex(std::string_view text) noexcept {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool add_character(std::string_view hex, Output& out) noexcept {
    uint32_t code = 0;
    const auto end = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
    return end.ec == std::errc{} && end.ptr == hex.data() + hex.size() && code >= 0x20 &&
           out.add_code_point(code);
}

/// What stands between two dollar signs.
bool add_escape(std::string_view code, Output& out) noexcept {
    struct Row {
        std::string_view code;
        char character;
    };
    static constexpr Row rows[] = {{"SP", '@'}, {"BP", '*'}, {"RF", '&'}, {"LT", '<'},
                                   {"GT", '>'}, {"LP", '('}, {"RP", ')'}, {"C", ','}};
    for (const Row& row : rows)
        if (code == row.code) {
            out.add(row.character);
            return true;
        }
    return code.size() > 1 && code.size() <= 7 && code[0] == 'u' && is_hex(code.substr(1)) &&
           add_character(code.substr(1), out);
}

void add_part(std::string_view part, Output& out) noexcept {
    if (part.starts_with("_$"))
        part.remove_prefix(1);
    while (!part.empty()) {
        if (part.starts_with("..")) {
            out.add("::");
            part.remove_prefix(2);
        } else if (part[0] == '$') {
            const size_t end = part.find('$', 1);
            if (end == std::string_view::npos || !add_escape(part.substr(1, end - 1), out)) {
                out.add(part);
                return;
            }
            part.remove_prefix(end + 1);
        } else {
            const size_t length = part[0] == '.' ? 1 : std::min(part.find_first_of("$."), part.size());
            out.add(part.substr(0, length));
            part.remove_prefix(length);
        }
    }
}

/// Takes an identifier with its length; empty if there is none.
std::string_view take_part(std::string_view& rest) noexcept {
    size_t length = 0;
    const auto end = std::from_chars(rest.data(), rest.data() + rest.size(), length);
    const auto digits = static_cast<size_t>(end.ptr - rest.data());
    if (end.ec != std::errc{} || length > rest.size() - digits)
        return {};
    const std::string_view part = rest.substr(digits, length);
    rest.remove_prefix(digits + length);
    return part;
}

} // namespace

bool rust_legacy(std::string_view name, Output& out) noexcept {
    std::string_view rest = name;
    if (!rest.starts_with("_ZN") && !rest.starts_with("__ZN"))
        return false;
    rest.remove_prefix(rest.find('N') + 1);
    // First only looks: other names in this form come from C++. The last part is a hash.
    std::string_view last;
    size_t parts = 0;
    for (std::string_view look = rest;; ++parts) {
        const std::string_view part = take_part(look);
        if (part.empty()) {
            if (!look.starts_with('E') || (look.size() > 1 && look[1] != '.'))
                return false;
            break;
        }
        last = part;
    }
    if (parts < 2 || last.size() != 17 || last[0] != 'h' || !is_hex(last.substr(1)))
        return false;
    for (size_t i = 0; i + 1 < parts; ++i) {
        if (i > 0)
            out.add("::");
        add_part(take_part(rest), out);
    }
    (void)take_part(rest);
    rest.remove_prefix(1);
    // LLVM tells copies apart by such suffixes.
    if (!rest.starts_with(".llvm."))
        out.add(rest);
    return true;
}

} // namespace warpbeam::demangling
