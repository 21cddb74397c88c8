// Assembles the sections, https://webassembly.github.io/spec/core/binary/modules.html

#include "custom_place.hpp"
#include "module_parser.hpp"

#include <algorithm>

namespace warpbeam::text {
namespace {

void write_section(Bytes& out, uint8_t id, std::span<const uint8_t> contents) noexcept {
    out.byte(id);
    out.sized(contents);
}

/// `scratch` is empty before.
void write_section(Bytes& out, uint8_t id, const Section& section, Bytes& scratch) noexcept {
    if (section.count == 0)
        return;
    scratch.u32(section.count);
    scratch.raw(section.bytes);
    write_section(out, id, scratch.view());
}

/// Writes entries grouped by function or type: for each group its index, and a vector of what `write` writes
/// for each entry.
template <typename Entry, typename Write>
void write_groups(Bytes& out, const Vec<Entry>& entries, uint32_t Entry::* owner, Write&& write) noexcept {
    const auto end_of_group = [&](size_t i) {
        const uint32_t current = entries[i].*owner;
        while (i < entries.size() && entries[i].*owner == current)
            ++i;
        return i;
    };
    uint32_t groups = 0;
    for (size_t i = 0; i < entries.size(); i = end_of_group(i))
        ++groups;
    out.u32(groups);
    for (size_t i = 0; i < entries.size();) {
        const size_t end = end_of_group(i);
        out.u32(entries[i].*owner);
        out.u64(end - i);
        for (; i < end; ++i)
            write(entries[i]);
    }
}

} // namespace

void ModuleParser::write(Bytes& out) const noexcept {
    out.raw(binary_header);
    Bytes scratch{fault(), *allocator_};
    // By id; two of them are plain numbers, not vectors.
    const Section* const sections[] = {
        nullptr,   &types_.section(), &imports_,  &funcs_, &tables_, &memories_, &globals_,
        &exports_, nullptr,           &elements_, &codes_, &data_,   nullptr,    &tags_};
    static_assert(std::size(sections) == std::size(section_table));
    for (const SectionId id : section_order) {
        if (id == SectionId::custom)
            continue;
        write_custom_sections(out, place_of(id, false));
        if (id == SectionId::code)
            write_branch_hints(out);
        const auto code = static_cast<uint8_t>(id);
        scratch.clear();
        if (const Section* const section = sections[code]) {
            write_section(out, code, *section, scratch);
            scratch.clear();
            if (map_ != nullptr && section->count != 0)
                map_->place(id, out.size() - section->bytes.size(), out.size());
        } else if (id == SectionId::start && start_)
            scratch.u32(*start_);
        else if (id == SectionId::data_count && uses_data_)
            scratch.u32(data_.count);
        if (!scratch.empty())
            write_section(out, code, scratch.view());
        if (map_ != nullptr && id == SectionId::start && start_)
            map_->place(id, out.size() - scratch.size(), out.size());
        write_custom_sections(out, place_of(id, true));
    }
    if (emit_names_)
        write_names(out);
}

void ModuleParser::write_custom_sections(Bytes& out, uint8_t place) const noexcept {
    for (const CustomSection& section : custom_sections_)
        if (section.place == place)
            write_section(out, 0, custom_bytes_.view().subspan(section.begin, section.size));
}

/// https://webassembly.github.io/branch-hinting/core/appendix/custom.html
void ModuleParser::write_branch_hints(Bytes& out) const noexcept {
    if (hints_.empty())
        return;
    Bytes contents{fault(), *allocator_};
    contents.sized(hint_section);
    write_groups(contents, hints_, &BranchHint::func, [&](const BranchHint& hint) {
        contents.u64(hint.offset);
        contents.byte(1);
        contents.byte(hint.likely ? 1 : 0);
    });
    write_section(out, 0, contents.view());
}

void ModuleParser::remember_name(Space space, uint32_t owner, uint32_t index, Symbol id,
                                 Symbol annotated) noexcept {
    const Symbol name = annotated != no_symbol ? annotated : id;
    if (name != no_symbol && emit_names_ &&
        !name_entries_[static_cast<size_t>(space)].push({owner, index, name}))
        fail_memory();
}

/// https://webassembly.github.io/spec/core/appendix/custom.html#name-section
void ModuleParser::write_names(Bytes& out) const noexcept {
    Bytes contents{fault(), *allocator_};
    Bytes map{fault(), *allocator_};
    contents.sized(name_section);
    const size_t empty = contents.size();
    if (module_name_ != no_symbol) {
        map.sized(names_.text(module_name_));
        write_section(contents, static_cast<uint8_t>(Space::module), map.view());
    }
    for (uint8_t id = 0; id < name_space_count; ++id) {
        if (name_entries_[id].empty())
            continue;
        map.clear();
        const Vec<NameEntry>& entries = name_entries_[id];
        const auto write_entry = [&](const NameEntry& entry) {
            map.u32(entry.index);
            map.sized(names_.text(entry.name));
        };
        if (has_owners(static_cast<Space>(id))) {
            write_groups(map, entries, &NameEntry::owner, write_entry);
        } else {
            map.u64(entries.size());
            std::ranges::for_each(entries, write_entry);
        }
        write_section(contents, id, map.view());
    }
    if (contents.size() != empty)
        write_section(out, 0, contents.view());
}

} // namespace warpbeam::text
