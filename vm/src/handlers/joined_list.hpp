#pragma once

#include "handlers/handler_table.hpp"

/// Which instructions are joined (joined.hpp).

namespace warpbeam::vm {

struct JoinedChoices {
    Choice first;
    Choice second;
    Choice third;
    bool has_third;
};

#define WARPBEAM_CHOICE(form, op, result, a, b, c, option)                                                   \
    Choice {                                                                                                 \
        Form::form, Op::op, { Dst::result, Src::a, Src::b, Src::c, option }                                  \
    }
#define WARPBEAM_JOIN2(first, second) {WARPBEAM_CHOICE first, WARPBEAM_CHOICE second, {}, false},
#define WARPBEAM_JOIN3(first, second, third)                                                                 \
    {WARPBEAM_CHOICE first, WARPBEAM_CHOICE second, WARPBEAM_CHOICE third, true},
inline constexpr JoinedChoices joined_list[] = {
#include "handlers/joined_rows.inc"
};
#undef WARPBEAM_JOIN3
#undef WARPBEAM_JOIN2
#undef WARPBEAM_CHOICE
inline constexpr size_t joined_count = std::size(joined_list);

/// They are compiled in parts.
inline constexpr size_t joined_parts = 4;
constexpr size_t joined_begin(size_t part) noexcept { return joined_count * part / joined_parts; }

} // namespace warpbeam::vm
