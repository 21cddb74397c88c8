#include "demangle/output.hpp"

#include <warpbeam/loader/utf8.hpp>

#include <algorithm>
#include <utility>

/// https://rust-lang.github.io/rfcs/2603-rust-symbol-name-mangling-v0.html#syntax-of-mangled-names

namespace warpbeam::demangling {
namespace {

/// Reads a name and writes what it means, in one pass. After a fault nothing more is written.
class Reader {
public:
    Reader(std::string_view name, Output& out) noexcept : name_{name}, out_{out} {}

    bool read() noexcept;

private:
    /// In types, generic arguments follow directly; elsewhere after `::`.
    enum class Place : uint8_t { value, type };
    struct Identifier {
        std::string_view text;
        uint64_t number = 0; ///< tells identifiers of the same text apart
        bool is_punycode = false;
    };

    [[nodiscard]] bool good() const noexcept { return good_ && out_.good(); }
    void fail() noexcept { good_ = false; }
    [[nodiscard]] char peek() const noexcept { return good_ && at_ < name_.size() ? name_[at_] : '\0'; }
    char next() noexcept {
        const char c = peek();
        if (c == '\0')
            fail();
        ++at_;
        return c;
    }
    bool accept(char c) noexcept {
        const bool found = peek() == c;
        at_ += found ? 1 : 0;
        return found;
    }
    void print(std::string_view words) noexcept {
        if (!muted_ && good_)
            out_.add(words);
    }
    void print_number(uint64_t number) noexcept {
        if (!muted_ && good_)
            out_.add_number(number);
    }

    uint64_t decimal() noexcept;
    uint64_t base62() noexcept;
    uint64_t optional_base62(char tag) noexcept { return accept(tag) ? add_one(base62()) : 0; }
    uint64_t add_one(uint64_t number) noexcept {
        if (number == UINT64_MAX)
            fail();
        return number + 1;
    }
    Identifier identifier() noexcept;
    Identifier plain_identifier() noexcept;
    void print_name(const Identifier& name) noexcept;

    /// Whether the generic arguments at the end were left open.
    bool path(Place place, bool leave_open = false) noexcept;
    void nested_path(Place place) noexcept;
    void impl_path() noexcept;
    void generic_arg() noexcept;
    void lifetime(uint64_t index) noexcept;
    void binder() noexcept;
    void type() noexcept;
    void function() noexcept;
    void dyn_bounds() noexcept;
    void dyn_trait() noexcept;
    void constant() noexcept;
    void integer(bool is_signed) noexcept;
    void character() noexcept;
    void text() noexcept;
    void fields() noexcept;
    std::string_view hex_digits() noexcept;
    template <typename Each>
    size_t list(Each each) noexcept {
        size_t count = 0;
        for (; good() && !accept('E'); ++count) {
            if (count > 0)
                print(", ");
            each();
        }
        return count;
    }
    template <typename Then>
    void back_reference(Then then) noexcept {
        const size_t tag = at_ - 1;
        const uint64_t target = base62();
        if (!good() || target >= tag) {
            fail();
            return;
        }
        if (muted_)
            return;
        const size_t after = std::exchange(at_, static_cast<size_t>(target));
        then();
        at_ = after;
    }
    /// Nesting, which must not exhaust the stack; and steps, which references may repeat.
    class Level {
    public:
        explicit Level(Reader& reader) noexcept : reader_{reader} {
            if (++reader.depth_ > 160 || ++reader.steps_ > 20'000)
                reader.fail();
        }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;
        ~Level() { --reader_.depth_; }

    private:
        Reader& reader_;
    };

