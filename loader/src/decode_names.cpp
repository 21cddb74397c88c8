#include "decode_sections.hpp"

#include <warpbeam/loader/custom_sections.hpp>

namespace warpbeam {

bool decode_name_section(LoadContext& context, const CustomSection& section) noexcept {
    // A malformed section counts as absent, which is no error.
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

} // namespace warpbeam
