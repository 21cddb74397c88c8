#pragma once

#include "names.hpp"

#include <warpbeam/loader/type_codes.hpp>

#include <string_view>

namespace warpbeam::text {

/// What can be imported and exported, by its code.
struct ExternRow {
    ExternKind kind;
    Space space;
    [[nodiscard]] constexpr std::string_view keyword() const noexcept { return keyword_of(kind); }
};
inline constexpr ExternRow extern_rows[] = {
    {ExternKind::func, Space::func},     {ExternKind::table, Space::table},
    {ExternKind::memory, Space::memory}, {ExternKind::global, Space::global},
    {ExternKind::tag, Space::tag},
};

} // namespace warpbeam::text
