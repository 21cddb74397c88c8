// Putting the sections together, https://webassembly.github.io/spec/core/binary/modules.html

#include "custom_place.hpp"
#include "module_parser.hpp"

namespace warpbeam::text {
namespace {

void write_section(Bytes& out, uint8_t id, std::span<const uint8_t> contents) noexcept {
    out.byte(id);
    out.sized(contents);
}

void write_section(Bytes& out, uint8_t id, const Section& section, Bytes& scratch) noexcept {
    if (section.count == 0)
        return;
    scratch.clear();
    scratch.u32(section.count);
    scratch.raw(section.bytes);
    write_section(out, id, scratch.view());
}

} // namespace

void ModuleParser::write(Bytes& out) const noexcept {
    out.fixed(binary_magic, 4);
    out.fixed(binary_version, 4);
    Bytes scratch{fault(), *allocator_};
    // In the order of `SectionOrder`; two are numbers and no vectors.
    const Section* const in_order[] = {
        &types_.section(), &imports_, &funcs_,    &tables_, &memories_, &tags_, &globals_,
        &exports_,         nullptr,   &elements_, nullptr,  &codes_,    &data_};
    static_assert(std::size(in_order) == std::size(section_ids));
    for (size_t i = 0; i < std::size(in_order); ++i) {
        const auto order = static_cast<SectionOrder>(i);
        write_custom_sections(out, place_of(i, false));
        if (order == SectionOrder::code)
            write_branch_hints(out);
        const uint8_t id = section_ids[i];
        const Section* const section = in_order[i];
        scratch.clear();
        if (section != nullptr)
            write_section(out, id, *section, scratch);
        else if (order == SectionOrder::start && start_)
            scratch.u32(*start_);
        else if (order == SectionOrder::datacount && uses_data_)
            scratch.u32(data_.count);
        if (section == nullptr && !scratch.empty())
            write_section(out, id, scratch.view());
        write_custom_sections(out, place_of(i, true));
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
    const auto end_of_func = [&](size_t i) {
        const uint32_t func = hints_[i].func;
        while (i < hints_.size() && hints_[i].func == func)
            ++i;
        return i;
    };
    uint32_t funcs = 0;
    for (size_t i = 0; i < hints_.size(); i = end_of_func(i))
        ++funcs;
    contents.u32(funcs);
    for (size_t i = 0; i < hints_.size();) {
        const size_t end = end_of_func(i);
        contents.u32(hints_[i].func);
        contents.u64(end - i);
        for (; i < end; ++i) {
            contents.u64(hints_[i].offset);
            contents.byte(1);
            contents.byte(hints_[i].value);
        }
    }
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
        write_name_map(map, static_cast<Space>(id));
        write_section(contents, id, map.view());
    }
    if (contents.size() != empty)
        write_section(out, 0, contents.view());
}

/// The names of a space; an indirect map has them by owner.
void ModuleParser::write_name_map(Bytes& out, Space space) const noexcept {
    const bool indirect = has_owners(space);
    const Vec<NameEntry>& entries = name_entries_[static_cast<size_t>(space)];
    const auto end_of_owner = [&](size_t i) {
        const uint32_t owner = entries[i].owner;
        while (i < entries.size() && entries[i].owner == owner)
            ++i;
        return i;
    };
    if (indirect) {
        uint32_t owners = 0;
        for (size_t i = 0; i < entries.size(); i = end_of_owner(i))
            ++owners;
        out.u32(owners);
    }
    for (size_t i = 0; i < entries.size();) {
        const size_t end = indirect ? end_of_owner(i) : entries.size();
        if (indirect)
            out.u32(entries[i].owner);
        out.u64(end - i);
        for (; i < end; ++i) {
            out.u32(entries[i].index);
            out.sized(names_.text(entries[i].name));
        }
    }
}

} // namespace warpbeam::text
