// Runs the front end and the loader over scripts without executing anything, and says where they judge a
// module otherwise than the script does: `static_check FILE...`. For the development of the two alone.

#include "refusal.hpp"

#include <warpbeam/spectest/script.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>

namespace {

using namespace warpbeam;
using namespace warpbeam::spectest;

struct Counts {
    unsigned passed = 0;
    unsigned failed = 0;
};

void report(Counts& counts, const char* file, uint32_t line, const std::optional<std::string>& fault) {
    ++(fault ? counts.failed : counts.passed);
    if (fault)
        std::printf("%s:%u: %s\n", file, line, fault->c_str());
}

void check(Counts& counts, const char* file, const Command& command) {
    const LoadOptions options{.features = FeatureSet::all(), .limits = {}};
    const ModuleSource* module = std::get_if<ModuleSource>(&command.body);
    if (const auto* const assertion = std::get_if<AssertNotInstantiated>(&command.body))
        module = std::get_if<ModuleSource>(&assertion->module);
    if (module != nullptr) {
        const auto loaded = load(*module, options);
        report(counts, file, command.line,
               loaded ? std::nullopt : std::optional{"refused: " + std::string{loaded.error().message()}});
    } else if (const auto* const assertion = std::get_if<AssertRefused>(&command.body)) {
        report(counts, file, command.line, check_refused(*assertion, load(assertion->module, options)));
    }
}

} // namespace

int main(int argc, char** argv) {
    Counts total;
    for (int i = 1; i < argc; ++i) {
        std::ifstream file{argv[i], std::ios::binary};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        const auto script = parse_script(text);
        if (!script) {
            report(total, argv[i], 0, std::string{script.error().message()});
            continue;
        }
        for (const Command& command : *script)
            check(total, argv[i], command);
    }
    std::printf("%u passed, %u failed\n", total.passed, total.failed);
    return total.failed == 0 ? 0 : 1;
}
