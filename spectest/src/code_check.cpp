// Lowers every function of the modules in scripts, in several configurations, and checks the threaded code:
// `code_check FILE...`. Prints what is wrong, and how much was checked.

#include "refusal.hpp"

#include <warpbeam/spectest/script.hpp>
#include <warpbeam/vm/disassembly.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>

namespace {

using namespace warpbeam;
using namespace warpbeam::spectest;

struct Counts {
    size_t modules = 0;
    size_t functions = 0;
    size_t lines = 0;
    size_t findings = 0;
};

void report(Counts& counts, const char* file, uint32_t line, uint32_t func, std::string_view words) {
    ++counts.findings;
    std::printf("%s:%u: function %u: %.*s\n", file, line, func, static_cast<int>(words.size()), words.data());
}

void check(Counts& counts, const char* file, uint32_t line, const std::string& bytes, const Config& config) {
    Engine engine{config};
    const auto module =
        engine.load({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, {.borrow = true});
    if (!module)
        return; // an older version of WebAssembly, covered by other tests
    ++counts.modules;
    for (uint32_t func = module->imported_funcs(); func < module->funcs().size(); ++func) {
        const auto listing = list_code(engine, *module, func);
        ++counts.functions;
        if (!listing)
            report(counts, file, line, func, listing.error().message());
        else if (!listing->finding().empty())
            report(counts, file, line, func, listing->finding());
        else
            counts.lines += listing->lines().size();
    }
}

void check(Counts& counts, const char* file, const Command& command) {
    const ModuleSource* module = std::get_if<ModuleSource>(&command.body);
    if (const auto* const assertion = std::get_if<AssertNotInstantiated>(&command.body))
        module = std::get_if<ModuleSource>(&assertion->module);
    if (module == nullptr)
        return;
    const auto bytes = translate(*module);
    if (!bytes)
        return;
    Config config;
    config.features = suite_features(file, script_features());
    check(counts, file, command.line, *bytes, config);
    config.fuel = config.interruption = config.guard_pages = config.deterministic = true;
    check(counts, file, command.line, *bytes, config);
}

} // namespace

int main(int argc, char** argv) {
    Counts counts;
    for (int i = 1; i < argc; ++i) {
        std::ifstream file{argv[i], std::ios::binary};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        const auto script = parse_script(text);
        if (!script) {
            report(counts, argv[i], 0, 0, script.error().message());
            continue;
        }
        for (const Command& command : *script)
            check(counts, argv[i], command);
    }
    std::printf("%zu modules, %zu functions, %zu lines of code\n", counts.modules, counts.functions,
                counts.lines);
    std::printf("%zu passed, %zu failed\n", counts.functions - counts.findings, counts.findings);
    return counts.findings == 0 && counts.functions != 0 ? 0 : 1;
}
