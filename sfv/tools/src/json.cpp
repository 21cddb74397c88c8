#include <warpbeam/sfv/tools/json.hpp>

#include <cstdint>
#include <cstdio>
#include <optional>

namespace warpbeam::sfv::json {

Value Value::of_boolean(bool boolean) {
    Value value;
    value.kind = Kind::boolean;
    value.boolean = boolean;
    return value;
}

Value Value::of_number(std::string text) {
    Value value;
    value.kind = Kind::number;
    value.text = std::move(text);
    return value;
}

Value Value::of_string(std::string text) {
    Value value;
    value.kind = Kind::string;
    value.text = std::move(text);
    return value;
}

Value Value::of_array(std::vector<Value> array) {
    Value value;
    value.kind = Kind::array;
    value.array = std::move(array);
    return value;
}

const Value* Value::find(std::string_view name) const {
    for (const auto& [key, value] : object)
        if (key == name)
            return &value;
    return nullptr;
}

namespace {

constexpr int max_depth = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Reader {
public:
    explicit Reader(std::string_view text) : text_{text} {}

    Value document() {
        Value value = read_value(0);
        skip_space();
        if (at_ != text_.size())
            fail("only one value");
        return value;
    }

private:
    [[noreturn]] void fail(const char* expected) const {
        throw SyntaxError("expected " + std::string(expected) + " at offset " + std::to_string(at_));
    }
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) {
        if (at_ == text_.size() || text_[at_] != c)
            return false;
        ++at_;
        return true;
    }
    void skip_space() {
        while (at_ < text_.size() && std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos)
            ++at_;
    }
    bool take_word(std::string_view word) {
        if (!text_.substr(at_).starts_with(word))
            return false;
        at_ += word.size();
        return true;
    }

    Value read_value(int depth) {
        if (depth == max_depth)
            fail("less nesting");
        skip_space();
        if (take('{'))
            return read_object(depth);
        if (take('['))
            return read_array(depth);
        if (take('"'))
            return Value::of_string(read_string());
        if (peek() == '-' || is_digit(peek()))
            return Value::of_number(read_number());
        if (take_word("true"))
            return Value::of_boolean(true);
        if (take_word("false"))
            return Value::of_boolean(false);
        if (take_word("null"))
            return {};
        fail("a value");
    }

    Value read_array(int depth) {
        std::vector<Value> elements;
        skip_space();
        if (take(']'))
            return Value::of_array({});
        for (;;) {
            elements.push_back(read_value(depth + 1));
            skip_space();
            if (take(']'))
                return Value::of_array(std::move(elements));
            if (!take(','))
                fail("',' or ']'");
        }
    }

    Value read_object(int depth) {
        Value value;
        value.kind = Value::Kind::object;
        skip_space();
        if (take('}'))
            return value;
        for (;;) {
            skip_space();
            if (!take('"'))
                fail("a name");
            std::string name = read_string();
            skip_space();
            if (!take(':'))
                fail("':'");
            value.object.emplace_back(std::move(name), read_value(depth + 1));
            skip_space();
            if (take('}'))
                return value;
            if (!take(','))
                fail("',' or '}'");
        }
    }

    void skip_digits() {
        if (!is_digit(peek()))
            fail("a digit");
        while (is_digit(peek()))
            ++at_;
    }

    std::string read_number() {
        const size_t start = at_;
        (void)take('-');
        if (!take('0'))
            skip_digits();
        if (take('.'))
            skip_digits();
        if (take('e') || take('E')) {
            if (!take('+'))
                (void)take('-');
            skip_digits();
        }
        return std::string(text_.substr(start, at_ - start));
    }

    uint32_t read_hex() {
        uint32_t unit = 0;
        for (int i = 0; i < 4; ++i) {
            const size_t value = std::string_view{"0123456789abcdef0123456789ABCDEF"}.find(peek());
            if (at_ == text_.size() || value == std::string_view::npos)
                fail("four hexadecimal digits");
            unit = unit * 16 + static_cast<uint32_t>(value % 16);
            ++at_;
        }
        return unit;
    }

