#include "source_map.hpp"

#include "module_parser.hpp"

#include <algorithm>

namespace warpbeam::text {

std::optional<size_t> SourceMap::find(size_t offset) const noexcept {
    for (const Part& part : parts_) {
        // A fault may lie at the end of the contents.
        if (offset < part.begin || offset > part.end)
            continue;
        const Mark* const after =
            std::ranges::upper_bound(part.marks, offset - part.begin, {}, &Mark::binary);
        if (after != part.marks.begin())
            return after[-1].text;
    }
    return std::nullopt;
}

Bytes& ModuleParser::add(Section& section, SectionId id) noexcept {
    mark(id, section.bytes.size());
    return section.add();
}

void ModuleParser::mark(SectionId section, size_t binary) noexcept {
    if (map_ != nullptr && !map_->add(section, {binary, field_begin_}))
        fail_memory();
}

/// Records that the next code in a function body comes from a position in the text.
void ModuleParser::mark_instruction(size_t text) noexcept {
    if (map_ != nullptr && out_ == &body_ && !body_marks_.push({body_.size(), text}))
        fail_memory();
}

void ModuleParser::end_body() noexcept {
    add(codes_, SectionId::code).sized(body_.view());
    const size_t body = codes_.bytes.size() - body_.size();
    for (const Mark& each : body_marks_)
        if (!map_->add(SectionId::code, {body + each.binary, each.text}))
            return fail_memory();
    body_marks_.clear();
}

} // namespace warpbeam::text
