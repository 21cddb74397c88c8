#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

/// @file
/// The types of WebAssembly, https://webassembly.github.io/spec/core/syntax/types.html, as all parts of
/// Warpbeam use them. All are small values; those with spans point into a TypeRegistry. Thread-safety: as for
/// any value.

namespace warpbeam {

/// A defined type: its index in a TypeRegistry. Recursive groups are canonical, so two types are equivalent,
/// even across modules of one registry, if and only if their ids are equal.
using TypeId = uint32_t;
/// The ids in a registry are less than this, which leaves room for several large modules.
inline constexpr TypeId max_type_id = 3'000'000;

/// A heap type: an abstract type, or the id of a defined type. A defined type may be exact, which excludes
/// its subtypes (custom descriptors).
class HeapType {
public:
    /// The abstract heap types, named as in the text format.
    enum Abstract : uint32_t {
        func = 0x3f'ff00,
        nofunc,
        extern_,
        noextern,
        any,
        eq,
        i31,
        struct_,
        array,
        none,
        exn,
        noexn,
        cont,
        nocont,
        /// The bottom of all hierarchies; it only occurs while validating unreachable code.
        bot,
    };
    /// An abstract heap type.
    constexpr HeapType(Abstract abstract) noexcept : code_{abstract} {}
    /// A defined type.
    static constexpr HeapType defined(TypeId id, bool exact = false) noexcept {
        return HeapType{exact ? id | exact_bit : id};
    }

    /// Whether it is a defined type.
    [[nodiscard]] constexpr bool is_defined() const noexcept { return id() < func; }
    /// Whether the type is exact, which excludes its subtypes.
    [[nodiscard]] constexpr bool is_exact() const noexcept { return (code_ & exact_bit) != 0; }
    /// The id of a defined type.
    [[nodiscard]] constexpr TypeId id() const noexcept { return code_ & ~exact_bit; }
    /// @{ The whole type as a number.
    [[nodiscard]] constexpr uint32_t code() const noexcept { return code_; }
    static constexpr HeapType from_code(uint32_t code) noexcept { return HeapType{code}; }
    /// @}
    friend constexpr bool operator==(HeapType, HeapType) noexcept = default;

private:
    explicit constexpr HeapType(uint32_t code) noexcept : code_{code} {}
    static constexpr uint32_t exact_bit = 0x40'0000;
    uint32_t code_;
};

/// A value type; in a field also a packed type, i8 or i16. It takes one 32-bit word.
class ValType {
public:
    /// The kinds of types; `bot` is the bottom type, which no module contains.
    enum Kind : uint8_t { bot, i32, i64, f32, f64, v128, i8, i16, ref };

    /// A type other than a reference.
    constexpr ValType(Kind kind = bot) noexcept : bits_{kind} {}
    /// A reference.
    static constexpr ValType reference(HeapType heap, bool nullable) noexcept {
        ValType type{ref};
        type.bits_ |= (nullable ? nullable_bit : 0u) | heap.code() << heap_shift;
        return type;
    }

    /// What kind of type it is.
    [[nodiscard]] constexpr Kind kind() const noexcept { return static_cast<Kind>(bits_ & 0xff); }
    /// Whether it is a reference.
    [[nodiscard]] constexpr bool is_ref() const noexcept { return kind() == ref; }
    /// Whether it is a vector.
    [[nodiscard]] constexpr bool is_vec() const noexcept { return kind() == v128; }
    /// Whether it is a packed type, which only fields can have.
    [[nodiscard]] constexpr bool is_packed() const noexcept { return kind() == i8 || kind() == i16; }
    /// Whether null is a value of this reference type.
    [[nodiscard]] constexpr bool nullable() const noexcept { return (bits_ & nullable_bit) != 0; }
    /// What this reference type refers to.
    [[nodiscard]] constexpr HeapType heap() const noexcept {
        return HeapType::from_code(bits_ >> heap_shift);
    }
    /// The type on the operand stack of a value with this field type.
    [[nodiscard]] constexpr ValType unpacked() const noexcept { return is_packed() ? i32 : *this; }
    /// Whether a local of this type has a default value: all types have one except non-null references.
    [[nodiscard]] constexpr bool defaultable() const noexcept { return !is_ref() || nullable(); }
    /// The whole type as a number, for hashing.
    [[nodiscard]] constexpr uint32_t bits() const noexcept { return bits_; }
    friend constexpr bool operator==(ValType, ValType) noexcept = default;

private:
    static constexpr uint32_t nullable_bit = 0x100;
    static constexpr unsigned heap_shift = 9;
    uint32_t bits_;
};

/// @{ The number of 64-bit slots that a value (or several values) takes on the engine's stacks.
[[nodiscard]] constexpr uint32_t slots_of(ValType type) noexcept { return type.is_vec() ? 2 : 1; }
[[nodiscard]] constexpr size_t slots_of(std::span<const ValType> types) noexcept {
    size_t count = 0;
    for (const ValType type : types)
        count += slots_of(type);
    return count;
}
/// @}

/// @{ The two oldest reference types, which have short names.
inline constexpr ValType funcref = ValType::reference(HeapType::func, true);
inline constexpr ValType externref = ValType::reference(HeapType::extern_, true);
/// @}

/// https://webassembly.github.io/spec/core/syntax/types.html#composite-types
struct FuncType {
    std::span<const ValType> params;  ///< the types of its parameters
    std::span<const ValType> results; ///< the types of its results
};

/// A field of a structure, or the elements of an array. Its type may be packed.
struct FieldType {
    ValType storage;         ///< the type of its values
    bool is_mutable = false; ///< whether it can be set
    friend constexpr bool operator==(const FieldType&, const FieldType&) noexcept = default;
};

/// The kinds of defined types.
enum class CompositeKind : uint8_t { func, struct_, array, cont };

/// A defined type. Its supertype and all types in it are ids of the registry.
/// https://webassembly.github.io/spec/core/syntax/types.html#recursive-types
struct SubType {
    /// @{ Stands for the absence of a type.
    static constexpr TypeId no_type = UINT32_MAX;
    static constexpr TypeId no_supertype = no_type;
    /// @}

