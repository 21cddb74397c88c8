#include "demangle/itanium_parser.hpp"

#include <bit>
#include <cstdio>
#include <span>
#include <type_traits>

namespace warpbeam::demangling {
namespace {

using Use = Operator::Use;

constexpr Operator operators[] = {
    {"aN", Use::binary, "&="},          {"aS", Use::binary, "="},      {"aa", Use::binary, "&&"},
    {"ad", Use::prefix, "&"},           {"an", Use::binary, "&"},      {"at", Use::other, "alignof"},
    {"aw", Use::name, "co_await"},      {"az", Use::other, "alignof"}, {"cc", Use::other, "const_cast"},
    {"cl", Use::other, "()"},           {"cm", Use::binary, ","},      {"co", Use::prefix, "~"},
    {"cv", Use::other, "()"},           {"dV", Use::binary, "/="},     {"da", Use::other, "delete[]"},
    {"dc", Use::other, "dynamic_cast"}, {"de", Use::prefix, "*"},      {"dl", Use::other, "delete"},
    {"ds", Use::binary, ".*"},          {"dt", Use::other, "."},       {"dv", Use::binary, "/"},
    {"eO", Use::binary, "^="},          {"eo", Use::binary, "^"},      {"eq", Use::binary, "=="},
    {"ge", Use::binary, ">="},          {"gt", Use::binary, ">"},      {"ix", Use::other, "[]"},
    {"lS", Use::binary, "<<="},         {"le", Use::binary, "<="},     {"ls", Use::binary, "<<"},
    {"lt", Use::binary, "<"},           {"mI", Use::binary, "-="},     {"mL", Use::binary, "*="},
    {"mi", Use::binary, "-"},           {"ml", Use::binary, "*"},      {"mm", Use::postfix, "--"},
    {"na", Use::other, "new[]"},        {"ne", Use::binary, "!="},     {"ng", Use::prefix, "-"},
    {"nt", Use::prefix, "!"},           {"nw", Use::other, "new"},     {"oR", Use::binary, "|="},
    {"oo", Use::binary, "||"},          {"or", Use::binary, "|"},      {"pL", Use::binary, "+="},
    {"pl", Use::binary, "+"},           {"pm", Use::binary, "->*"},    {"pp", Use::postfix, "++"},
    {"ps", Use::prefix, "+"},           {"pt", Use::other, "->"},      {"qu", Use::other, "?"},
    {"rM", Use::binary, "%="},          {"rS", Use::binary, ">>="},    {"rc", Use::other, "reinterpret_cast"},
    {"rm", Use::binary, "%"},           {"rs", Use::binary, ">>"},     {"sc", Use::other, "static_cast"},
    {"ss", Use::binary, "<=>"},         {"st", Use::other, "sizeof"},  {"sz", Use::other, "sizeof"},
    {"te", Use::other, "typeid"},       {"ti", Use::other, "typeid"},
};

} // namespace

const Operator* find_operator(std::string_view code) noexcept {
    for (const Operator& each : operators)
        if (code == each.code)
            return &each;
    return nullptr;
}

std::optional<Node::List> ItaniumParser::expressions() noexcept {
    Vec<const Node*> found{allocator_};
    while (!accept('E'))
        if (!push(found, expression()))
            return std::nullopt;
    return list(found);
}

const Node* ItaniumParser::braced_list(const Node* type) noexcept {
    const auto all = expressions();
    return all && type != nullptr
               ? sequence({type, text("{"), make({.kind = Kind::comma_list, .list = *all}), text("}")})
               : nullptr;
}

const Node* ItaniumParser::function_param() noexcept {
    if (accept("fpT"))
        return text("this");
    if (accept("fL")) {
        if (digits().empty() || !accept('p'))
            return nullptr;
    } else if (!accept("fp")) {
        return nullptr;
    }
    (void)qualifiers();
    const std::string_view count = digits();
    return accept('_') ? sequence({text("fp"), text(count)}) : nullptr;
}

/// `(... op pack)` or `(pack op ...)`, with a first or last value.
const Node* ItaniumParser::fold(bool is_left, bool has_init) noexcept {
    const Operator* const op = find_operator(rest_.substr(0, 2));
    if (op == nullptr || op->use != Use::binary)
        return nullptr;
    rest_.remove_prefix(2);
    const Node* const first = expression();
    const Node* const second = has_init && first != nullptr ? expression() : nullptr;
    if (first == nullptr || (has_init && second == nullptr))
        return nullptr;
    const Node* const space = text(" ");
    const Node* const pack = is_left && has_init ? second : first;
    const Node* const init = is_left ? first : second;
    const Node* const all = make({.kind = Kind::expansion, .a = pack});
    const Node* const dots = sequence({text("..."), space, text(op->text), space});
    const Node* const before = sequence({space, text(op->text), space, text("...")});
    if (!has_init)
        return is_left ? sequence({text("("), dots, all, text(")")})
                       : sequence({text("("), all, before, text(")")});
    const Node* const between = sequence({before, space, text(op->text), space});
    return is_left ? sequence({text("("), init, between, all, text(")")})
                   : sequence({text("("), all, between, init, text(")")});
}

const Node* ItaniumParser::expression() noexcept {
    const Level level{*this};
    if (level.too_deep())
        return nullptr;
    if (peek() == 'L')
        return literal();
    if (peek() == 'T')
        return template_param();
    if (peek() == 'f' && (peek(1) == 'p' || (peek(1) == 'L' && is_digit(peek(2)))))
        return function_param();
    const bool is_global = accept("gs");
    if (is_digit(peek()) || (peek() == 's' && peek(1) == 'r'))
        return unresolved_name(is_global);
    if (peek(1) == 'n' && (peek() == 'o' || peek() == 'd')) {
        const Node* const found = base_unresolved_name();
        return is_global && found != nullptr ? sequence({text("::"), found}) : found;
    }
    if (accept("tl")) {
        const Node* const of = type();
        return braced_list(of);
    }
    if (accept("il"))
        return braced_list(text(""));
    if (accept("nx"))
        return sequence({text("noexcept("), expression(), text(")")});
    if (accept("tw"))
        return sequence({text("throw "), expression()}, Kind::compound);
    if (accept("tr"))
        return text("throw");
    if (accept("sp")) {
        const Node* const pattern = expression();
        return pattern != nullptr ? make({.kind = Kind::expansion, .a = pattern}) : nullptr;
    }
    if (accept("sZ")) {
        // Only of template parameters is it known what they stand for.
        const bool is_type = peek() == 'T';
        const Node* const pack = is_type ? template_param() : function_param();
        if (pack == nullptr)
            return nullptr;
        return sequence(
            {text("sizeof...("), is_type ? make({.kind = Kind::expansion, .a = pack}) : pack, text(")")});
    }
    if (accept("fl"))
        return fold(true, false);
    if (accept("fr"))
        return fold(false, false);
    if (accept("fL"))
        return fold(true, true);
    if (accept("fR"))
        return fold(false, true);
    if (accept('u')) { // of a vendor
        const Node* const named = source_name();
        Vec<const Node*> found{allocator_};
        while (named != nullptr && !accept('E'))
            if (!push(found, template_arg()))
                return nullptr;
        const auto arguments = named != nullptr ? list(found) : std::nullopt;
        return arguments ? sequence({named, text("("), make({.kind = Kind::comma_list, .list = *arguments}),
                                     text(")")})
                         : nullptr;
    }
    const Operator* const op = find_operator(rest_.substr(0, 2));
    if (op == nullptr)
        return nullptr;
    rest_.remove_prefix(2);
    return operator_expression(*op, is_global);
}

/// What an operator follows that binds more tightly than the expression's own.
const Node* ItaniumParser::operand(const Node* expression) noexcept {
    return expression != nullptr && expression->kind == Kind::compound
               ? sequence({text("("), expression, text(")")})
               : expression;
}

/// With `::` before it, `new` and `delete` are those of the global scope; what others make of it is not said.
const Node* ItaniumParser::operator_expression(const Operator& op, bool is_global) noexcept {
    const std::string_view code{op.code, 2};
    const auto compound = [this](std::initializer_list<const Node*> parts) {
        return sequence(parts, Kind::compound);
    };
    switch (op.use) {
    case Use::prefix:
        return compound({text(op.text), expression()});
    case Use::postfix:
        // Before the operand, if an underscore follows.
        if (accept('_'))
            return compound({text(op.text), expression()});
        return compound({expression(), text(op.text)});
    case Use::binary: {
        const Node* const first = expression();
        if (first == nullptr)
            return nullptr;
        return compound({first, text(code == "cm" ? "" : " "), text(op.text), text(" "), expression()});
    }
    case Use::name:
        return nullptr;
    case Use::other:
        break;
    }
    if (code == "cl") {
        const Node* const callee = operand(expression());
        const auto arguments = callee != nullptr ? expressions() : std::nullopt;
        return arguments ? sequence({callee, text("("), make({.kind = Kind::comma_list, .list = *arguments}),
                                     text(")")})
                         : nullptr;
    }
    if (code == "cv") {
        const Node* const to = type();
        if (to == nullptr)
            return nullptr;
        std::optional<Node::List> values;
        if (accept('_')) {
            values = expressions();
        } else {
            Vec<const Node*> one{allocator_};
            if (!push(one, expression()))
                return nullptr;
            values = list(one);
        }
        return values ? sequence({text("("), to, text(")("),
                                  make({.kind = Kind::comma_list, .list = *values}), text(")")})
                      : nullptr;
    }
    if (code == "dt" || code == "pt") {
        const Node* const object = operand(expression());
        return object != nullptr ? sequence({object, text(op.text), unresolved_name(false)}) : nullptr;
    }
    if (code == "ix") {
        const Node* const object = operand(expression());
        return object != nullptr ? sequence({object, text("["), expression(), text("]")}) : nullptr;
    }
    if (code == "qu") {
        const Node* const condition = expression();
        const Node* const yes = condition != nullptr ? expression() : nullptr;
        return yes != nullptr ? compound({condition, text(" ? "), yes, text(" : "), expression()}) : nullptr;
    }
    if (code.ends_with('c')) { // casts
        const Node* const to = type();
        return to != nullptr ? sequence({text(op.text), text("<"), to, text(">("), expression(), text(")")})
                             : nullptr;
    }
    if (code == "st" || code == "at" || code == "ti")
        return sequence({text(op.text), text("("), type(), text(")")});
    if (code == "sz" || code == "az" || code == "te")
        return sequence({text(op.text), text("("), expression(), text(")")});
    if (code == "nw" || code == "na") {
        Vec<const Node*> where{allocator_};
        while (!accept('_'))
            if (!push(where, expression()))
                return nullptr;
        const auto placement = list(where);
        const Node* const of = placement ? type() : nullptr;
        if (of == nullptr)
            return nullptr;
        const Node* const word = sequence({text(is_global ? "::" : ""), text(op.text)});
        const Node* const start =
            placement->empty()
                ? sequence({word, text(" "), of})
                : sequence({word, text(" ("), make({.kind = Kind::comma_list, .list = *placement}),
                            text(") "), of});
        if (accept('E'))
            return compound({start});
        const auto values = accept("pi") ? expressions() : std::nullopt;
        return values ? compound(
                            {start, text("("), make({.kind = Kind::comma_list, .list = *values}), text(")")})
                      : nullptr;
    }
    return compound({text(is_global ? "::" : ""), text(op.text), text(" "), expression()}); // delete
}

/// A number by its bits, the highest first.
template <typename Bits>
const Node* ItaniumParser::floating() noexcept {
    Bits bits = 0;
    for (size_t i = 0; i < 2 * sizeof bits; ++i) {
        const char digit = peek();
        if (!is_digit(digit) && (digit < 'a' || digit > 'f'))
            return nullptr;
        bits = bits << 4 | static_cast<Bits>(is_digit(digit) ? digit - '0' : digit - 'a' + 10);
        rest_.remove_prefix(1);
    }
    using Number = std::conditional_t<sizeof bits == 4, float, double>;
    char printed[40];
    const int size = std::snprintf(printed, sizeof printed, sizeof bits == 4 ? "%af" : "%a",
                                   static_cast<double>(std::bit_cast<Number>(bits)));
    const auto copy = arena_.copy(std::span<const char>{printed, static_cast<size_t>(size)});
    out_of_memory_ |= !copy;
    return copy && accept('E') ? text({copy->data(), copy->size()}) : nullptr;
}

/// Values of types: numbers, functions and objects.
const Node* ItaniumParser::literal() noexcept {
    struct Row {
        char code;
        std::string_view suffix;
    };
    static constexpr Row suffixes[] = {{'i', ""},   {'j', "u"},  {'l', "l"},
                                       {'m', "ul"}, {'x', "ll"}, {'y', "ull"}};
    accept('L');
    if (accept("_Z") || accept("Z")) {
        const Node* const object = encoding();
        return object != nullptr && accept('E') ? object : nullptr;
    }
    if (accept("b0E"))
        return text("false");
    if (accept("b1E"))
        return text("true");
    if (accept("DnE") || accept("Dn0E"))
        return text("nullptr");
    const auto value = [this]() -> const Node* {
        const bool is_negative = peek() == 'n';
        const std::string_view found = digits(true);
        if (found.size() == (is_negative ? 1u : 0u) || !accept('E'))
            return nullptr;
        return sequence({text(is_negative ? "-" : ""), text(found.substr(is_negative ? 1 : 0))});
    };
    for (const Row& row : suffixes)
        if (accept(row.code)) {
            const Node* const found = value();
            return found != nullptr ? sequence({found, text(row.suffix)}) : nullptr;
        }
    if (accept('f'))
        return floating<uint32_t>();
    if (accept('d'))
        return floating<uint64_t>();
    if (peek() == 'e')
        return nullptr; // the bits of a long double, whose format depends on the machine
    const bool is_text = peek() == 'A';
    const Node* const of = type();
    if (of == nullptr)
        return nullptr;
    if (accept('E'))
        return is_text ? sequence({text("\"<"), of, text(">\"")}) : of;
    const Node* const found = value();
    return found != nullptr ? sequence({text("("), of, text(")"), found}) : nullptr;
}

const Node* ItaniumParser::base_unresolved_name() noexcept {
    const Node* found = nullptr;
    if (is_digit(peek())) {
        found = source_name();
    } else if (accept("dn")) {
        const Node* const of = is_digit(peek()) ? source_name() : type();
        return of != nullptr ? sequence({text("~"), of}) : nullptr;
    } else {
        accept("on");
        found = operator_name(nullptr);
    }
    return found != nullptr && peek() == 'I' ? with_args(found, false) : found;
}

const Node* ItaniumParser::unresolved_name(bool is_global) noexcept {
    const Node* scope = nullptr;
    const auto inside = [this](const Node* around, const Node* member) {
        if (member == nullptr || around == nullptr)
            return member;
        return make({.kind = Kind::nested, .a = around, .b = member});
    };
    if (accept("sr")) {
        const bool is_nested = accept('N');
        if (is_nested || !is_digit(peek())) {
            scope = type();
            if (scope == nullptr)
                return nullptr;
        }
        if (is_nested || scope == nullptr)
            while (!accept('E')) {
                const Node* level = source_name();
                if (level != nullptr && peek() == 'I')
                    level = with_args(level, false);
                if (level == nullptr)
                    return nullptr;
                scope = inside(scope, level);
            }
    }
    const Node* const found = inside(scope, base_unresolved_name());
    return found != nullptr && is_global ? sequence({text("::"), found}) : found;
}

} // namespace warpbeam::demangling
