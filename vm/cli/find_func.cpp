#include "find_func.hpp"

#include "closest.hpp"
#include "command.hpp"

#include <charconv>
#include <vector>

namespace warpbeam::cli {

uint32_t find_func(const Module& module, std::string_view func) {
    uint32_t index = 0;
    const auto [end, fault] = std::from_chars(func.data(), func.data() + func.size(), index);
    if (fault == std::errc::result_out_of_range)
        index = UINT32_MAX;
    else if (fault != std::errc{} || end != func.data() + func.size()) {
        const std::string_view name = func.starts_with("$") ? func.substr(1) : func;
        index = 0;
        while (index < module.funcs().size() && module.func_name(index) != name)
            ++index;
        if (const Export* const found = module.find_export(func);
            index == module.funcs().size() && found != nullptr && found->kind == ExternKind::func)
            index = found->index;
        std::vector<std::string_view> names;
        for (uint32_t i = 0; i < module.funcs().size(); ++i)
            names.push_back(module.func_name(i));
        if (index == module.funcs().size())
            throw Failure("warpbeam: no function named '" + printable(func) + "'" +
                          did_you_mean(name, names));
    }
    if (index >= module.funcs().size())
        throw Failure("warpbeam: no function " + std::string(func) + "; the module has " +
                      std::to_string(module.funcs().size()) +
                      (module.funcs().size() == 1 ? " function" : " functions"));
    if (index < module.imported_funcs())
        throw Failure("warpbeam: function " + printable(func) + " is imported, so it has no code");
    return index;
}

} // namespace warpbeam::cli
