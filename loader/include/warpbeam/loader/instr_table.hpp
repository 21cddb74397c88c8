#pragma once

#include <warpbeam/loader/built_features.hpp>
#include <warpbeam/loader/feature.hpp>
#include <warpbeam/loader/types.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

/// @file
/// The table of all instructions, used by the decoder, the validator, the text front end, the printer and the
/// lowering. Thread-safety: constants only.
/// https://webassembly.github.io/spec/core/binary/instructions.html
///
/// The columns of the rows (`instr_rows_*.inc`): identifier; encoding (the opcode, or prefix << 12 |
/// sub-opcode); keyword of the text format; form of the immediates; signature; feature; for instructions with
/// a `mem_arg`, the base-2 logarithm of the bytes accessed, which is also the natural alignment.

namespace warpbeam {

/// An instruction. The value is its encoding.
enum class Op : uint32_t {
#define WARPBEAM_INSTR(id, code, text, imm, sig, feature, access) id = code,
#include <warpbeam/loader/instr_rows_atomics.inc>
#include <warpbeam/loader/instr_rows_core.inc>
#include <warpbeam/loader/instr_rows_gc.inc>
#include <warpbeam/loader/instr_rows_simd.inc>
#include <warpbeam/loader/instr_rows_switching.inc>
#undef WARPBEAM_INSTR
};

/// What follows the opcode in the binary format, in this order. Indices are u32 in LEB128.
enum class Imm : uint8_t {
    none,
    block,             ///< a block type
    label,             ///< a label index
    label_table,       ///< a vector of label indices, then the default's
    func,              ///< a function index
    type,              ///< a type index
    type_table,        ///< a type index, a table index
    type_field,        ///< a type index, a field index
    type_count,        ///< a type index, a number of operands
    type_type,         ///< two type indices: destination, source
    type_data,         ///< a type index, a data index
    type_elem,         ///< a type index, an element index
    local,             ///< a local index
    global,            ///< a global index
    table,             ///< a table index
    table_table,       ///< two table indices: destination, source
    elem,              ///< an element index
    elem_table,        ///< an element index, a table index
    data,              ///< a data index
    memory,            ///< a memory index
    memory_memory,     ///< two memory indices: destination, source
    data_memory,       ///< a data index, a memory index
    tag,               ///< a tag index
    type_tag,          ///< a type index, a tag index
    type_handlers,     ///< a type index, a vector of handler clauses
    type_tag_handlers, ///< a type index, a tag index, a vector of handler clauses
    mem_arg,           ///< alignment exponent (bit 6: a memory index follows), offset
    mem_arg_lane,      ///< a mem_arg, a lane index
    lane,              ///< a lane index, one byte
    lanes,             ///< sixteen lane indices
    i32,               ///< a signed 32-bit LEB128
    i64,               ///< a signed 64-bit LEB128
    f32,               ///< four bytes
    f64,               ///< eight bytes
    v128,              ///< sixteen bytes
    heap_type,         ///< a heap type
    select_types,      ///< a vector of value types
    cast,              ///< a byte of nullability flags, a label index, two heap types: source, target
    try_table,         ///< a block type, a vector of catch clauses
    fence,             ///< one zero byte
};

/// The operand and result types of an instruction whose types do not depend on context. `addr` stands for the
/// address type of the memory that the immediate names.
struct Sig {
    /// The types that occur.
    enum Type : uint8_t { none, i32, i64, f32, f64, v128, addr };
    /// The number of operands, or `special` if the instruction has its own rules.
    uint8_t arity;
    std::array<Type, 3> in; ///< the types of the operands
    Type out;               ///< the type of the result
    friend constexpr bool operator==(const Sig&, const Sig&) noexcept = default;
};

/// Signatures by name.
namespace sig {
/// The signature of instructions with rules of their own.
inline constexpr Sig special{0xff, {}, Sig::none};
} // namespace sig
/// The type that a letter stands for: i = i32, l = i64, f = f32, d = f64, s = v128, a = an address. Other
/// letters do not compile.
consteval Sig::Type named_type(char letter) {
    switch (letter) {
    case 'i':
        return Sig::i32;
    case 'l':
        return Sig::i64;
    case 'f':
        return Sig::f32;
    case 'd':
        return Sig::f64;
    case 's':
        return Sig::v128;
    case 'a':
        return Sig::addr;
    }
    std::unreachable();
}
/// A signature written in letters: operands_result. It is evaluated for each instruction in each file that
/// includes the table, so it is kept cheap to compile.
template <size_t size>
consteval Sig named_sig(const char (&name)[size]) {
    if (size == sizeof "special")
        return sig::special;
    size_t arity = 0;
    Sig sig{0, {}, Sig::none};
    for (; name[arity] != '_'; ++arity)
        sig.in[arity] = named_type(name[arity]);
    if (arity + 2 < size)
        sig.out = named_type(name[arity + 1]);
    sig.arity = static_cast<uint8_t>(arity);
    return sig;
}

namespace detail {
/// All keywords, in the order of the table, each with a NUL after it. A table of pointers to them would have
/// to be adjusted by the loader of every program.
inline constexpr char instr_keywords[] =
#define WARPBEAM_INSTR(id, code, text, imm, sig, feature, access) text "\0"
#include <warpbeam/loader/instr_rows_atomics.inc>
#include <warpbeam/loader/instr_rows_core.inc>
#include <warpbeam/loader/instr_rows_gc.inc>
#include <warpbeam/loader/instr_rows_simd.inc>
#include <warpbeam/loader/instr_rows_switching.inc>
#undef WARPBEAM_INSTR
    ;
} // namespace detail

/// A row of the table.
struct InstrRow {
    Op op;                    ///< identifier and encoding
    Imm imm;                  ///< form of the immediates
    Sig sig;                  ///< types of operands and result
    Feature feature;          ///< the feature that it is part of
    uint8_t access_log2;      ///< bytes accessed, as a binary logarithm
    uint8_t text_size;        ///< characters of the keyword
    uint16_t text_offset = 0; ///< in `instr_keywords`
    /// The keyword, with a NUL after it.
    [[nodiscard]] constexpr std::string_view text() const noexcept {
        return {detail::instr_keywords + text_offset, text_size};
    }
};

namespace detail {
/// All instructions, in the library or not.
inline constexpr auto all_instrs = [] {
    constexpr InstrRow given[] = {
#define WARPBEAM_INSTR(id, code, text, imm, signature, feature, access)                                      \
    {Op::id, Imm::imm, named_sig(#signature), Feature::feature, access, sizeof text - 1},
#include <warpbeam/loader/instr_rows_atomics.inc>
#include <warpbeam/loader/instr_rows_core.inc>
#include <warpbeam/loader/instr_rows_gc.inc>
#include <warpbeam/loader/instr_rows_simd.inc>
#include <warpbeam/loader/instr_rows_switching.inc>
#undef WARPBEAM_INSTR
    };
    std::array<InstrRow, std::size(given)> rows{};
    std::ranges::copy(given, rows.begin());
    uint16_t offset = 0;
    for (InstrRow& row : rows) {
        row.text_offset = offset;
        offset = static_cast<uint16_t>(offset + row.text_size + 1);
    }
    return rows;
}();
/// Whether an instruction is in the table: without names, only those that the library has.
constexpr bool is_listed(const InstrRow& row) noexcept {
    return WARPBEAM_NAMES != 0 || is_built(row.op == Op::throw_ ? Feature::exceptions : row.feature);
}
} // namespace detail

/// All instructions; in a build without names, those that the library has.
inline constexpr auto instr_table = [] {
    std::array<InstrRow, static_cast<size_t>(std::ranges::count_if(detail::all_instrs, detail::is_listed))>
        rows{};
    std::ranges::copy_if(detail::all_instrs, rows.begin(), detail::is_listed);
    return rows;
}();

/// Whether a byte is an opcode prefix, which is followed by a sub-opcode.
constexpr bool is_prefix(uint32_t byte) noexcept { return byte >= 0xfb && byte <= 0xfe; }
/// All sub-opcodes are less than this.
inline constexpr uint32_t sub_opcode_limit = 0xfff;
/// The encoding of an instruction that has a prefix.
constexpr uint32_t prefixed_code(uint32_t prefix, uint32_t sub_opcode) noexcept {
    return prefix << 12 | std::min(sub_opcode, sub_opcode_limit);
}

namespace detail {

/// For each prefix, the position of sub-opcode n in the table plus one, or 0; row 0 is for one-byte opcodes.
struct InstrIndex {
    std::array<std::array<uint16_t, 0x120>, 5> position{};
};
constexpr unsigned index_row(uint32_t op) noexcept { return op < 0x100 ? 0 : (op >> 12) - 0xfa; }
inline constexpr InstrIndex instr_index = [] {
    InstrIndex index;
    for (size_t i = 0; i < std::size(instr_table); ++i) {
        const auto code = static_cast<uint32_t>(instr_table[i].op);
        index.position[index_row(code)][code & 0xfff] = static_cast<uint16_t>(i + 1);
    }
    return index;
}();

} // namespace detail

/// The row with the encoding `code` (the opcode, or prefix << 12 | sub-opcode); null if there is none.
constexpr const InstrRow* find_instr(uint32_t code) noexcept {
    if (code >= 0x100 && !is_prefix(code >> 12))
        return nullptr;
    const uint32_t sub = code & sub_opcode_limit;
    const auto& row = detail::instr_index.position[detail::index_row(code)];
    if (sub >= row.size() || row[sub] == 0)
        return nullptr;
    return &instr_table[row[sub] - 1];
}
/// The feature that an instruction which is not in the table belongs to; `core` if there is no such
/// instruction.
constexpr Feature missing_feature(uint32_t code) noexcept {
    struct Run {
        uint32_t begin;
        uint32_t end;
        Feature feature;
    };
    // Whole ranges of encodings, since instructions of a feature mostly lie together.
    constexpr auto make = [](auto& runs) {
        size_t count = 0;
        for (const InstrRow& row : detail::all_instrs) {
            const auto at = static_cast<uint32_t>(row.op);
            if (detail::is_listed(row))
                continue;
            if (count != 0 && runs[count - 1].end == at && runs[count - 1].feature == row.feature)
                ++runs[count - 1].end;
            else
                runs[count++] = {at, at + 1, row.feature};
        }
        return count;
    };
    constexpr size_t count = [make] {
        std::array<Run, std::size(detail::all_instrs)> runs{};
        return make(runs);
    }();
    if constexpr (count != 0) {
        constexpr auto runs = [make] {
            std::array<Run, std::size(detail::all_instrs)> all{};
            make(all);
            std::array<Run, count> found{};
            std::ranges::copy_n(all.begin(), count, found.begin());
            return found;
        }();
        for (const Run& run : runs)
            if (code >= run.begin && code < run.end)
                return run.feature;
    }
    return Feature::core;
}
/// The row of an instruction.
constexpr const InstrRow& row_of(Op op) noexcept { return *find_instr(static_cast<uint32_t>(op)); }

static_assert(std::ranges::all_of(instr_table, [](const InstrRow& row) { return &row_of(row.op) == &row; }),
              "each encoding occurs once");

} // namespace warpbeam
