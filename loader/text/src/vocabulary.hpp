#pragma once

#include "names.hpp"
#include "types.hpp"

#include <warpbeam/loader/types.hpp>

#include <cstdint>
#include <string_view>

/// Words of the text format and what they are in the binary format, for the parser and the printer.

namespace warpbeam::text {

/// https://webassembly.github.io/spec/core/binary/types.html#heap-types
struct HeapKeyword {
    std::string_view heap;
    /// The abbreviation of a nullable reference to it.
    std::string_view ref;
    int64_t code;
};
inline constexpr HeapKeyword heap_keywords[] = {
    {"func", "funcref", HeapCode::func},
    {"extern", "externref", -0x11},
    {"any", "anyref", -0x12},
    {"eq", "eqref", -0x13},
    {"i31", "i31ref", -0x14},
    {"struct", "structref", -0x15},
    {"array", "arrayref", -0x16},
    {"exn", "exnref", -0x17},
    {"none", "nullref", -0x0f},
    {"noextern", "nullexternref", -0x0e},
    {"nofunc", "nullfuncref", -0x0d},
    {"noexn", "nullexnref", -0x0c},
};

/// Types that are one byte, https://webassembly.github.io/spec/core/binary/types.html#number-types
struct PlainKeyword {
    std::string_view keyword;
    uint8_t code;
    bool packed;
};
inline constexpr PlainKeyword plain_keywords[] = {
    {"i32", 0x7f, false},  {"i64", 0x7e, false}, {"f32", 0x7d, false}, {"f64", 0x7c, false},
    {"v128", 0x7b, false}, {"i8", 0x78, true},   {"i16", 0x77, true},
};

/// What begins the other types.
namespace code {
inline constexpr uint8_t ref_null = 0x63, ref = 0x64, exact = 0x62;
inline constexpr uint8_t func = 0x60, struct_ = 0x5f, array = 0x5e;
inline constexpr uint8_t sub = 0x50, sub_final = 0x4f, rec = 0x4e, descriptor = 0x4d, describes = 0x4c;
/// In place of an import's kind, for a function that must have just the type.
inline constexpr uint8_t exact_func = 0x20;
/// Of a block without parameters and results.
inline constexpr uint8_t empty_block = 0x40;
/// Of a table with an initialiser, in place of its type.
inline constexpr uint8_t table_with_initialiser = 0x40;
} // namespace code

/// The flags of limits.
namespace limits_flag {
inline constexpr uint8_t max = 1, shared = 2, is_64 = 4, page_size = 8;
}

/// What can be imported and exported, by its code.
struct ExternKeyword {
    std::string_view keyword;
    ExternKind kind;
    Space space;
};
inline constexpr ExternKeyword extern_keywords[] = {
    {"func", ExternKind::func, Space::func},       {"table", ExternKind::table, Space::table},
    {"memory", ExternKind::memory, Space::memory}, {"global", ExternKind::global, Space::global},
    {"tag", ExternKind::tag, Space::tag},
};

/// The clauses of `try_table`, by their codes.
/// https://webassembly.github.io/spec/core/binary/instructions.html#control-instructions
struct CatchKeyword {
    std::string_view keyword;
    bool has_tag;
};
inline constexpr CatchKeyword catch_keywords[] = {
    {"catch", true}, {"catch_ref", true}, {"catch_all", false}, {"catch_all_ref", false}};

/// The subsections of the name section; an indirect one has names by function or type.
/// https://webassembly.github.io/spec/core/appendix/custom.html#name-section and the proposal of extended
/// names
struct NameSubsection {
    uint8_t id;
    Space space;
    bool indirect;
};
inline constexpr NameSubsection name_subsections[] = {
    {1, Space::func, false},  {2, Space::local, true},   {3, Space::label, true},   {4, Space::type, false},
    {5, Space::table, false}, {6, Space::memory, false}, {7, Space::global, false}, {8, Space::elem, false},
    {9, Space::data, false},  {10, Space::field, true},  {11, Space::tag, false},
};
inline constexpr uint8_t module_name_subsection = 0;

inline constexpr std::string_view name_section = "name";
inline constexpr std::string_view hint_section = "metadata.code.branch_hint";

} // namespace warpbeam::text
