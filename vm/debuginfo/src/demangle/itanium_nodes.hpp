#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace warpbeam::demangling {

/// What a node of a parsed name is, and how it is printed. `a`, `b`, `text` and `list` are its members.
enum class Kind : uint8_t {
    text,           ///< `text`
    nested,         ///< a::b
    with_args,      ///< a<list>
    tagged,         ///< a[abi:text]
    arg_pack,       ///< the list, as it stands between commas
    pack,           ///< a template parameter that is one of the list, depending on the expansion around it
    expansion,      ///< a, once for each element of the packs in it
    forward,        ///< template parameter `number`, which is known later as `a`
    encoding,       ///< a function `a` with return type `b` (or null) and parameters `list`
    function,       ///< a function type that returns `b` and has parameters `list`; `text` follows
    pointer,        ///< a*
    lvalue_ref,     ///< a&
    rvalue_ref,     ///< a&&
    member_pointer, ///< b a::*
    array,          ///< a[b]; `b` may be null
    qualified,      ///< `a` and qualifiers
    followed,       ///< `a`, and `text`
    constructor,    ///< the last name of a
    destructor,     ///< ~, and the last name of a
    conversion,     ///< operator a
    lambda,         ///< 'lambda`text`'(list)
    standard,       ///< a class of the standard library: `a` has its full name, `b` its last
    sequence,       ///< the list, one after the other
    comma_list,     ///< the list, with commas
    compound,       ///< an expression with operators: as `sequence`, in parentheses within another one
};

/// Bits in Node::qualifiers.
inline constexpr uint8_t const_bit = 1;
inline constexpr uint8_t volatile_bit = 2;
inline constexpr uint8_t restrict_bit = 4;
inline constexpr uint8_t lvalue_bit = 8;  ///< a member function for lvalues
inline constexpr uint8_t rvalue_bit = 16; ///< a member function for rvalues

struct Node {
    using List = std::span<const Node* const>;

    Kind kind = Kind::text;
    uint8_t qualifiers = 0;
    uint32_t number = 0;
    std::string_view text = {};
    const Node* a = nullptr;
    const Node* b = nullptr;
    List list = {};
};

} // namespace warpbeam::demangling
