// Writes the modules of scripts so that other tools (see cross_check.mjs) can judge them: `dump_modules
// DIRECTORY FILE...`.
//
// Each becomes N.wasm and, unless the script has it in the binary format, N.wat. A line of `index.tsv` gives
// for each N: file, line, form (text, binary, quote), the script's verdict (valid, invalid, malformed; the
// last two also for custom sections), whether we accept it with every feature (yes, no; those of
// `folder_features` only in their folder), and the features that it needs. A text that is refused
// has no N.wasm.

#include "refusal.hpp"

#include <warpbeam/loader/required_features.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

using namespace warpbeam;
using namespace warpbeam::spectest;

class Dump {
public:
    explicit Dump(std::filesystem::path directory)
        : directory_{std::move(directory)}, index_{directory_ / "index.tsv"} {}

    void module(const std::string& file, uint32_t line, const ModuleSource& source, const char* expected) {
        static constexpr const char* forms[] = {"text", "binary", "quote"};
        const std::string number = std::to_string(count_++);
        if (source.form != ModuleSource::Form::binary)
            write(number + ".wat", source.contents);
        std::string needs;
        bool accepted = false;
        if (const auto bytes = translate(source)) {
            write(number + ".wasm", *bytes);
            LoadOptions options{.features = script_features(), .limits = {}};
            for (const Feature feature : folder_features)
                if (suite_features(file, FeatureSet::none()).has(feature))
                    options.features.enable(feature);
            const std::span raw{reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()};
            accepted = Module::load(raw, options).has_value();
            const FeatureSet needed = required_features(raw, options);
            for (const FeatureRow& row : feature_table)
                if (row.feature != Feature::core && needed.has(row.feature))
                    needs.append(needs.empty() ? "" : ",").append(row.name);
        }
        index_ << number << '\t' << file << '\t' << line << '\t' << forms[static_cast<size_t>(source.form)]
               << '\t' << expected << '\t' << (accepted ? "yes" : "no") << '\t' << needs << '\n';
    }

private:
    void write(const std::string& name, const std::string& contents) {
        std::ofstream{directory_ / name, std::ios::binary} << contents;
    }

    std::filesystem::path directory_;
    std::ofstream index_;
    size_t count_ = 0;
};

void dump(Dump& out, const std::string& file, const Command& command) {
    static constexpr const char* refusals[] = {"malformed", "malformed_custom", "invalid", "invalid_custom"};
    if (const auto* const module = std::get_if<ModuleSource>(&command.body)) {
        out.module(file, command.line, *module, "valid");
    } else if (const auto* const assertion = std::get_if<AssertNotInstantiated>(&command.body)) {
        if (const auto* const inner = std::get_if<ModuleSource>(&assertion->module))
            out.module(file, command.line, *inner, "valid");
    } else if (const auto* const refused = std::get_if<AssertRefused>(&command.body)) {
        out.module(file, command.line, refused->module, refusals[static_cast<size_t>(refused->kind)]);
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: dump_modules DIRECTORY FILE...\n", stderr);
        return 2;
    }
    std::filesystem::create_directories(argv[1]);
    Dump out{argv[1]};
    for (int i = 2; i < argc; ++i) {
        std::ifstream file{argv[i], std::ios::binary};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        const auto script = parse_script(text);
        if (!script) {
            std::fprintf(stderr, "%s: %s\n", argv[i], std::string{script.error().message()}.c_str());
            return 1;
        }
        for (const Command& command : *script)
            dump(out, argv[i], command);
    }
    return 0;
}
