#include "demangle/itanium_parser.hpp"

namespace warpbeam::demangling {

uint8_t ItaniumParser::qualifiers() noexcept {
    uint8_t bits = 0;
    if (accept('r'))
        bits |= restrict_bit;
    if (accept('V'))
        bits |= volatile_bit;
    if (accept('K'))
        bits |= const_bit;
    return bits;
}

const Node* ItaniumParser::builtin_type() noexcept {
    struct Row {
        std::string_view code;
        std::string_view name;
    };
    static constexpr Row rows[] = {
        {"v", "void"},
        {"w", "wchar_t"},
        {"b", "bool"},
        {"c", "char"},
        {"a", "signed char"},
        {"h", "unsigned char"},
        {"s", "short"},
        {"t", "unsigned short"},
        {"i", "int"},
        {"j", "unsigned int"},
        {"l", "long"},
        {"m", "unsigned long"},
        {"x", "long long"},
        {"y", "unsigned long long"},
        {"n", "__int128"},
        {"o", "unsigned __int128"},
        {"f", "float"},
        {"d", "double"},
        {"e", "long double"},
        {"g", "__float128"},
        {"z", "..."},
        {"Dd", "decimal64"},
        {"De", "decimal128"},
        {"Df", "decimal32"},
        {"Dh", "half"},
        {"Di", "char32_t"},
        {"Ds", "char16_t"},
        {"Du", "char8_t"},
        {"Da", "auto"},
        {"Dc", "decltype(auto)"},
        {"Dn", "std::nullptr_t"},
        {"DF16b", "std::bfloat16_t"},
        {"DF16_", "_Float16"},
        {"DF32_", "_Float32"},
        {"DF64_", "_Float64"},
        {"DF128_", "_Float128"},
    };
    for (const Row& row : rows)
        if (accept(row.code))
            return text(row.name);
    return nullptr;
}

const Node* ItaniumParser::type() noexcept {
    const Level level{*this};
    if (level.too_deep())
        return nullptr;
    const auto made_of = [this](Kind kind) {
        rest_.remove_prefix(1);
        const Node* const target = type();
        return target != nullptr ? remember(make({.kind = kind, .a = target})) : nullptr;
    };
    switch (peek()) {
    case 'r':
    case 'V':
    case 'K': {
        const uint8_t bits = qualifiers();
        if (peek() == 'F')
            return remember(function_type(bits));
        const Node* const target = type();
        return target != nullptr ? remember(make({.kind = Kind::qualified, .qualifiers = bits, .a = target}))
                                 : nullptr;
    }
    case 'P':
        return made_of(Kind::pointer);
    case 'R':
        return made_of(Kind::lvalue_ref);
    case 'O':
        return made_of(Kind::rvalue_ref);
    case 'C':
    case 'G': {
        const bool is_complex = accept('C');
        if (!is_complex)
            accept('G');
        const Node* const target = type();
        return target != nullptr ? remember(make({.kind = Kind::followed,
                                                  .text = is_complex ? " complex" : " imaginary",
                                                  .a = target}))
                                 : nullptr;
    }
    case 'F':
        return remember(function_type(0));
    case 'A':
        return remember(array_type());
    case 'M': {
        accept('M');
        const Node* const owner = type();
        const Node* const member = owner != nullptr ? type() : nullptr;
        return member != nullptr ? remember(make({.kind = Kind::member_pointer, .a = owner, .b = member}))
                                 : nullptr;
    }
    case 'D':
        return type_after_d();
    case 'T':
        if (peek(1) == 's' || peek(1) == 'u' || peek(1) == 'e')
            return class_type();
        {
            const Node* const param = remember(template_param());
            return param != nullptr && args_follow() ? remember(with_args(param, false)) : param;
        }
    case 'S':
        if (peek(1) != 't') {
            const Node* const found = substitution();
            return found != nullptr && args_follow() ? remember(with_args(found, false)) : found;
        }
        return class_type();
    case 'U': {
        if (peek(1) == 'l' || peek(1) == 't')
            return class_type();
        accept('U');
        const Node* qualifier = source_name();
        if (qualifier != nullptr && peek() == 'I')
            qualifier = with_args(qualifier, false);
        const Node* const target = qualifier != nullptr ? type() : nullptr;
        return target != nullptr ? remember(sequence({target, text(" "), qualifier})) : nullptr;
    }
    case 'u': { // of a vendor
        accept('u');
        const Node* const named = source_name();
        return named != nullptr && peek() == 'I' ? remember(with_args(named, false)) : remember(named);
    }
    default:
        break;
    }
    if (const Node* const builtin = builtin_type(); builtin != nullptr || out_of_memory_)
        return builtin;
    return class_type();
}

const Node* ItaniumParser::class_type() noexcept {
    // What C calls a struct, union or enum.
    std::string_view keyword;
    if (accept("Ts"))
        keyword = "struct ";
    else if (accept("Tu"))
        keyword = "union ";
    else if (accept("Te"))
        keyword = "enum ";
    const Node* const named = name();
    if (named == nullptr)
        return nullptr;
    return remember(keyword.empty() ? named : sequence({text(keyword), named}));
}

const Node* ItaniumParser::decltype_name() noexcept {
    if (!accept("DT") && !accept("Dt"))
        return nullptr;
    const Node* const value = expression();
    return value != nullptr && accept('E') ? sequence({text("decltype("), value, text(")")}) : nullptr;
}

const Node* ItaniumParser::type_after_d() noexcept {
    switch (peek(1)) {
    case 't':
    case 'T':
        return remember(decltype_name());
    case 'p': {
        rest_.remove_prefix(2);
        const Node* const pattern = type();
        return pattern != nullptr ? remember(make({.kind = Kind::expansion, .a = pattern})) : nullptr;
    }
    case 'o':
    case 'O':
    case 'w':
    case 'x':
        return remember(function_type(0));
    case 'v': { // a vector
        rest_.remove_prefix(2);
        const Node* size = nullptr;
        if (is_digit(peek()))
            size = text(digits());
        else {
            accept('_'); // clang leaves it out
            size = expression();
        }
        if (size == nullptr || !accept('_'))
            return nullptr;
        const Node* const element = accept('p') ? text("pixel") : type();
        return remember(sequence({element, text(" vector["), size, text("]")}));
    }
    case 'B':
    case 'U': { // integers of any size
        const bool is_signed = peek(1) == 'B';
        rest_.remove_prefix(2);
        const Node* const size = is_digit(peek()) ? text(digits()) : expression();
        if (size == nullptr || !accept('_'))
            return nullptr;
        return sequence({text(is_signed ? "_BitInt(" : "unsigned _BitInt("), size, text(")")});
    }
    default:
        return builtin_type();
    }
}

const Node* ItaniumParser::function_type(uint8_t bits) noexcept {
    const Node* exceptions = text("");
    if (accept("Do")) {
        exceptions = text(" noexcept");
    } else if (accept("DO")) {
        const Node* const condition = expression();
        if (condition == nullptr || !accept('E'))
            return nullptr;
        exceptions = sequence({text(" noexcept("), condition, text(")")});
    } else if (accept("Dw")) {
        Vec<const Node*> thrown{allocator_};
        while (!accept('E'))
            if (!push(thrown, type()))
                return nullptr;
        const auto all = list(thrown);
        if (!all)
            return nullptr;
        exceptions = sequence({text(" throw("), make({.kind = Kind::comma_list, .list = *all}), text(")")});
    }
    accept("Dx"); // safe in transactions
    if (!accept('F'))
        return nullptr;
    accept('Y'); // extern "C"
    const Node* const returned = type();
    if (returned == nullptr)
        return nullptr;
    Vec<const Node*> found{allocator_};
    for (;;) {
        if (accept('E'))
            break;
        if (accept("RE")) {
            bits |= lvalue_bit;
            break;
        }
        if (accept("OE")) {
            bits |= rvalue_bit;
            break;
        }
        if (!accept('v') && !push(found, type()))
            return nullptr;
    }
    const auto all = list(found);
    if (!all)
        return nullptr;
    const Node* const function =
        make({.kind = Kind::function, .qualifiers = bits, .a = exceptions, .b = returned, .list = *all});
    return function;
}

const Node* ItaniumParser::array_type() noexcept {
    accept('A');
    const Node* size = nullptr;
    if (is_digit(peek()))
        size = text(digits());
    else if (peek() != '_' && (size = expression()) == nullptr)
        return nullptr;
    if (!accept('_'))
        return nullptr;
    const Node* const element = type();
    return element != nullptr ? make({.kind = Kind::array, .a = element, .b = size}) : nullptr;
}

} // namespace warpbeam::demangling
