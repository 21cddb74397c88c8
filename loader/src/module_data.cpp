#include "module_data.hpp"

#include <algorithm>

namespace warpbeam {

const Export* ModuleData::find_export(std::string_view wanted) const noexcept {
    const auto name_of_export = [this](uint32_t position) { return exports[position].name; };
    const auto found = std::ranges::lower_bound(exports_by_name, wanted, {}, name_of_export);
    if (found == exports_by_name.end() || exports[*found].name != wanted)
        return nullptr;
    return &exports[*found];
}

std::string_view ModuleData::func_name(uint32_t func) const noexcept {
    const auto named = std::ranges::lower_bound(func_names, func, {}, &NamedFunc::func);
    if (named != func_names.end() && named->func == func)
        return named->name;
    const auto index_of_export = [this](uint32_t position) { return exports[position].index; };
    const auto exported = std::ranges::lower_bound(exports_by_func, func, {}, index_of_export);
    if (exported != exports_by_func.end() && exports[*exported].index == func)
        return exports[*exported].name;
    return {};
}

} // namespace warpbeam
