#include "demangle/rust_reader.hpp"

#include <warpbeam/loader/utf8.hpp>

#include <algorithm>

namespace warpbeam::demangling {
namespace {

constexpr std::string_view basic_type(char code) noexcept {
    switch (code) {
    case 'a':
        return "i8";
    case 'b':
        return "bool";
    case 'c':
        return "char";
    case 'd':
        return "f64";
    case 'e':
        return "str";
    case 'f':
        return "f32";
    case 'h':
        return "u8";
    case 'i':
        return "isize";
    case 'j':
        return "usize";
    case 'l':
        return "i32";
    case 'm':
        return "u32";
    case 'n':
        return "i128";
    case 'o':
        return "u128";
    case 'p':
        return "_";
    case 's':
        return "i16";
    case 't':
        return "u16";
    case 'u':
        return "()";
    case 'v':
        return "...";
    case 'x':
        return "i64";
    case 'y':
        return "u64";
    case 'z':
        return "!";
    default:
        return {};
    }
}

} // namespace

void RustReader::type() noexcept {
    const Level level{*this};
    if (!good())
        return;
    if (const std::string_view basic = basic_type(peek()); !basic.empty()) {
        next();
        return print(basic);
    }
    switch (peek()) {
    case 'A':
    case 'S': {
        const bool is_array = next() == 'A';
        print("[");
        type();
        if (is_array) {
            print("; ");
            constant();
        }
        return print("]");
    }
    case 'T':
        next();
        print("(");
        if (list([this] { type(); }) == 1)
            print(",");
        return print(")");
    case 'R':
    case 'Q': {
        const bool is_mutable = next() == 'Q';
        print("&");
        if (accept('L'))
            if (const uint64_t index = base62(); index != 0) {
                lifetime(index);
                print(" ");
            }
        print(is_mutable ? "mut " : "");
        return type();
    }
    case 'P':
        next();
        print("*const ");
        return type();
    case 'O':
        next();
        print("*mut ");
        return type();
    case 'F':
        next();
        return function();
    case 'D':
        next();
        dyn_bounds();
        if (!accept('L'))
            return fail();
        if (const uint64_t index = base62(); index != 0) {
            print(" + ");
            lifetime(index);
        }
        return;
    case 'B':
        next();
        return back_reference([this] { type(); });
    default:
        path(Place::type);
    }
}

void RustReader::function() noexcept {
    const uint64_t around = bound_lifetimes_;
    binder();
    if (accept('U'))
        print("unsafe ");
    if (accept('K')) {
        print("extern \"");
        if (accept('C')) {
            print("C");
        } else {
            // Hyphens are written as underscores.
            std::string_view abi = plain_identifier().text;
            while (!abi.empty()) {
                const size_t length = std::min(abi.find('_'), abi.size());
                print(abi.substr(0, length));
                abi.remove_prefix(length);
                if (!abi.empty()) {
                    print("-");
                    abi.remove_prefix(1);
                }
            }
        }
        print("\" ");
    }
    print("fn(");
    list([this] { type(); });
    print(")");
    if (!accept('u')) {
        print(" -> ");
        type();
    }
    bound_lifetimes_ = around;
}

void RustReader::dyn_bounds() noexcept {
    const uint64_t around = bound_lifetimes_;
    print("dyn ");
    binder();
    for (bool is_first = true; good() && !accept('E'); is_first = false) {
        if (!is_first)
            print(" + ");
        dyn_trait();
    }
    bound_lifetimes_ = around;
}

void RustReader::dyn_trait() noexcept {
    bool is_open = path(Place::type, true);
    while (accept('p')) {
        print(is_open ? ", " : "<");
        is_open = true;
        print_name(plain_identifier());
        print(" = ");
        type();
    }
    if (is_open)
        print(">");
}

std::string_view RustReader::hex_digits() noexcept {
    const size_t start = std::min(at_, name_.size());
    while (good() && !accept('_')) {
        const char c = next();
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            fail();
    }
    return good() ? name_.substr(start, at_ - start - 1) : std::string_view{};
}

void RustReader::integer(bool is_signed) noexcept {
    if (accept('n')) {
        if (!is_signed)
            return fail();
        print("-");
    }
    std::string_view digits = hex_digits();
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    if (digits.size() > 16) {
        print("0x");
        return print(digits);
    }
    uint64_t value = 0;
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    print_number(value);
}

void RustReader::character() noexcept {
    const std::string_view digits = hex_digits();
    uint32_t code = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (end.ec != std::errc{} || code > 0x10ffff)
        return fail();
    print("'");
    if (code < 0x7f) {
        escaped(static_cast<char>(code), '\'');
    } else {
        print("\\u{");
        print(digits.substr(digits.find_first_not_of('0')));
        print("}");
    }
    print("'");
}

/// A character as a literal has it; bytes beyond ASCII remain.
void RustReader::escaped(char c, char quote) noexcept {
    constexpr std::string_view special{"\0\t\n\r", 4};
    if (const size_t found = special.find(c); found != special.npos)
        return print(std::string_view{"\\0\\t\\n\\r"}.substr(2 * found, 2));
    if (const auto code = static_cast<uint8_t>(c); code < 0x20 || code == 0x7f) {
        char digits[8];
        const auto end = std::to_chars(digits, std::end(digits), unsigned{code}, 16).ptr;
        print("\\u{");
        print({digits, end});
        return print("}");
    }
    if (c == quote || c == '\\')
        print("\\");
    print({&c, 1});
}

/// The bytes of a string, which are UTF-8.
void RustReader::text() noexcept {
    const std::string_view digits = hex_digits();
    if (digits.size() % 2 != 0)
        return fail();
    const auto byte_at = [&](size_t i) {
        uint8_t byte = 0;
        (void)std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
        return static_cast<char>(byte);
    };
    print("\"");
    for (size_t i = 0; i < digits.size() && good();) {
        char bytes[4];
        size_t count = 0;
        while (count < sizeof bytes && i + 2 * count < digits.size()) {
            bytes[count] = byte_at(i + 2 * count);
            ++count;
        }
        const std::string_view character{bytes, utf8_length({bytes, count})};
        if (character.empty())
            return fail();
        // U+0080 to U+009F control terminals, too.
        if (character.size() == 2 && character[0] == '\xc2' && static_cast<uint8_t>(character[1]) < 0xa0) {
            print("\\u{");
            print(digits.substr(i + 2, 2));
            print("}");
        } else if (character.size() == 1) {
            escaped(character[0], '"');
        } else {
            print(character);
        }
        i += 2 * character.size();
    }
    print("\"");
}

/// What the constant of a structure or an enumeration has.
void RustReader::fields() noexcept {
    switch (next()) {
    case 'U':
        break;
    case 'T':
        print("(");
        list([this] { constant(); });
        print(")");
        break;
    case 'S':
        print(" { ");
        list([this] {
            print_name(identifier());
            print(": ");
            constant();
        });
        print(" }");
        break;
    default:
        fail();
    }
}

/// As a generic argument, what is more than a literal is in braces.
void RustReader::constant(bool is_argument) noexcept {
    const Level level{*this};
    if (!good())
        return;
    const auto in_braces = [&](auto contents) {
        print(is_argument ? "{" : "");
        contents();
        print(is_argument ? "}" : "");
    };
    switch (next()) {
    case 'a':
    case 's':
    case 'l':
    case 'x':
    case 'n':
    case 'i':
        return integer(true);
    case 'h':
    case 't':
    case 'm':
    case 'y':
    case 'o':
    case 'j':
        return integer(false);
    case 'b': {
        const std::string_view value = hex_digits();
        if (value != "0" && value != "1")
            return fail();
        return print(value == "1" ? "true" : "false");
    }
    case 'c':
        return character();
    case 'p':
        return print("_");
    case 'e':
        return in_braces([&] {
            print("*");
            text();
        });
    case 'R':
        if (accept('e'))
            return text();
        return in_braces([&] {
            print("&");
            constant();
        });
    case 'Q':
        return in_braces([&] {
            print("&mut ");
            constant();
        });
    case 'A':
        return in_braces([&] {
            print("[");
            list([this] { constant(); });
            print("]");
        });
    case 'T':
        return in_braces([&] {
            print("(");
            const size_t count = list([this] { constant(); });
            print(count == 1 ? ",)" : ")");
        });
    case 'V':
        return in_braces([&] {
            path(Place::value);
            fields();
        });
    case 'B':
        return back_reference([&] { constant(is_argument); });
    default:
        fail();
    }
}

} // namespace warpbeam::demangling
