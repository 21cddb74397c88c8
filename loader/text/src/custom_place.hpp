#pragma once

#include <warpbeam/loader/section_table.hpp>

#include <optional>

namespace warpbeam::text {

/// A position for custom sections: before or after a section.
constexpr uint8_t place_of(SectionId section, bool after) noexcept {
    return static_cast<uint8_t>(2 * section_table[static_cast<size_t>(section)].rank + (after ? 1 : 0));
}
inline constexpr uint8_t last_place = place_of(SectionId::data, true);

/// The keyword of that section.
constexpr std::string_view keyword_at(uint8_t place) noexcept {
    return section_table[static_cast<size_t>(section_order[place / 2])].keyword;
}
/// The section that a placement names.
constexpr std::optional<SectionId> find_section(std::string_view keyword) noexcept {
    if (keyword == "first")
        return SectionId::type;
    if (keyword == "last")
        return SectionId::data;
    for (const SectionId id : section_order)
        if (id != SectionId::custom && section_table[static_cast<size_t>(id)].keyword == keyword)
            return id;
    return std::nullopt;
}

} // namespace warpbeam::text
