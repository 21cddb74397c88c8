#include "decode_sections.hpp"

/// https://webassembly.github.io/spec/core/appendix/custom.html#name-section

namespace warpbeam {
namespace {

constexpr uint8_t module_name = 0;
constexpr uint8_t function_names = 1;

bool func_names(LoadContext& context, Reader& in, Vec<NamedFunc>& names) noexcept {
    uint32_t count = 0;
    if (!in.count(count, "names"))
        return false;
    if (!names.reserve(count))
        return context.diagnostics.out_of_memory();
    for (uint32_t i = 0; i < count; ++i) {
        NamedFunc named;
        if (!in.u32(named.func) || !in.name(named.name))
            return false;
        const bool ascending = names.empty() || names.back().func < named.func;
        if (!ascending || named.func >= context.module.funcs.size())
            return false;
        if (!names.push(named))
            return context.diagnostics.out_of_memory();
    }
    return in.at_end();
}

bool subsections(LoadContext& context, Reader& in, std::string_view& name, Vec<NamedFunc>& names) noexcept {
    int last_id = -1;
    while (!in.at_end()) {
        uint8_t id = 0;
        uint32_t size = 0;
        if (!in.byte(id) || !in.u32(size) || size > in.remaining() || id <= last_id)
            return false;
        last_id = id;
        Reader contents = in.part(size);
        if (id == module_name && !(contents.name(name) && contents.at_end()))
            return false;
        if (id == function_names && !func_names(context, contents, names))
            return false;
    }
    return true;
}

} // namespace

bool decode_name_section(LoadContext& context, const CustomSection& section) noexcept {
    // Its faults are nobody's business: a malformed one counts as absent. Only lack of memory is passed on.
    Diagnostics ignored;
    Reader in{context.module.bytes, ignored};
    (void)in.skip(section.offset);
    Reader contents = in.part(section.bytes.size());
    std::string_view name;
    Vec<NamedFunc> names{context.allocator};
    if (subsections(context, contents, name, names)) {
        context.module.name = name;
        context.module.func_names = std::move(names);
    }
    return !context.diagnostics.failed();
}

} // namespace warpbeam
