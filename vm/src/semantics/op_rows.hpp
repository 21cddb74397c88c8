#pragma once

#include "isa/variants.hpp"

/// What the engine knows about each WebAssembly instruction, in addition to the loader's instruction table:
/// how it is lowered, which variants its handlers come in, and what it computes.
///
/// The columns of the rows (`op_rows_*.inc`): the instruction; its family; the coverage of its own form; the
/// equivalent instruction for swapped operands, and the opposite instruction (`unreachable`: there is none);
/// what it computes, as a type or function that the files with the family's handlers know.

namespace warpbeam::vm {

/// Instructions that are lowered the same way.
enum class Family : uint8_t {
    none, ///< for forms whose handlers belong to no particular instruction
    control,
    call,
    exception,
    continuation,
    parametric,
    variable,
    constant,
    nothing,  ///< changes only the type of a value
    equality, ///< comparisons with zero and of references, done like those of integers
    i32_binary,
    i64_binary,
    float_binary,
    unary,
    i32_load,
    i64_load,
    float_load,
    vector_load,
    store,
    general0, ///< with this number of immediates
    general1,
    general2,
    atomic,
    fence,
    wide_sum,
    wide_product,
    object,
    reference_unary,
    vector_int_binary,
    vector_float_binary,
    vector_unary,
    vector_ternary,
    vector_shift,
    vector_replace,
    vector_extract,
    vector_shuffle,
    vector_lane_load,
    vector_lane_store,
};
inline constexpr size_t family_count = static_cast<size_t>(Family::vector_lane_store) + 1;

/// Whether the library has an instruction (warpbeam/build.hpp). Both exception proposals have `throw`.
constexpr bool is_built(Op op) noexcept {
    const InstrRow* const row = find_instr(static_cast<uint32_t>(op));
    return row != nullptr && is_built(op == Op::throw_ ? Feature::exceptions : row->feature);
}

struct OpRow {
    Op op;
    Family family;
    Coverage coverage;
    Op mirror;
    Op negation;
};
inline constexpr auto op_rows = [] {
    constexpr OpRow given[] = {
#define WARPBEAM_OP(op, family, coverage, mirror, negation, ...)                                             \
    {Op::op, Family::family, Coverage::coverage, Op::mirror, Op::negation},
#include "semantics/op_rows_access.inc"
#include "semantics/op_rows_atomic.inc"
#include "semantics/op_rows_general.inc"
#include "semantics/op_rows_lowering.inc"
#include "semantics/op_rows_numeric.inc"
#include "semantics/op_rows_reference.inc"
#include "semantics/op_rows_simd.inc"
#undef WARPBEAM_OP
    };
    std::array<OpRow, std::size(instr_table)> rows{};
    std::ranges::copy_if(given, rows.begin(), [](const OpRow& row) {
        return find_instr(static_cast<uint32_t>(row.op)) != nullptr;
    });
    return rows;
}();

namespace detail {

struct OpPlace {
    uint16_t row = UINT16_MAX; ///< position in `op_rows`
    Family family = Family::none;
    uint8_t in_family = 0; ///< position in its family
    /// How many words of eight bytes a constant of each type in its signature takes: 0 if it takes four
    /// bytes, and two bits for each, in the order of Typed::in0 to Typed::out.
    uint8_t widths = 0;
};
constexpr uint8_t widths_of(const Sig& sig) noexcept {
    unsigned widths = 0;
    for (const Typed typed : {Typed::in0, Typed::in1, Typed::in2, Typed::out})
        widths |= static_cast<unsigned>(bytes_of(type_of(typed, sig, 0)) >> 3)
                  << 2 * (static_cast<unsigned>(typed) - static_cast<unsigned>(Typed::in0));
    return static_cast<uint8_t>(widths);
}
/// The position of an instruction in the instruction table.
constexpr size_t number_of(Op op) noexcept {
    const auto code = static_cast<uint32_t>(op);
    return size_t{warpbeam::detail::instr_index.position[warpbeam::detail::index_row(code)][code & 0xfff]} -
           1;
}
/// Indexed by position in the instruction table.
inline constexpr auto op_places = [] {
    std::array<OpPlace, std::size(instr_table)> places{};
    std::array<uint8_t, family_count> next{};
    for (size_t i = 0; i < std::size(op_rows); ++i) {
        uint8_t& in_family = next[static_cast<size_t>(op_rows[i].family)];
        places[number_of(op_rows[i].op)] = {static_cast<uint16_t>(i), op_rows[i].family, in_family++,
                                            widths_of(warpbeam::row_of(op_rows[i].op).sig)};
    }
    return places;
}();
static_assert(std::size(op_rows) == std::size(instr_table) &&
                  std::ranges::all_of(op_places, [](OpPlace place) { return place.row != UINT16_MAX; }),
              "every row of the instruction table is lowered");
constexpr const OpPlace& place_of(Op op) noexcept { return op_places[number_of(op)]; }

} // namespace detail

constexpr const OpRow& op_row(Op op) noexcept { return op_rows[detail::place_of(op).row]; }
constexpr Family family_of(Op op) noexcept { return detail::place_of(op).family; }
constexpr const Sig& sig_of(Op op) noexcept { return warpbeam::row_of(op).sig; }

/// The instructions of a family.
template <Family family>
inline constexpr auto ops_of = [] {
    constexpr auto count = static_cast<size_t>(std::ranges::count(op_rows, family, &OpRow::family));
    std::array<Op, count> ops{};
    size_t next = 0;
    for (const OpRow& row : op_rows)
        if (row.family == family)
            ops[next++] = row.op;
    return ops;
}();

constexpr bool is_comparison(Op op) noexcept {
    const Family family = family_of(op);
    return (family == Family::i32_binary || family == Family::i64_binary || family == Family::float_binary) &&
           (op_row(op).negation != Op::unreachable ||
            (op_row(op).mirror != Op::unreachable && op_row(op).mirror != op));
}

/// Which variants of a form an instruction has: none if the form does not apply to it.
constexpr Coverage coverage_of(Form form, Op op) noexcept {
    if (!is_built(op))
        return Coverage::none;
    const OpRow& row = op_row(op);
    const bool is_integer = row.family == Family::i32_binary || row.family == Family::i64_binary;
    switch (form) {
    case Form::compare_branch:
        if (is_comparison(op))
            return row.mirror == op ? Coverage::commutative : Coverage::comparing;
        return op == Op::i32_and || op == Op::i64_and ? Coverage::bits : Coverage::none;
    case Form::latch:
        return is_integer && is_comparison(op) ? Coverage::full : Coverage::none;
    // The fields of objects are accessed like memory by these instructions.
    case Form::struct_get:
    case Form::array_get:
        return row.family == Family::i32_load || op == Op::i64_load || op == Op::f32_load ||
                       op == Op::f64_load || op == Op::v128_load
                   ? Coverage::full
                   : Coverage::none;
    case Form::struct_set:
    case Form::array_set:
        return op == Op::i32_store || op == Op::i32_store8 || op == Op::i32_store16 || op == Op::i64_store ||
                       op == Op::f32_store || op == Op::f64_store || op == Op::v128_store
                   ? Coverage::full
                   : Coverage::none;
    case Form::load_indexed:
        return warpbeam::row_of(op).access_log2 != 0 && row.coverage != Coverage::compact ? row.coverage
                                                                                          : Coverage::none;
    default:
        return row.coverage;
    }
}

// The mirror of a mirror, and the negation of a negation, is the instruction itself, with the same types.
static_assert(std::ranges::all_of(op_rows, [](const OpRow& row) {
    const auto is_mutual = [&](Op OpRow::* column) {
        const Op other = row.*column;
        return other == Op::unreachable ||
               (op_row(other).*column == row.op && sig_of(other) == sig_of(row.op));
    };
    return is_mutual(&OpRow::mirror) && is_mutual(&OpRow::negation);
}));

// ---- Types and semantics, for handlers ----

/// In a row's expansion, defines what the instruction computes, as the member `type` of a template.
#define WARPBEAM_SEMANTICS(Of, op, ...)                                                                      \
    template <>                                                                                              \
    struct Of<Op::op> {                                                                                      \
        using type = __VA_ARGS__;                                                                            \
    };

namespace detail {

template <Sig::Type type>
using NumberOf = std::conditional_t<
    type == Sig::i32, uint32_t,
    std::conditional_t<
        type == Sig::i64, uint64_t,
        std::conditional_t<type == Sig::f32, float, std::conditional_t<type == Sig::f64, double, Vector>>>>;

} // namespace detail

/// The type of an instruction's operand or result in handlers.
template <Op op, size_t i>
using OperandOf = detail::NumberOf<sig_of(op).in[i]>;
template <Op op>
using ResultOf = detail::NumberOf<sig_of(op).out>;

} // namespace warpbeam::vm
