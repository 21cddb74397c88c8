#include "oracle.hpp"

namespace warpbeam::sfv::oracle {

namespace {

/// "Fail parsing."
struct Failure {};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alpha(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_one_of(char c, std::string_view characters) { return characters.find(c) != std::string_view::npos; }
/// The tchar of RFC 9110.
bool is_tchar(char c) { return is_alpha(c) || is_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~"); }
bool is_printable(char c) { return c >= 0x20 && c < 0x7f; }

/// "If it already contains a key, overwrite its value", else append.
template <typename T>
void set(std::vector<std::pair<std::string, T>>& map, const std::string& key, T value) {
    for (auto& entry : map)
        if (entry.first == key) {
            entry.second = std::move(value);
            return;
        }
    map.emplace_back(key, std::move(value));
}

/// Whether bytes are UTF-8, by what each character stands for.
bool is_utf8(const std::string& bytes) {
    size_t i = 0;
    while (i < bytes.size()) {
        const unsigned lead = static_cast<unsigned char>(bytes[i++]);
        if (lead < 0x80)
            continue;
        int more = 0;
        unsigned character = 0;
        if ((lead & 0xe0) == 0xc0) {
            more = 1;
            character = lead & 0x1f;
        } else if ((lead & 0xf0) == 0xe0) {
            more = 2;
            character = lead & 0x0f;
        } else if ((lead & 0xf8) == 0xf0) {
            more = 3;
            character = lead & 0x07;
        } else {
            return false;
        }
        constexpr unsigned least[] = {0, 0x80, 0x800, 0x10000};
        const unsigned minimum = least[more];
        for (; more > 0; --more) {
            if (i == bytes.size())
                return false;
            const unsigned next = static_cast<unsigned char>(bytes[i++]);
            if ((next & 0xc0) != 0x80)
                return false;
            character = character << 6 | (next & 0x3f);
        }
        const bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
        if (character < minimum || character > 0x10ffff || is_surrogate)
            return false;
    }
    return true;
}

class Reader {
public:
    Reader(const std::vector<std::string_view>& lines, const Choices& choices) : choices_{choices} {
        for (size_t i = 0; i < lines.size(); ++i) {
            if (i != 0) {
                input_ += ", ";
                joints_.resize(input_.size(), true);
            }
            input_ += lines[i];
            joints_.resize(input_.size(), false);
        }
    }

    /// Section 4.2.
    Field read(FieldType type) {
        for (const char c : input_)
            if ((static_cast<unsigned char>(c) & 0x80) != 0)
                throw Failure{};
        discard(" ");
        Field field;
        if (type == FieldType::list)
            field = list();
        else if (type == FieldType::dictionary)
            field = dictionary();
        else
            field.emplace_back("", Member{false, item(), {}, {}});
        discard(" ");
        if (!is_empty())
            throw Failure{};
        return field;
    }

private:
    [[nodiscard]] bool is_empty() const { return at_ == input_.size(); }
    [[nodiscard]] bool is_next(char c) const { return !is_empty() && input_[at_] == c; }
    [[nodiscard]] char next() const {
        if (is_empty())
            throw Failure{};
        return input_[at_];
    }
    char consume() {
        const char c = next();
        ++at_;
        return c;
    }
    void consume(char c) {
        if (consume() != c)
            throw Failure{};
    }
    void discard(std::string_view characters) {
        while (!is_empty() && is_one_of(next(), characters))
            ++at_;
    }
    /// A character in quotes.
    char consume_quoted() {
        if (!is_empty() && choices_.needs_whole_lines && joints_[at_])
            throw Failure{};
        return consume();
    }

    /// Section 4.2.1.
    Field list() {
        Field members;
        while (!is_empty()) {
            members.emplace_back("", item_or_inner_list());
            if (!go_on())
                break;
        }
        return members;
    }

    /// Section 4.2.2.
    Field dictionary() {
        Field members;
        while (!is_empty()) {
            const std::string this_key = key();
            Member member;
            if (is_next('=')) {
                consume('=');
                member = item_or_inner_list();
            } else {
                member.item.parameters = parameters();
            }
            set(members, this_key, std::move(member));
            if (!go_on())
                break;
        }
        return members;
    }

    /// After a member: whether another one must follow.
    bool go_on() {
        discard(" \t");
        if (is_empty())
            return false;
        consume(',');
        discard(" \t");
        if (is_empty())
            throw Failure{};
        return true;
    }

    /// Section 4.2.1.1.
    Member item_or_inner_list() {
        if (is_next('('))
            return inner_list();
        return {false, item(), {}, {}};
    }

    /// Section 4.2.1.2.
    Member inner_list() {
        consume('(');
        Member list;
        list.is_inner_list = true;
        while (!is_empty()) {
            discard(" ");
            if (is_next(')')) {
                consume(')');
                list.parameters = parameters();
                return list;
            }
            list.inner.push_back(item());
            if (!is_next(' ') && !is_next(')'))
                throw Failure{};
        }
        throw Failure{};
    }

    /// Section 4.2.3.
    Item item() {
        Item item;
        item.value = bare_item();
        item.parameters = parameters();
        return item;
    }

    /// Section 4.2.3.1.
    Bare bare_item() {
        const char c = next();
        if (c == '-' || is_digit(c))
            return integer_or_decimal();
        if (c == '"')
            return string();
        if (is_alpha(c) || c == '*')
            return token();
        if (c == ':')
            return byte_sequence();
        if (c == '?')
            return boolean();
        if (choices_.no_rfc9651_types)
            throw Failure{};
        if (c == '@')
            return date();
        if (c == '%')
            return display_string();
        throw Failure{};
    }

    /// Section 4.2.3.2.
    Parameters parameters() {
        Parameters parameters;
        while (is_next(';')) {
            consume(';');
            discard(" ");
            const std::string name = key();
            Bare value;
            if (is_next('=')) {
                consume('=');
                value = bare_item();
            }
            set(parameters, name, std::move(value));
        }
        return parameters;
    }

    /// Section 4.2.3.3.
    std::string key() {
        if (choices_.wide_keys)
            return wide_key();
        if (!is_lower(next()) && next() != '*')
            throw Failure{};
        std::string key;
        while (!is_empty() && (is_lower(next()) || is_digit(next()) || is_one_of(next(), "_-.*")))
            key += consume();
        return key;
    }

    /// Not in the RFC.
    std::string wide_key() {
        std::string key;
        while (!is_empty() && (is_alpha(next()) || is_digit(next()) || is_one_of(next(), "_-.*%")))
            key += consume();
        if (key.empty())
            throw Failure{};
        return key;
    }

    /// Section 4.2.4.
    Bare integer_or_decimal() {
        bool is_decimal = false;
        int64_t sign = 1;
        std::string number;
        if (is_next('-')) {
            consume('-');
            sign = -1;
        }
        if (!is_digit(next()))
            throw Failure{};
        while (!is_empty()) {
            const char c = next();
            if (c == '.' && !is_decimal) {
                if (number.size() > 12)
                    throw Failure{};
                is_decimal = true;
            } else if (!is_digit(c)) {
                break;
            }
            number += consume();
            if (number.size() > (is_decimal ? 16 : 15))
                throw Failure{};
        }
        if (!is_decimal)
            return {Type::integer, sign * std::stoll(number), ""};
        const size_t point = number.find('.');
        std::string fraction = number.substr(point + 1);
        if (fraction.empty() || fraction.size() > 3)
            throw Failure{};
        fraction.resize(3, '0');
        return {Type::decimal, sign * (std::stoll(number.substr(0, point)) * 1000 + std::stoll(fraction)),
                ""};
    }

    /// Section 4.2.5.
    Bare string() {
        Bare string{Type::string, 0, ""};
        consume('"');
        for (;;) {
            const char c = consume_quoted();
            if (c == '\\') {
                const char escaped = consume_quoted();
                if (escaped != '"' && escaped != '\\')
                    throw Failure{};
                string.text += escaped;
            } else if (c == '"') {
                return string;
            } else if (!is_printable(c)) {
                throw Failure{};
            } else {
                string.text += c;
            }
        }
    }

    /// Section 4.2.6.
    Bare token() {
        Bare token{Type::token, 0, ""};
        while (!is_empty() && (is_tchar(next()) || next() == ':' || next() == '/'))
            token.text += consume();
        return token;
    }

    /// Section 4.2.7.
    Bare byte_sequence() {
        consume(':');
        const size_t end = input_.find(':', at_);
        if (end == std::string::npos)
            throw Failure{};
        const std::string content = input_.substr(at_, end - at_);
        at_ = end + 1;
        return {Type::byte_sequence, 0, base64(content)};
    }

    /// RFC 4648, section 4. Padding may be missing, but not partial.
    [[nodiscard]] std::string base64(const std::string& content) const {
        constexpr std::string_view alphabet =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        std::string bits;
        size_t padding = 0;
        for (const char c : content) {
            const size_t value = alphabet.find(c);
            if (c == '=')
                ++padding;
            else if (value == std::string_view::npos || padding != 0)
                throw Failure{};
            for (unsigned bit = 6; c != '=' && bit > 0; --bit)
                bits += (value >> (bit - 1) & 1) != 0 ? '1' : '0';
        }
        const size_t characters = bits.size() / 6;
        const bool is_padded = (characters + padding) % 4 == 0 && padding <= 2;
        const bool may_lack = padding == 0 && !choices_.needs_padding;
        if (characters % 4 == 1 || (!is_padded && !may_lack))
            throw Failure{};
        std::string bytes;
        size_t at = 0;
        for (; at + 8 <= bits.size(); at += 8)
            bytes += static_cast<char>(std::stoi(bits.substr(at, 8), nullptr, 2));
        if (choices_.needs_zero_pad_bits && bits.find('1', at) != std::string::npos)
            throw Failure{};
        return bytes;
    }

    /// Section 4.2.8.
    Bare boolean() {
        consume('?');
        const char c = consume();
        if (c != '0' && c != '1')
            throw Failure{};
        return {Type::boolean, c - '0', ""};
    }

    /// Section 4.2.9.
    Bare date() {
        consume('@');
        Bare date = integer_or_decimal();
        if (date.type == Type::decimal)
            throw Failure{};
        // From 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
        if (choices_.needs_common_dates && (date.number < -62135596800 || date.number > 253402300799))
            throw Failure{};
        date.type = Type::date;
        return date;
    }

    /// Section 4.2.10.
    Bare display_string() {
        consume('%');
        consume('"');
        Bare string{Type::display_string, 0, ""};
        for (;;) {
            const char c = consume_quoted();
            if (!is_printable(c))
                throw Failure{};
            if (c == '%') {
                constexpr std::string_view hex = "0123456789abcdef";
                const size_t high = hex.find(consume_quoted());
                const size_t low = hex.find(consume_quoted());
                if (high == std::string_view::npos || low == std::string_view::npos)
                    throw Failure{};
                string.text += static_cast<char>(high * 16 + low);
            } else if (c == '"') {
                if (!is_utf8(string.text))
                    throw Failure{};
                return string;
            } else {
                string.text += c;
            }
        }
    }

    Choices choices_;
    std::string input_;
    std::vector<bool> joints_; ///< which characters of the input are between lines
    size_t at_ = 0;
};

} // namespace

std::optional<Field> parse(FieldType type, const std::vector<std::string_view>& lines,
                           const Choices& choices) {
    try {
        return Reader{lines, choices}.read(type);
    } catch (const Failure&) {
        return std::nullopt;
    }
}

} // namespace warpbeam::sfv::oracle
