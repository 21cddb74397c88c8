#include "demangle/itanium_parser.hpp"

#include <charconv>
#include <utility>

namespace warpbeam::demangling {

// ---- Characters and nodes ----

std::string_view ItaniumParser::digits(bool is_signed) noexcept {
    size_t length = is_signed && peek() == 'n' ? 1 : 0;
    while (is_digit(peek(length)))
        ++length;
    const std::string_view found = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return found;
}

std::optional<uint32_t> ItaniumParser::number() noexcept {
    const std::string_view found = digits();
    uint32_t value = 0;
    const auto end = std::from_chars(found.data(), found.data() + found.size(), value);
    return end.ec == std::errc{} ? std::optional{value} : std::nullopt;
}

std::optional<uint32_t> ItaniumParser::index(unsigned base) noexcept {
    if (accept('_'))
        return 0;
    uint32_t value = 0;
    while (is_digit(peek()) || (base == 36 && peek() >= 'A' && peek() <= 'Z')) {
        const char c = peek();
        value = value * base + static_cast<uint32_t>(is_digit(c) ? c - '0' : c - 'A' + 10);
        if (value > 1'000'000)
            return std::nullopt;
        accept(c);
    }
    return accept('_') ? std::optional{value + 1} : std::nullopt;
}

const Node* ItaniumParser::make(const Node& node) noexcept {
    const auto made = arena_.array<Node>(1);
    if (!allocated(made.has_value()))
        return nullptr;
    return ::new (made->data()) Node(node);
}

const Node* ItaniumParser::sequence(std::initializer_list<const Node*> parts, Kind kind) noexcept {
    for (const Node* const part : parts)
        if (part == nullptr)
            return nullptr;
    const auto copy = arena_.copy(std::span<const Node* const>{parts.begin(), parts.size()});
    return allocated(copy.has_value()) ? make({.kind = kind, .list = *copy}) : nullptr;
}

std::optional<Node::List> ItaniumParser::list(const Vec<const Node*>& nodes) noexcept {
    const auto copy = arena_.copy(std::span<const Node* const>{nodes});
    allocated(copy.has_value());
    return copy;
}

// ---- Names ----

const Node* ItaniumParser::parse() noexcept {
    const Node* whole = encoding();
    // Compilers add suffixes to copies of functions.
    if (whole != nullptr && peek() == '.') {
        whole = sequence({whole, text(" ("), text(rest_), text(")")});
        rest_ = {};
    }
    return rest_.empty() ? whole : nullptr;
}

std::optional<Node::List> ItaniumParser::params() noexcept {
    Vec<const Node*> found{allocator_};
    if (!accept('v'))
        do
            if (!push(found, type()))
                return std::nullopt;
        while (!rest_.empty() && peek() != 'E' && peek() != '.' && peek() != '_');
    return list(found);
}

const Node* ItaniumParser::encoding() noexcept {
    const Level level{*this};
    if (level.too_deep())
        return nullptr;
    if (peek() == 'G' || (peek() == 'T' && peek(1) != '_' && !is_digit(peek(1))))
        return special_name();
    // Parameters of templates around this one are not those in it.
    Vec<const Node*> around = std::exchange(params_, Vec<const Node*>{allocator_});
    const bool lambda_around = std::exchange(in_lambda_, false);
    const size_t first_forward = forwards_.size();
    const Node* const result = [&]() -> const Node* {
        NameState state;
        const Node* const function = name(&state);
        if (function == nullptr)
            return nullptr;
        for (size_t i = first_forward; i < forwards_.size(); ++i) {
            if (forwards_[i]->number >= params_.size())
                return nullptr;
            forwards_[i]->a = params_[forwards_[i]->number];
        }
        forwards_.truncate(first_forward);
        if (rest_.empty() || peek() == 'E' || peek() == '.' || peek() == '_')
            return function;
        const Node* returned = nullptr;
        if (state.ends_with_args && !state.has_no_return_type && (returned = type()) == nullptr)
            return nullptr;
        const auto taken = params();
        if (!taken)
            return nullptr;
        return make({.kind = Kind::encoding,
                     .qualifiers = state.qualifiers,
                     .a = function,
                     .b = returned,
                     .list = *taken});
    }();
    params_ = std::move(around);
    in_lambda_ = lambda_around;
    return result;
}

bool ItaniumParser::skip_call_offset() noexcept {
    if (accept('h'))
        return !digits(true).empty() && accept('_');
    return accept('v') && !digits(true).empty() && accept('_') && !digits(true).empty() && accept('_');
}

const Node* ItaniumParser::special_name() noexcept {
    struct Row {
        std::string_view code;
        std::string_view words;
    };
    static constexpr Row of_types[] = {
        {"TV", "vtable for "},
        {"TT", "VTT for "},
        {"TI", "typeinfo for "},
        {"TS", "typeinfo name for "},
    };
    static constexpr Row of_names[] = {
        {"TW", "thread-local wrapper routine for "},
        {"TH", "thread-local initialization routine for "},
        {"GV", "guard variable for "},
    };
    for (const Row& row : of_types)
        if (accept(row.code))
            return sequence({text(row.words), type()});
    for (const Row& row : of_names)
        if (accept(row.code))
            return sequence({text(row.words), name()});
    if (accept("GR")) {
        const Node* const object = name();
        // A number, if there are several.
        return index(36) ? sequence({text("reference temporary for "), object}) : nullptr;
    }
    if (accept("GTt"))
        return sequence({text("transaction clone for "), encoding()});
    if (accept("TA"))
        return sequence({text("template parameter object for "), template_arg()});
    if (accept("Tc"))
        return skip_call_offset() && skip_call_offset()
                   ? sequence({text("covariant return thunk to "), encoding()})
                   : nullptr;
    if (accept("TC")) {
        const Node* const inner = type();
        if (digits(true).empty() || !accept('_'))
            return nullptr;
        const Node* const outer = type();
        return sequence({text("construction vtable for "), outer, text("-in-"), inner});
    }
    if (peek() != 'T')
        return nullptr;
    accept('T');
    const bool is_virtual = peek() == 'v';
    if (!skip_call_offset())
        return nullptr;
    return sequence({text(is_virtual ? "virtual thunk to " : "non-virtual thunk to "), encoding()});
}

const Node* ItaniumParser::name(NameState* state) noexcept {
    const Level level{*this};
    if (level.too_deep())
        return nullptr;
    if (peek() == 'N')
        return nested_name(state);
    if (peek() == 'Z')
        return local_name(state);
    if (peek() == 'S' && peek(1) != 't') {
        const Node* const found = substitution();
        return found != nullptr && peek() == 'I' ? with_args(found, state != nullptr, state) : nullptr;
    }
    const Node* found = nullptr;
    if (accept("St")) {
        const Node* const standard = text("std");
        const Node* const member = unqualified_name(state, standard);
        found = member != nullptr ? make({.kind = Kind::nested, .a = standard, .b = member}) : nullptr;
    } else {
        found = unqualified_name(state, nullptr);
    }
    if (found != nullptr && peek() == 'I')
        return remember(found) != nullptr ? with_args(found, state != nullptr, state) : nullptr;
    return found;
}

const Node* ItaniumParser::nested_name(NameState* state) noexcept {
    accept('N');
    uint8_t bits = qualifiers();
    if (accept('R'))
        bits |= lvalue_bit;
    else if (accept('O'))
        bits |= rvalue_bit;
    if (state != nullptr)
        state->qualifiers = bits;
    const Node* scope = nullptr;
    while (!accept('E')) {
        if (peek() == 'S') {
            if (scope != nullptr)
                return nullptr;
            scope = accept("St") ? text("std") : substitution();
            if (scope == nullptr)
                return nullptr;
            continue; // it is known already
        }
        if (peek() == 'I') {
            scope = scope != nullptr ? with_args(scope, state != nullptr, state) : nullptr;
        } else if (peek() == 'T') {
            scope = scope == nullptr ? template_param() : nullptr;
        } else if (peek() == 'D' && (peek(1) == 't' || peek(1) == 'T')) {
            scope = scope == nullptr ? decltype_name() : nullptr;
        } else {
            // The full name of such a class has a constructor, and not the short one.
            if (scope != nullptr && scope->kind == Kind::standard && (peek() == 'C' || peek() == 'D'))
                scope = scope->a;
            const Node* const member = unqualified_name(state, scope);
            if (member == nullptr)
                return nullptr;
            scope = scope != nullptr ? make({.kind = Kind::nested, .a = scope, .b = member}) : member;
        }
        // Before the names in the initialiser of a member.
        accept('M');
        if (scope == nullptr || (peek() != 'E' && remember(scope) == nullptr))
            return nullptr;
    }
    return scope;
}

bool ItaniumParser::discriminator() noexcept {
    if (accept("__"))
        return !digits().empty() && accept('_');
    if (peek() == '_' && is_digit(peek(1)))
        rest_.remove_prefix(2);
    return true;
}

const Node* ItaniumParser::local_name(NameState* state) noexcept {
    accept('Z');
    const Node* const function = encoding();
    if (function == nullptr || !accept('E'))
        return nullptr;
    const Node* entity = nullptr;
    if (accept('s')) {
        entity = text("string literal");
    } else {
        // In a default argument.
        if (accept('d') && !index())
            return nullptr;
        // What is named here has parameters of its own, or none.
        Vec<const Node*> around = std::exchange(params_, Vec<const Node*>{allocator_});
        entity = name(state);
        if (params_.empty())
            params_ = std::move(around);
    }
    if (entity == nullptr || !discriminator())
        return nullptr;
    return make({.kind = Kind::nested, .a = function, .b = entity});
}

const Node* ItaniumParser::source_name() noexcept {
    const auto length = number();
    if (!length || *length == 0 || *length > rest_.size())
        return nullptr;
    const std::string_view found = rest_.substr(0, *length);
    rest_.remove_prefix(*length);
    return text(found.starts_with("_GLOBAL__N") ? "(anonymous namespace)" : found);
}

const Node* ItaniumParser::tags(const Node* node) noexcept {
    while (node != nullptr && accept('B')) {
        const Node* const tag = source_name();
        node = tag != nullptr ? make({.kind = Kind::tagged, .text = tag->text, .a = node}) : nullptr;
    }
    return node;
}

const Node* ItaniumParser::unqualified_name(NameState* state, const Node* scope) noexcept {
    if (state != nullptr)
        state->ends_with_args = false;
    accept('L'); // only visible in its file
    const Node* found = nullptr;
    if (is_digit(peek())) {
        found = source_name();
    } else if (peek() == 'U') {
        found = unnamed_type();
    } else if (peek() == 'C' || (peek() == 'D' && is_digit(peek(1)))) {
        found = scope != nullptr ? constructor_name(state, scope) : nullptr;
    } else if (accept("DC")) { // a structured binding
        Vec<const Node*> names{allocator_};
        do
            if (!push(names, source_name()))
                return nullptr;
        while (!accept('E'));
        const auto all = list(names);
        found =
            all ? sequence({text("["), make({.kind = Kind::comma_list, .list = *all}), text("]")}) : nullptr;
    } else {
        found = operator_name(state);
    }
    return tags(found);
}

const Node* ItaniumParser::constructor_name(NameState* state, const Node* scope) noexcept {
    if (state != nullptr)
        state->has_no_return_type = true;
    if (accept('D')) {
        const char kind = peek();
        if (kind < '0' || kind > '5' || kind == '3')
            return nullptr;
        accept(kind);
        return make({.kind = Kind::destructor, .a = scope});
    }
    accept('C');
    const bool is_inherited = accept('I');
    if (peek() < '1' || peek() > '5')
        return nullptr;
    rest_.remove_prefix(1);
    if (is_inherited && type() == nullptr)
        return nullptr;
    return make({.kind = Kind::constructor, .a = scope});
}

const Node* ItaniumParser::operator_name(NameState* state) noexcept {
    if (accept("cv")) {
        if (state != nullptr)
            state->has_no_return_type = true;
        const bool around = std::exchange(in_conversion_, state != nullptr);
        const Node* const to = type();
        in_conversion_ = around;
        return to != nullptr ? make({.kind = Kind::conversion, .a = to}) : nullptr;
    }
    if (accept("li"))
        return sequence({text("operator\"\" "), source_name()});
    const Operator* const found = find_operator(rest_.substr(0, 2));
    if (found == nullptr)
        return nullptr;
    rest_.remove_prefix(2);
    const char first = found->text.front();
    const bool is_word = first >= 'a' && first <= 'z';
    return sequence({text(is_word ? "operator " : "operator"), text(found->text)});
}

const Node* ItaniumParser::unnamed_type() noexcept {
    // The first has no number, the second is 0.
    const auto counter = [this]() -> std::optional<std::string_view> {
        const std::string_view found = digits();
        return accept('_') ? std::optional{found} : std::nullopt;
    };
    if (accept("Ut")) {
        const auto count = counter();
        return count ? sequence({text("'unnamed"), text(*count), text("'")}) : nullptr;
    }
    if (!accept("Ul"))
        return nullptr;
    const bool around = std::exchange(in_lambda_, true);
    const auto taken = params();
    in_lambda_ = around;
    if (!taken || !accept('E'))
        return nullptr;
    const auto count = counter();
    return count ? make({.kind = Kind::lambda, .text = *count, .list = *taken}) : nullptr;
}

const Node* ItaniumParser::standard_class() noexcept {
    struct Row {
        char code;
        std::string_view name;
        std::string_view full;
        std::string_view base;
    };
    static constexpr Row rows[] = {
        {'a', "std::allocator", "std::allocator", "allocator"},
        {'b', "std::basic_string", "std::basic_string", "basic_string"},
        {'s', "std::string", "std::basic_string<char, std::char_traits<char>, std::allocator<char>>",
         "basic_string"},
        {'i', "std::istream", "std::basic_istream<char, std::char_traits<char>>", "basic_istream"},
        {'o', "std::ostream", "std::basic_ostream<char, std::char_traits<char>>", "basic_ostream"},
        {'d', "std::iostream", "std::basic_iostream<char, std::char_traits<char>>", "basic_iostream"},
    };
    for (const Row& row : rows)
        if (accept(row.code)) {
            const Node* const full = make({.kind = Kind::standard, .text = row.full, .b = text(row.base)});
            return full != nullptr ? make({.kind = Kind::standard, .text = row.name, .a = full, .b = full->b})
                                   : nullptr;
        }
    return nullptr;
}

const Node* ItaniumParser::substitution() noexcept {
    if (!accept('S'))
        return nullptr;
    if (peek() >= 'a' && peek() <= 'z')
        return tags(standard_class());
    const auto number = index(36);
    return number && *number < substitutions_.size() ? substitutions_[*number] : nullptr;
}

// ---- Templates ----

const Node* ItaniumParser::with_args(const Node* name, bool for_params, NameState* state) noexcept {
    const auto args = template_args(for_params);
    if (!args)
        return nullptr;
    if (state != nullptr)
        state->ends_with_args = true;
    return make({.kind = Kind::with_args, .a = name, .list = *args});
}

std::optional<Node::List> ItaniumParser::template_args(bool for_params) noexcept {
    if (!accept('I'))
        return std::nullopt;
    if (for_params)
        params_.clear();
    Vec<const Node*> found{allocator_};
    while (!accept('E')) {
        const Node* const arg = template_arg();
        if (!push(found, arg))
            return std::nullopt;
        if (!for_params)
            continue;
        const bool is_pack = arg->kind == Kind::arg_pack;
        if (!push(params_, is_pack ? make({.kind = Kind::pack, .list = arg->list}) : arg))
            return std::nullopt;
    }
    return list(found);
}

const Node* ItaniumParser::template_arg() noexcept {
    const Level level{*this};
    if (level.too_deep())
        return nullptr;
    if (peek() == 'L')
        return literal();
    if (accept('X')) {
        const Node* const value = expression();
        return accept('E') ? value : nullptr;
    }
    if (accept('J')) {
        Vec<const Node*> found{allocator_};
        while (!accept('E'))
            if (!push(found, template_arg()))
                return nullptr;
        const auto all = list(found);
        return all ? make({.kind = Kind::arg_pack, .list = *all}) : nullptr;
    }
    return type();
}

const Node* ItaniumParser::template_param() noexcept {
    if (!accept('T'))
        return nullptr;
    bool is_inner = false;
    if (accept('L')) {
        if (!index())
            return nullptr;
        is_inner = true;
    }
    const auto number = index();
    if (!number)
        return nullptr;
    // Those of a generic lambda expression have no names.
    if (in_lambda_ && (is_inner || params_.empty()))
        return text("auto");
    if (in_conversion_) {
        const auto made = arena_.array<Node>(1);
        if (!allocated(made.has_value()))
            return nullptr;
        Node* const node = ::new (made->data()) Node{.kind = Kind::forward, .number = *number};
        return allocated(forwards_.push(node)) ? node : nullptr;
    }
    return !is_inner && *number < params_.size() ? params_[*number] : nullptr;
}

} // namespace warpbeam::demangling
