#include "decode_sections.hpp"
#include "decode_types.hpp"
#include "validate_func.hpp"

#include <warpbeam/loader/custom_sections.hpp>
#include <warpbeam/loader/header.hpp>
#include <warpbeam/loader/section_table.hpp>

namespace warpbeam {
namespace {

/// By id.
constexpr DecodeSection* decoders[] = {nullptr,
                                       decode_type_section,
                                       decode_import_section,
                                       decode_function_section,
                                       decode_table_section,
                                       decode_memory_section,
                                       decode_global_section,
                                       decode_export_section,
                                       decode_start_section,
                                       decode_element_section,
                                       decode_code_section,
                                       decode_data_section,
                                       decode_data_count_section,
                                       decode_tag_section};
static_assert(std::size(decoders) == std::size(section_table));

bool custom_section(LoadContext& context, Reader& in) noexcept {
    CustomSection section;
    if (!in.name(section.name))
        return false;
    section.offset = in.offset();
    const uint8_t* const start = in.position();
    if (!in.skip(in.remaining()))
        return false;
    section.bytes = in.since(start);
    return context.append(context.module.custom_sections, section);
}

bool header(LoadContext& context, Reader& in) noexcept {
    if (const std::optional<Error> error = check_header(context.module.bytes, context.allocator)) {
        const std::string_view message = error->message();
        return context.diagnostics.malformed(error->offset(), "%.*s", static_cast<int>(message.size()),
                                             message.data());
    }
    return in.skip(std::size(binary_header));
}

bool section(LoadContext& context, Reader& in, unsigned& last_rank) noexcept {
    Diagnostics& diagnostics = context.diagnostics;
    diagnostics.enter_section(nullptr);
    const size_t start = in.offset();
    uint8_t id = 0;
    if (!in.byte(id))
        return false;
    if (id >= std::size(section_table))
        return diagnostics.malformed(start, "malformed section id %u", id);
    const SectionRow& row = section_table[id];
    diagnostics.enter_section(row.name);
    uint32_t size = 0;
    if (!in.u32(size))
        return false;
    if (size > in.remaining())
        return diagnostics.malformed(start,
                                     "length out of bounds: unexpected end, the section size is %u byte%s, "
                                     "but only %zu left",
                                     size, size == 1 ? "" : "s", in.remaining());
    if (row.rank != 0 && row.rank <= last_rank)
        return diagnostics.malformed(start,
                                     "unexpected content after last section: the section is repeated or out "
                                     "of order");
    if (!context.module.sections.push({id, in.offset(), size}))
        return diagnostics.out_of_memory();

    Reader contents = in.part(size);
    if (row.rank == 0)
        return custom_section(context, contents);
    last_rank = row.rank;
    if (!decoders[id](context, contents))
        return false;
    if (!contents.at_end())
        return diagnostics.malformed(contents.offset(), "section size mismatch: %zu byte%s left over",
                                     contents.remaining(), contents.remaining() == 1 ? "" : "s");
    return true;
}

/// A malformed section counts as absent: the module stays as it is. Returns false only if memory runs out.
bool name_section_of(LoadContext& context, const CustomSection& section) noexcept {
    std::string_view name;
    Vec<NamedFunc> names{context.allocator};
    NameReader in{section.bytes, NameSpace::module, NameSpace::func};
    while (const auto entry = in.next()) {
        if (entry->space == NameSpace::module)
            name = entry->name;
        else if (entry->index >= context.module.funcs.size())
            return true;
        else if (!names.push({entry->index, entry->name}))
            return context.diagnostics.out_of_memory();
    }
    if (in.good()) {
        context.module.name = name;
        context.module.func_names = std::move(names);
    }
    return true;
}

} // namespace

bool decode_module(LoadContext& context) noexcept {
    ModuleData& module = context.module;
    Diagnostics& diagnostics = context.diagnostics;
    if (module.bytes.size() > context.limits.module_size)
        return diagnostics.limit(0, "the module has %zu bytes (the limit is %zu)", module.bytes.size(),
                                 context.limits.module_size);
    Reader in{module.bytes, diagnostics};
    if (!header(context, in))
        return false;
    FuncValidator validator{context};
    context.validator = &validator;
    if (!validator.prepare())
        return false;
    unsigned last_rank = 0;
    while (!in.at_end())
        if (!section(context, in, last_rank))
            return false;

    diagnostics.enter_section(nullptr);
    const size_t defined_funcs = module.funcs.size() - module.imported_funcs;
    if (module.bodies.size() != defined_funcs)
        return diagnostics.malformed(in.offset(),
                                     "function and code section have inconsistent lengths: %zu and %zu",
                                     defined_funcs, module.bodies.size());
    if (module.data_count && *module.data_count != module.data.size())
        return diagnostics.malformed(in.offset(),
                                     "data count and data section have inconsistent lengths: %u and %zu",
                                     *module.data_count, module.data.size());
    for (const CustomSection& custom : module.custom_sections)
        if (custom.name == name_section && !name_section_of(context, custom))
            return false;
    return true;
}

} // namespace warpbeam
