#pragma once

#include <warpbeam/loader/types.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>

/// @file
/// The encodings of types in the binary and text formats. Each code and keyword is written here once, for
/// everything that reads or writes them. https://webassembly.github.io/spec/core/binary/types.html

namespace warpbeam {

/// A type that is one byte. Packed types occur only in fields.
struct PlainType {
    ValType::Kind kind;       ///< the type
    uint8_t code;             ///< in the binary format
    std::string_view keyword; ///< in the text format
    /// Whether it is a type of fields only.
    [[nodiscard]] constexpr bool is_packed() const noexcept { return ValType{kind}.is_packed(); }
};
/// In the order of ValType::Kind.
inline constexpr PlainType plain_types[] = {
    {ValType::i32, 0x7f, "i32"}, {ValType::i64, 0x7e, "i64"},   {ValType::f32, 0x7d, "f32"},
    {ValType::f64, 0x7c, "f64"}, {ValType::v128, 0x7b, "v128"}, {ValType::i8, 0x78, "i8"},
    {ValType::i16, 0x77, "i16"},
};

/// An abstract heap type. Used as a value type, its code stands for a nullable reference to it, and so does
/// the keyword `ref`.
struct AbstractHeap {
    HeapType::Abstract heap;  ///< the type
    uint8_t code;             ///< in the binary format
    std::string_view keyword; ///< in the text format
    std::string_view ref;     ///< in the text format, for a nullable reference
};
/// In the order of HeapType::Abstract.
inline constexpr AbstractHeap abstract_heaps[] = {
    {HeapType::func, 0x70, "func", "funcref"},        {HeapType::nofunc, 0x73, "nofunc", "nullfuncref"},
    {HeapType::extern_, 0x6f, "extern", "externref"}, {HeapType::noextern, 0x72, "noextern", "nullexternref"},
    {HeapType::any, 0x6e, "any", "anyref"},           {HeapType::eq, 0x6d, "eq", "eqref"},
    {HeapType::i31, 0x6c, "i31", "i31ref"},           {HeapType::struct_, 0x6b, "struct", "structref"},
    {HeapType::array, 0x6a, "array", "arrayref"},     {HeapType::none, 0x71, "none", "nullref"},
    {HeapType::exn, 0x69, "exn", "exnref"},           {HeapType::noexn, 0x74, "noexn", "nullexnref"},
    {HeapType::cont, 0x68, "cont", "contref"},        {HeapType::nocont, 0x75, "nocont", "nullcontref"},
};

/// Codes that begin the other types, or replace a type.
namespace type_code {
/// @{ What begins a type.
inline constexpr uint8_t ref_null = 0x63, ref = 0x64, exact = 0x62;
inline constexpr uint8_t func = 0x60, struct_ = 0x5f, array = 0x5e, cont = 0x5d;
inline constexpr uint8_t sub = 0x50, sub_final = 0x4f, rec = 0x4e, descriptor = 0x4d, describes = 0x4c;
/// @}
/// Used as an import's kind: a function that must have exactly the type.
inline constexpr uint8_t exact_func = 0x20;
/// A block without parameters and results.
inline constexpr uint8_t empty_block = 0x40;
/// Comes before the type of a table with an initialiser.
inline constexpr uint8_t table_with_initialiser = 0x40;
/// Whether a byte is by itself a negative number: true for all codes above except `exact_func`, and never
/// true for a type index.
constexpr bool is_negative(uint8_t byte) noexcept { return (byte & 0xc0) == 0x40; }
} // namespace type_code

/// The flags of limits, https://webassembly.github.io/spec/core/binary/types.html#limits
namespace limits_flag {
/// @{ What a bit says: there is a maximum, it is shared, addresses are i64, a page size follows.
inline constexpr uint8_t max = 1, shared = 2, is_64 = 4, page_size = 8;
/// @}
} // namespace limits_flag

namespace detail {
/// For each code, its position in its table plus one, or 0.
template <typename Row, size_t size>
constexpr auto positions_by_code(const Row (&table)[size]) noexcept {
    std::array<uint8_t, 0x80> positions{};
    for (size_t i = 0; i < size; ++i)
        positions[table[i].code] = static_cast<uint8_t>(i + 1);
    return positions;
}
inline constexpr auto plain_positions = positions_by_code(plain_types);
inline constexpr auto heap_positions = positions_by_code(abstract_heaps);
} // namespace detail

/// @{ The row of a code, or null.
constexpr const PlainType* find_plain(uint8_t code) noexcept {
    const unsigned position = code < 0x80 ? detail::plain_positions[code] : 0u;
    return position == 0 ? nullptr : &plain_types[position - 1];
}
constexpr const AbstractHeap* find_heap(uint8_t code) noexcept {
    const unsigned position = code < 0x80 ? detail::heap_positions[code] : 0u;
    return position == 0 ? nullptr : &abstract_heaps[position - 1];
}
/// @}
/// @{ The row of a type; null for `bot`, which occurs in no module, and for types not in the table.
constexpr const PlainType* row_of(ValType::Kind kind) noexcept {
    return kind == ValType::bot || kind == ValType::ref ? nullptr : &plain_types[kind - ValType::i32];
}
constexpr const AbstractHeap* row_of(HeapType heap) noexcept {
    const uint32_t position = heap.code() - HeapType::func;
    return position < std::size(abstract_heaps) ? &abstract_heaps[position] : nullptr;
}
/// @}
static_assert(std::ranges::all_of(plain_types, [](const PlainType& row) {
    return row_of(row.kind) == &row && find_plain(row.code) == &row && find_heap(row.code) == nullptr;
}));
static_assert(std::ranges::all_of(abstract_heaps, [](const AbstractHeap& row) {
    return row_of(HeapType{row.heap}) == &row && find_heap(row.code) == &row;
}));

/// A heap type as encoded.
struct HeapCode {
    /// A type index, or the code of an abstract heap type as a negative number; any other negative number is
    /// malformed.
    int64_t code = 0;
    /// Whether it is an index after the code `exact`.
    bool exact = false;

