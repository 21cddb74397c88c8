#include "inspect_wat.hpp"

#include "module_text.hpp"

#include <warpbeam/text/print.hpp>

#include <cstdio>

namespace warpbeam::cli {

void print_func(const Module& module, uint32_t func) {
    const FuncBody& body = module.bodies()[func - module.imported_funcs()];
    const auto text = print_body(body.code);
    if (!text)
        throw Failure("warpbeam: " + std::string(text.error().message()));
    Types types{module};
    const std::string_view name = module.func_name(func);
    const std::string type = types.of(module.type_registry().func(body.type));
    std::string head = "(func";
    head += name.empty() ? "" : " $\"" + quoted(name) + "\"";
    head += " (;" + std::to_string(func) + ";)" + type.substr(type.find("func") + 4);
    for (const LocalRun& run : body.locals) {
        if (run.count == 0)
            continue;
        head += "\n  (local";
        for (uint32_t i = 0; i < run.count; ++i)
            head += " " + types.of(run.type);
        head += ")";
    }
    std::printf("%s\n%.*s)\n", head.c_str(), static_cast<int>(text->lines.size()), text->lines.data());
}

} // namespace warpbeam::cli
