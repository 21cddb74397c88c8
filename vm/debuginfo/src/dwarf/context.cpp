#include "dwarf/context.hpp"

#include <cinttypes>
#include <string_view>

namespace warpbeam::dwarf {

Sections::Sections(const Module& module) noexcept {
    constexpr uint8_t code_id = 10;
    for (const SectionRange& range : module.sections())
        if (range.id == code_id) {
            code_offset = range.offset;
            code_size = static_cast<uint32_t>(range.size);
        }
    Section* const all[] = {&info, &abbrev, &str, &line, &line_str, &ranges, &rnglists, &addr, &str_offsets};
    // The first section of a name counts.
    for (const CustomSection& custom : module.custom_sections())
        if (custom.name.starts_with(".debug_"))
            for (Section* const each : all)
                if (each->bytes.empty() && custom.name == each->name)
                    each->bytes = custom.bytes;
}

namespace {

constexpr uint64_t steps_per_byte = 8;
constexpr uint64_t steps_at_least = 4096;

uint64_t work_for(const Sections& sections) noexcept {
    const uint64_t size = sections.info.bytes.size() + sections.abbrev.bytes.size() +
                          sections.line.bytes.size() + sections.ranges.bytes.size() +
                          sections.rnglists.bytes.size();
    return steps_at_least + steps_per_byte * size;
}

} // namespace

Context::Context(const Module& module, Allocator& from) noexcept
    : sections{module}, allocator{from}, work_left_{work_for(sections)} {}

bool Context::damaged(const Section& section, uint64_t offset, const char* what) noexcept {
    if (!damage_)
        damage_ =
            Error{allocator, ErrorCode::malformed, "%s at 0x%" PRIx64 ": %s", section.name, offset, what};
    return false;
}

} // namespace warpbeam::dwarf