    /// The code of an abstract heap type.
    static constexpr HeapCode of(const AbstractHeap& row) noexcept { return {row.code - 0x80, false}; }
    /// Whether it is a type index.
    [[nodiscard]] constexpr bool is_index() const noexcept { return code >= 0; }
    /// The abstract heap type; null for an index or a malformed type.
    [[nodiscard]] constexpr const AbstractHeap* abstract() const noexcept {
        return code < 0 && code >= -0x80 ? find_heap(static_cast<uint8_t>(code + 0x80)) : nullptr;
    }
    /// Whether it stands for no type.
    [[nodiscard]] constexpr bool is_malformed() const noexcept {
        return !is_index() && abstract() == nullptr;
    }
    friend constexpr bool operator==(const HeapCode&, const HeapCode&) noexcept = default;
};

/// A value type as encoded.
struct TypeCode {
    uint8_t first = 0; ///< the first byte
    /// The heap type after `ref` or `ref_null`.
    HeapCode heap;

    /// Whether a heap type follows.
    [[nodiscard]] constexpr bool has_heap() const noexcept {
        return first == type_code::ref || first == type_code::ref_null;
    }
    /// Whether the first byte begins no type.
    [[nodiscard]] constexpr bool is_malformed() const noexcept {
        return !has_heap() && find_plain(first) == nullptr && find_heap(first) == nullptr;
    }
};

/// A block type as encoded.
struct BlockCode {
    /// No type at all, one result, or the index of a function type.
    enum Form : uint8_t { empty, result, index };
    Form form = empty;    ///< which of these
    TypeCode result_type; ///< for `result`
    /// A type index; malformed if negative.
    int64_t type = 0;

    /// Kind by first byte.
    static constexpr Form form_of(uint8_t first) noexcept {
        if (first == type_code::empty_block)
            return empty;
        return type_code::is_negative(first) ? result : index;
    }
};

/// @{ The type that a code means. `defined` makes the heap type for a type index, which may be exact. The
/// code must not be malformed.
template <typename Defined>
constexpr HeapType heap_of(const HeapCode& code, Defined&& defined) noexcept {
    if (const AbstractHeap* const row = code.abstract())
        return row->heap;
    return defined(static_cast<uint32_t>(code.code), code.exact);
}
template <typename Defined>
constexpr ValType type_of(const TypeCode& code, Defined&& defined) noexcept {
    if (code.has_heap())
        return ValType::reference(heap_of(code.heap, defined), code.first == type_code::ref_null);
    if (const PlainType* const row = find_plain(code.first))
        return row->kind;
    return ValType::reference(find_heap(code.first)->heap, true);
}
/// @}

/// The flags in the first immediate of a memory access: whether a memory index follows; the rest is the
/// alignment exponent.
namespace mem_arg_flag {
/// @{ The bit that says that a memory index follows, and what an exponent is less than.
inline constexpr uint32_t memory = 0x40, limit = 0x80;
/// @}
} // namespace mem_arg_flag

/// The nullability flags in the first byte of a branch on cast.
namespace cast_flag {
/// @{ A bit for each, and all bits.
inline constexpr uint8_t nullable_source = 1, nullable_target = 2, all = 3;
/// @}
} // namespace cast_flag

/// A clause of `try_table`, by code.
/// https://webassembly.github.io/spec/core/binary/instructions.html#control-instructions
struct CatchKind {
    std::string_view keyword; ///< in the text format
    bool has_tag;             ///< whether it names a tag
    bool by_reference;        ///< whether it passes on the exception itself
};
/// All kinds of clauses, by their codes.
inline constexpr CatchKind catch_kinds[] = {{"catch", true, false},
                                            {"catch_ref", true, true},
                                            {"catch_all", false, false},
                                            {"catch_all_ref", false, true}};

/// A clause of `resume` and its variants, by code. https://github.com/WebAssembly/stack-switching
enum class HandlerKind : uint8_t {
    label,   ///< `(on tag label)`: a suspension branches there
    switch_, ///< `(on tag switch)`: lets the continuation be switched
};

/// Name spaces, numbered like the subsections of the name section.
/// https://github.com/WebAssembly/extended-name-section
enum class NameSpace : uint8_t {
    module,
    func,
    local,
    label,
    type,
    table,
    memory,
    global,
    elem,
    data,
    field,
    tag
};
/// How many kinds of names there are.
inline constexpr size_t name_space_count = 12;
/// Whether names are grouped by function (locals, labels) or by type (fields).
constexpr bool has_owners(NameSpace space) noexcept {
    return space == NameSpace::local || space == NameSpace::label || space == NameSpace::field;
}

/// What can be imported and exported; the value of ExternKind is also the code.
struct ExternRow {
    std::string_view keyword; ///< in the text format
    const char* name;         ///< as messages name it
    NameSpace space;          ///< where it has names
};
/// All kinds, in the order of `ExternKind`.
inline constexpr ExternRow extern_rows[] = {{"func", "function", NameSpace::func},
                                            {"table", "table", NameSpace::table},
                                            {"memory", "memory", NameSpace::memory},
                                            {"global", "global", NameSpace::global},
                                            {"tag", "tag", NameSpace::tag}};
/// The row of a kind.
constexpr const ExternRow& row_of(ExternKind kind) noexcept { return extern_rows[static_cast<size_t>(kind)]; }

} // namespace warpbeam