    uint32_t read_escaped_code_point() {
        const uint32_t unit = read_hex();
        if (unit < 0xd800 || unit > 0xdfff)
            return unit;
        if (unit > 0xdbff || !take_word("\\u"))
            fail("a pair of surrogates");
        const uint32_t low = read_hex();
        if (low < 0xdc00 || low > 0xdfff)
            fail("a low surrogate");
        return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }

    static void append_utf8(std::string& text, uint32_t code) {
        const auto add = [&text](uint32_t byte) { text += static_cast<char>(byte); };
        if (code < 0x80) {
            add(code);
        } else if (code < 0x800) {
            add(0xc0 | code >> 6);
            add(0x80 | (code & 63));
        } else if (code < 0x10000) {
            add(0xe0 | code >> 12);
            add(0x80 | (code >> 6 & 63));
            add(0x80 | (code & 63));
        } else {
            add(0xf0 | code >> 18);
            add(0x80 | (code >> 12 & 63));
            add(0x80 | (code >> 6 & 63));
            add(0x80 | (code & 63));
        }
    }

    /// The code point that begins at a non-ASCII byte; copies it.
    void copy_utf8(std::string& text) {
        const size_t start = at_;
        const auto lead = static_cast<uint8_t>(text_[at_++]);
        const int more = lead >= 0xc2 && lead < 0xe0   ? 1
                         : lead >= 0xe0 && lead < 0xf0 ? 2
                         : lead >= 0xf0 && lead < 0xf5 ? 3
                                                       : 0;
        if (more == 0)
            fail("UTF-8");
        uint32_t code = lead & (0x3fU >> more);
        for (int i = 0; i < more; ++i) {
            const auto byte = static_cast<uint8_t>(peek());
            if ((byte & 0xc0) != 0x80)
                fail("UTF-8");
            code = code << 6 | (byte & 63);
            ++at_;
        }
        constexpr uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            fail("UTF-8");
        text += text_.substr(start, at_ - start);
    }

    std::string read_string() {
        std::string text;
        for (;;) {
            if (at_ == text_.size())
                fail("'\"'");
            const char c = text_[at_];
            if (static_cast<uint8_t>(c) < 0x20)
                fail("no control character in a string");
            if (static_cast<uint8_t>(c) >= 0x80) {
                copy_utf8(text);
                continue;
            }
            ++at_;
            if (c == '"')
                return text;
            if (c != '\\') {
                text += c;
                continue;
            }
            constexpr std::string_view names = "\"\\/bfnrt";
            constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
            if (take('u'))
                append_utf8(text, read_escaped_code_point());
            else if (const size_t i = names.find(peek());
                     at_ != text_.size() && i != std::string_view::npos) {
                text += meanings[i];
                ++at_;
            } else {
                fail("an escape");
            }
        }
    }

    std::string_view text_;
    size_t at_ = 0;
};

void print_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
            out += escaped;
        } else {
            out += c;
        }
    }
    out += '"';
}

void print_value(std::string& out, const Value& value) {
    const char* separator = "";
    switch (value.kind) {
    case Value::Kind::null:
        out += "null";
        break;
    case Value::Kind::boolean:
        out += value.boolean ? "true" : "false";
        break;
    case Value::Kind::number:
        out += value.text;
        break;
    case Value::Kind::string:
        print_string(out, value.text);
        break;
    case Value::Kind::array:
        out += '[';
        for (const Value& element : value.array) {
            out += std::exchange(separator, ", ");
            print_value(out, element);
        }
        out += ']';
        break;
    case Value::Kind::object:
        out += '{';
        for (const auto& [name, member] : value.object) {
            out += std::exchange(separator, ", ");
            print_string(out, name);
            out += ": ";
            print_value(out, member);
        }
        out += '}';
        break;
    }
}

} // namespace

Value parse(std::string_view text) { return Reader{text}.document(); }

std::string print(const Value& value) {
    std::string out;
    print_value(out, value);
    return out;
}

} // namespace warpbeam::sfv::json