    CompositeKind kind = CompositeKind::func; ///< what it is
    bool is_final = true;                     ///< whether it can have no subtypes
    TypeId supertype = no_supertype;          ///< its declared supertype
    /// @{ The descriptor type of its instances, and the type whose instances it describes; `no_type` if there
    /// is none. Only structures have them. https://github.com/WebAssembly/custom-descriptors
    TypeId descriptor = no_type;
    TypeId described = no_type;
    /// @}
    /// The number of its supertypes, direct and indirect.
    uint32_t depth = 0;
    /// Whether all fields have a default value.
    bool defaultable = true;
    /// The function type, if `kind` says that it is one.
    FuncType func;
    /// The type of the function that a continuation runs; `no_type` for other types.
    /// https://github.com/WebAssembly/stack-switching
    TypeId cont = no_type;
    /// All fields of a structure, or the one element field of an array.
    std::span<const FieldType> fields;
};

/// https://webassembly.github.io/spec/core/syntax/types.html#limits
struct Limits {
    uint64_t min = 0;     ///< the initial number of pages or elements
    uint64_t max = 0;     ///< the maximum number
    bool has_max = false; ///< whether there is a maximum
    /// Whether addresses are i64 (memory64) or i32.
    bool is_64 = false;
    /// The type of addresses.
    [[nodiscard]] constexpr ValType address_type() const noexcept {
        return is_64 ? ValType::i64 : ValType::i32;
    }
    /// The largest address that this type can hold.
    [[nodiscard]] constexpr uint64_t max_address() const noexcept { return is_64 ? UINT64_MAX : UINT32_MAX; }
    /// Whether either limit is greater than `bound`.
    [[nodiscard]] constexpr bool exceed(uint64_t bound) const noexcept {
        return min > bound || (has_max && max > bound);
    }
    friend constexpr bool operator==(const Limits&, const Limits&) noexcept = default;
};

/// https://webassembly.github.io/spec/core/syntax/types.html#memory-types
struct MemoryType {
    Limits limits;       ///< numbers of pages
    bool shared = false; ///< whether threads may share it
    /// The base-2 logarithm of the page size in bytes.
    uint8_t page_size_log2 = 16;
    /// The number of pages that cover the address space. With one-byte pages it is one less, so that it fits
    /// in an address.
    [[nodiscard]] constexpr uint64_t addressable_pages() const noexcept {
        return page_size_log2 == 0 ? limits.max_address() : (limits.max_address() >> page_size_log2) + 1;
    }
    friend constexpr bool operator==(const MemoryType&, const MemoryType&) noexcept = default;
};

/// https://webassembly.github.io/spec/core/syntax/types.html#table-types
struct TableType {
    ValType element; ///< the type of the elements
    Limits limits;   ///< numbers of elements
    friend constexpr bool operator==(const TableType&, const TableType&) noexcept = default;
};

/// https://webassembly.github.io/spec/core/syntax/types.html#global-types
struct GlobalType {
    ValType content;         ///< the type of its value
    bool is_mutable = false; ///< whether it can be set
    friend constexpr bool operator==(const GlobalType&, const GlobalType&) noexcept = default;
};

/// The type of a tag: a function type. It has results only if continuations suspend with the tag.
struct TagType {
    TypeId type = 0; ///< the function type
    friend constexpr bool operator==(const TagType&, const TagType&) noexcept = default;
};

/// The kinds of imports and exports, numbered as in the binary format.
enum class ExternKind : uint8_t { func, table, memory, global, tag };

/// https://webassembly.github.io/spec/core/syntax/types.html#external-types
struct ExternType {
    ExternKind kind = ExternKind::func; ///< which of the types below is used
    TypeId func = 0;                    ///< a function's type
    bool exact = false;                 ///< whether it has exactly this type, not a subtype
    TableType table;                    ///< for a table
    MemoryType memory;                  ///< for a memory
    GlobalType global;                  ///< for a global
    TagType tag;                        ///< for a tag
};

} // namespace warpbeam
