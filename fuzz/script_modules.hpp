#pragma once

#include <warpbeam/text/lexer.hpp>
#include <warpbeam/text/parse.hpp>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace warpbeam::fuzz {

using Bytes = std::vector<uint8_t>;

inline std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The modules of a script in the binary format, including those in assertions, if their text can be
/// translated.
inline std::vector<Bytes> modules_of_script(std::string_view text) {
    std::vector<Bytes> modules;
    text::Lexer lexer{text};
    size_t depth = 0, module_depth = 0, open = 0, module_begin = 0;
    bool after_open = false;
    for (;;) {
        const text::Token token = lexer.next();
        if (token.kind == text::TokenKind::end || token.kind == text::TokenKind::error)
            return modules;
        if (after_open && module_depth == 0 && depth <= 2 && lexer.text(token) == "module") {
            module_begin = open;
            module_depth = depth;
        }
        after_open = token.kind == text::TokenKind::lpar;
        if (after_open) {
            ++depth;
            open = token.begin;
        } else if (token.kind == text::TokenKind::rpar && depth-- == module_depth && module_depth != 0) {
            module_depth = 0;
            if (const auto bytes = parse_wat(text.substr(module_begin, token.end - module_begin)))
                modules.emplace_back(bytes->begin(), bytes->end());
        }
    }
}

} // namespace warpbeam::fuzz
