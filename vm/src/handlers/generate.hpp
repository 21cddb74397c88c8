#pragma once

#include "handlers/dispatch.hpp"
#include "handlers/handler_table.hpp"
#include "isa/decoder.hpp"

/// Makes handlers from bodies, for all variants that exist. A body (dispatch.hpp) is a class template with
/// the instruction and the variant, or only the variant, as parameters; it instantiates the decoder of its
/// form with them.

namespace warpbeam::vm {

/// For one instruction.
template <Form form, Op op, template <Op, Variant> typename Body>
struct Generated {
    using Set = VariantSet<form, coverage_of(form, op), banks_of(sig_of(op))>;
    static constexpr auto handlers = []<size_t... i>(std::index_sequence<i...>) {
        return std::array<Handler, Set::size>{&handler<Body<op, Set::list[i]>>...};
    }(std::make_index_sequence<Set::size>{});
};

/// The same as VariantSet's places, for each kind of body: the vector operators of one instruction set share
/// nothing with those of another (test vm.isa).
template <Form form, Coverage coverage, Banks banks, template <Op, Variant> typename Body>
inline constexpr auto places_of = VariantSet<form, coverage, banks>::places;

template <Form form, Op op, template <Op, Variant> typename Body>
constexpr HandlerRow handler_row() noexcept {
    constexpr Coverage coverage = coverage_of(form, op);
    if constexpr (coverage == Coverage::none)
        return {};
    else
        return {Generated<form, op, Body>::handlers.data(),
                places_of<form, coverage, banks_of(sig_of(op)), Body>.data()};
}

/// For all instructions of a family.
template <Form form, Family family, template <Op, Variant> typename Body>
inline constexpr auto handler_rows = []<size_t... i>(std::index_sequence<i...>) {
    return std::array{handler_row<form, ops_of<family>[i], Body>()...};
}(std::make_index_sequence<ops_of<family>.size()>{});

/// For a form that belongs to no particular instruction.
template <Form form, template <Variant> typename Body>
struct Plain {
    using Set = VariantSet<form, Coverage::full, Banks{}>;
    static constexpr auto handlers = []<size_t... i>(std::index_sequence<i...>) {
        return std::array<Handler, Set::size>{&handler<Body<Set::list[i]>>...};
    }(std::make_index_sequence<Set::size>{});
    static constexpr HandlerRow row{handlers.data(), Set::places.data()};
};

template <Form form, Family family, template <Op, Variant> typename Body>
constexpr HandlerGroup group() noexcept {
    if constexpr (!is_built(form) || std::ranges::none_of(ops_of<family>, [](Op op) { return is_built(op); }))
        return {form, family, nullptr, 0};
    else
        return {form, family, handler_rows<form, family, Body>.data(),
                handler_rows<form, family, Body>.size()};
}
template <Form form, template <Variant> typename Body>
constexpr HandlerGroup group() noexcept {
    return {form, Family::none, &Plain<form, Body>::row, 1};
}

/// The groups in each source file.
using HandlerGroups = std::span<const HandlerGroup>;
extern const HandlerGroups i32_groups;
extern const HandlerGroups i64_groups;
extern const HandlerGroups float_groups;
extern const HandlerGroups unary_groups;
extern const HandlerGroups branch_groups;
extern const HandlerGroups latch_groups;
extern const HandlerGroups i32_load_groups;
extern const HandlerGroups i64_load_groups;
extern const HandlerGroups float_load_groups;
extern const HandlerGroups vector_load_groups;
extern const HandlerGroups store_groups;
extern const HandlerGroups canonical_groups;
extern const HandlerGroups any_memory_groups;
extern const HandlerGroups atomic_groups;
extern const HandlerGroups move_groups;
extern const HandlerGroups large_frame_groups;
extern const HandlerGroups control_groups;
extern const HandlerGroups call_groups;
extern const HandlerGroups exception_groups;
extern const HandlerGroups continuation_groups;
extern const HandlerGroups general_groups;
extern const HandlerGroups field_get_groups;
extern const HandlerGroups field_set_groups;
extern const HandlerGroups object_groups;
extern const HandlerGroups observe_groups;
extern const HandlerGroups lane_groups;
/// The groups for the processor's instruction set.
[[nodiscard]] std::array<HandlerGroups, 4> simd_groups() noexcept;

} // namespace warpbeam::vm
