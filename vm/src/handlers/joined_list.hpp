#pragma once

#include "handlers/joined_table.hpp"

/// Which instructions are joined (joined.hpp).

namespace warpbeam::vm {

struct JoinedChoices {
    size_t count;
    Choice parts[max_joined];
};

// clang-format off
#define WARPBEAM_CHOICE(form, op, result, a, b, c, option)                                                   \
    Choice{Form::form, Op::op, {Dst::result, Src::a, Src::b, Src::c, option}}
#define WARPBEAM_JOIN2(x, y) {2, {WARPBEAM_CHOICE x, WARPBEAM_CHOICE y}},
#define WARPBEAM_JOIN3(x, y, z) {3, {WARPBEAM_CHOICE x, WARPBEAM_CHOICE y, WARPBEAM_CHOICE z}},
#define WARPBEAM_JOIN4(x, y, z, u) {4, {WARPBEAM_CHOICE x, WARPBEAM_CHOICE y, WARPBEAM_CHOICE z, WARPBEAM_CHOICE u}},
#define WARPBEAM_JOIN5(x, y, z, u, v)                                                                        \
    {5, {WARPBEAM_CHOICE x, WARPBEAM_CHOICE y, WARPBEAM_CHOICE z, WARPBEAM_CHOICE u, WARPBEAM_CHOICE v}},
inline constexpr JoinedChoices joined_list[] = {
#include "handlers/joined_rows.inc"
};
#undef WARPBEAM_JOIN5
#undef WARPBEAM_JOIN4
#undef WARPBEAM_JOIN3
#undef WARPBEAM_JOIN2
#undef WARPBEAM_CHOICE
// clang-format on
inline constexpr size_t joined_count = std::size(joined_list);

/// They are compiled in parts.
inline constexpr size_t joined_parts = 4;
constexpr size_t joined_begin(size_t part) noexcept { return joined_count * part / joined_parts; }

} // namespace warpbeam::vm
