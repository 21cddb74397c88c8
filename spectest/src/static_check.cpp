// Runs the front end, the loader and the printer on scripts without executing anything: `static_check
// [--round-trip] FILE...`. Reports where their verdict differs from the script's, and where a module's
// printed text does not give the same bytes.

#include "refusal.hpp"

#include <warpbeam/spectest/script.hpp>
#include <warpbeam/text/parse.hpp>
#include <warpbeam/text/print.hpp>

#include <algorithm>
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

std::optional<std::string> check_text(std::string_view text, std::string_view bytes) {
    const auto again = parse_wat(text);
    if (!again)
        return "the printed text is refused: " + std::string{again.error().message()};
    if (!std::ranges::equal(*again, bytes, {}, {}, [](char c) { return static_cast<uint8_t>(c); }))
        return "the printed text gives different bytes";
    return std::nullopt;
}

/// A binary made by our front end must survive print and parse byte for byte. Other binaries were encoded
/// elsewhere, and must do so from the second time on.
std::optional<std::string> check_print(const ModuleSource& module) {
    auto bytes = translate(module);
    if (!bytes)
        return std::nullopt; // refused as expected, or already reported
    const bool is_ours = module.form != ModuleSource::Form::binary;
    for (int round = is_ours ? 1 : 0; round < 2; ++round) {
        const auto text = print_wat({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()});
        if (!text)
            return "not printed: " + std::string{text.error().message()};
        if (round == 1)
            return check_text({text->data(), text->size()}, *bytes);
        const auto again = parse_wat({text->data(), text->size()});
        if (!again)
            return "the printed text is refused: " + std::string{again.error().message()};
        bytes->assign(again->begin(), again->end());
    }
    return std::nullopt;
}

void check(Counts& counts, const char* file, const Command& command, bool judge) {
    const FeatureSet features = suite_features(file, script_features());
    const LoadOptions options{.features = features, .limits = {}};
    const ModuleSource* module = std::get_if<ModuleSource>(&command.body);
    if (const auto* const assertion = std::get_if<AssertNotInstantiated>(&command.body))
        module = std::get_if<ModuleSource>(&assertion->module);
    if (module != nullptr) {
        const auto loaded = load(*module, options);
        if (judge)
            report(counts, file, command.line,
                   loaded ? std::nullopt
                          : std::optional{"refused: " + std::string{loaded.error().message()}});
        report(counts, file, command.line, check_print(*module));
    } else if (const auto* const assertion = std::get_if<AssertRefused>(&command.body)) {
        if (judge)
            report(counts, file, command.line,
                   check_refused(*assertion, load(assertion->module, options), predates_features(file)));
        // Invalid modules can be printed too; malformed binaries need not be printable.
        const bool malformed = assertion->kind == AssertRefused::Kind::malformed ||
                               assertion->kind == AssertRefused::Kind::malformed_custom;
        if (!malformed || assertion->module.form != ModuleSource::Form::binary)
            report(counts, file, command.line, check_print(assertion->module));
    }
}

} // namespace

int main(int argc, char** argv) {
    Counts total;
    const bool only_round_trip = argc > 1 && std::string_view{argv[1]} == "--round-trip";
    for (int i = only_round_trip ? 2 : 1; i < argc; ++i) {
        std::ifstream file{argv[i], std::ios::binary};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        const auto script = parse_script(text);
        if (!script) {
            report(total, argv[i], 0, std::string{script.error().message()});
            continue;
        }
        for (const Command& command : *script)
            check(total, argv[i], command, !only_round_trip);
    }
    std::printf("%u passed, %u failed\n", total.passed, total.failed);
    return total.failed == 0 ? 0 : 1;
}