    std::string_view name_;
    Output& out_;
    size_t at_ = 0;
    uint64_t bound_lifetimes_ = 0;
    unsigned depth_ = 0;
    unsigned steps_ = 0;
    bool good_ = true;
    bool muted_ = false;
};

uint64_t Reader::decimal() noexcept {
    if (accept('0'))
        return 0;
    uint64_t value = 0;
    const auto end = std::from_chars(name_.data() + std::min(at_, name_.size()), name_.data() + name_.size(),
                                     value);
    if (end.ec != std::errc{})
        fail();
    at_ = static_cast<size_t>(end.ptr - name_.data());
    return value;
}

uint64_t Reader::base62() noexcept {
    if (accept('_'))
        return 0;
    uint64_t value = 0;
    while (good() && !accept('_')) {
        const char c = next();
        uint64_t digit = 0;
        if (c >= '0' && c <= '9')
            digit = static_cast<uint64_t>(c - '0');
        else if (c >= 'a' && c <= 'z')
            digit = static_cast<uint64_t>(c - 'a' + 10);
        else if (c >= 'A' && c <= 'Z')
            digit = static_cast<uint64_t>(c - 'A' + 36);
        else
            fail();
        if (value > (UINT64_MAX - digit) / 62)
            fail();
        value = value * 62 + digit;
    }
    return add_one(value);
}

Reader::Identifier Reader::plain_identifier() noexcept {
    Identifier found;
    found.is_punycode = accept('u');
    const uint64_t length = decimal();
    accept('_'); // if a digit or an underscore follows
    if (!good() || length > name_.size() - std::min(at_, name_.size())) {
        fail();
        return found;
    }
    found.text = name_.substr(at_, static_cast<size_t>(length));
    at_ += static_cast<size_t>(length);
    return found;
}

Reader::Identifier Reader::identifier() noexcept {
    const uint64_t number = optional_base62('s');
    Identifier found = plain_identifier();
    found.number = number;
    return found;
}

void Reader::print_name(const Identifier& name) noexcept {
    if (!name.is_punycode)
        return print(name.text);
    // As it is, but marked; the last underscore stands for the hyphen.
    print("punycode{");
    const size_t split = name.text.rfind('_');
    if (split != std::string_view::npos) {
        print(name.text.substr(0, split));
        print("-");
    }
    print(name.text.substr(split == std::string_view::npos ? 0 : split + 1));
    print("}");
}

bool Reader::read() noexcept {
    if (peek() >= '0' && peek() <= '9')
        return false; // a later version of the encoding
    path(Place::value);
    // The crate for which generic code was made.
    if (good() && peek() >= 'A' && peek() <= 'Z') {
        muted_ = true;
        path(Place::value);
        muted_ = false;
    }
    if (good() && at_ < name_.size()) {
        const std::string_view suffix = name_.substr(at_);
        if (suffix[0] != '.')
            fail();
        else if (!suffix.starts_with(".llvm."))
            print(suffix);
    }
    return good_;
}

void Reader::impl_path() noexcept {
    const bool around = std::exchange(muted_, true);
    (void)optional_base62('s');
    path(Place::type);
    muted_ = around;
}

void Reader::nested_path(Place place) noexcept {
    const char space = next();
    if ((space < 'a' || space > 'z') && (space < 'A' || space > 'Z'))
        fail();
    path(place);
    const Identifier name = identifier();
    if (space >= 'a') {
        if (!name.text.empty()) {
            print("::");
            print_name(name);
        }
        return;
    }
    print("::{");
    print(space == 'C' ? "closure" : space == 'S' ? "shim" : std::string_view{&space, 1});
    if (!name.text.empty()) {
        print(":");
        print_name(name);
    }
    print("#");
    print_number(name.number);
    print("}");
}

bool Reader::path(Place place, bool leave_open) noexcept {
    const Level level{*this};
    if (!good())
        return false;
    bool is_open = false;
    switch (next()) {
    case 'C':
        print_name(identifier());
        break;
    case 'M':
        impl_path();
        print("<");
        type();
        print(">");
        break;
    case 'X':
        impl_path();
        [[fallthrough]];
    case 'Y':
        print("<");
        type();
        print(" as ");
        path(Place::type);
        print(">");
        break;
    case 'N':
        nested_path(place);
        break;
    case 'I':
        path(place);
        if (place == Place::value)
            print("::");
        print("<");
        list([this] { generic_arg(); });
        is_open = leave_open;
        if (!is_open)
            print(">");
        break;
    case 'B':
        back_reference([&] { is_open = path(place, leave_open); });
        break;
    default:
        fail();
        break;
    }
    return is_open;
}

void Reader::generic_arg() noexcept {
    if (accept('L'))
        lifetime(base62());
    else if (accept('K'))
        constant();
    else
        type();
}

void Reader::lifetime(uint64_t index) noexcept {
    print("'");
    if (index == 0)
        return print("_");
    if (index > bound_lifetimes_)
        return fail();
    const uint64_t depth = bound_lifetimes_ - index;
    if (depth < 26) {
        const char letter = static_cast<char>('a' + depth);
        print({&letter, 1});
    } else {
        print("z");
        print_number(depth - 25);
    }
}

/// Lifetimes that what follows may use.
void Reader::binder() noexcept {
    const uint64_t count = optional_base62('G');
    if (!good() || count == 0)
        return;
    if (count > 1000)
        return fail();
    print("for<");
    for (uint64_t i = 0; i < count && good(); ++i) {
        if (i > 0)
            print(", ");
        ++bound_lifetimes_;
        lifetime(1);
    }
    print("> ");
}

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

void Reader::type() noexcept {
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

void Reader::function() noexcept {
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

void Reader::dyn_bounds() noexcept {
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

void Reader::dyn_trait() noexcept {
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

std::string_view Reader::hex_digits() noexcept {
    const size_t start = std::min(at_, name_.size());
    while (good() && !accept('_')) {
        const char c = next();
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            fail();
    }
    return good() ? name_.substr(start, at_ - start - 1) : std::string_view{};
}

void Reader::integer(bool is_signed) noexcept {
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

void Reader::character() noexcept {
    const std::string_view digits = hex_digits();
    uint32_t code = 0;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (end.ec != std::errc{} || code > 0x10ffff)
        return fail();
    if (code >= 0x20 && code < 0x7f) {
        const char c = static_cast<char>(code);
        print(c == '\'' || c == '\\' ? "'\\" : "'");
        print({&c, 1});
        return print("'");
    }
    print("'\\u{");
    print(digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1)));
    print("}'");
}

/// The bytes of a string.
void Reader::text() noexcept {
    const std::string_view digits = hex_digits();
    if (digits.size() % 2 != 0)
        return fail();
    print("\"");
    for (size_t i = 0; i < digits.size() && good(); i += 2) {
        uint8_t byte = 0;
        (void)std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
        const char c = static_cast<char>(byte);
        if (c == '"' || c == '\\')
            print("\\");
        print({&c, 1});
    }
    print("\"");
}

/// What the constant of a structure or an enumeration has.
void Reader::fields() noexcept {
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

void Reader::constant() noexcept {
    const Level level{*this};
    if (!good())
        return;
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
        print("*");
        return text();
    case 'R':
        if (accept('e'))
            return text();
        print("&");
        return constant();
    case 'Q':
        print("&mut ");
        return constant();
    case 'A':
        print("[");
        list([this] { constant(); });
        return print("]");
    case 'T':
        print("(");
        if (list([this] { constant(); }) == 1)
            print(",");
        return print(")");
    case 'V':
        path(Place::value);
        return fields();
    case 'B':
        return back_reference([this] { constant(); });
    default:
        fail();
    }
}

} // namespace

bool rust_v0(std::string_view name, Output& out) noexcept {
    if (name.starts_with("__R"))
        name.remove_prefix(3);
    else if (name.starts_with("_R"))
        name.remove_prefix(2);
    else
        return false;
    return Reader{name, out}.read();
}

} // namespace warpbeam::demangling
