#include "fixture.hpp"
#include "repeat.hpp"

#include <warpbeam/vm/disassembly.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

/// The threaded code of small functions, compared with what the files in code_shape/ say. A lost fusion,
/// pinned local or destination does not make results wrong, so nothing else fails because of it.
///
/// A file has cases: a line `=== name`, followed by words for what the engine is made with (`fuel`,
/// `interruption`, `patched`, `guard-pages`); the module as text; a line `---`; and the listing of all its
/// functions, which docs/engine.md explains ("Reading threaded code"). After an intended change of the code
///     WARPBEAM_REWRITE=1 build/release/vm/warpbeam_vm_tests --gtest_filter='CodeShape.*'
/// regenerates all listings; then read the differences.

namespace warpbeam {
namespace {

struct Case {
    std::string title; ///< the first line without `=== `
    std::string wat;
    std::string expected;
};

std::vector<Case> read(const std::filesystem::path& path) {
    std::vector<Case> cases;
    std::ifstream file{path};
    bool is_wat = true;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("=== ")) {
            cases.push_back({line.substr(4), {}, {}});
            is_wat = true;
        } else if (line == "---") {
            is_wat = false;
        } else {
            (is_wat ? cases.back().wat : cases.back().expected) += line + "\n";
        }
    }
    return cases;
}

std::string listing_of(const Case& test) {
    const auto has = [&](std::string_view word) { return test.title.find(word) != std::string::npos; };
    Config config;
    config.features = FeatureSet::all();
    config.fuel = has("(fuel");
    config.interruption = has("interruption)");
    config.patched_interruption = has("(patched ");
    config.guard_pages = has("(guard-pages)");
    Engine engine{config};
    const auto module = engine.load(assemble(test.wat));
    if (!module)
        return std::string{module.error().message()} + "\n";
    std::string text;
    for (uint32_t func = module->imported_funcs(); func < module->funcs().size(); ++func) {
        const auto listing = list_code(engine, *module, func);
        if (!listing)
            return std::string{listing.error().message()} + "\n";
        if (func != module->imported_funcs())
            text += "\n";
        for (const CodeLine& line : listing->lines()) {
            char position[16] = "        ";
            if (line.offset != Error::no_offset)
                std::snprintf(position, sizeof position, "0x%04zx  ", line.position);
            text += position + std::string{line.text} + "\n";
        }
        if (!listing->finding().empty())
            text += "finding: " + std::string{listing->finding()} + "\n";
    }
    return text;
}

void check(const std::string& name) {
    const std::filesystem::path path = std::filesystem::path{WARPBEAM_CODE_SHAPE} / (name + ".txt");
    const std::vector<Case> cases = read(path);
    ASSERT_FALSE(cases.empty());
    std::ostringstream again;
    for (const Case& test : cases) {
        const bool supported = test.title.find("guard-pages") == std::string::npos ||
                               Engine{{.guard_pages = true}}.guard_pages();
        const std::string actual = supported ? listing_of(test) + "\n" : test.expected;
        EXPECT_EQ(actual, test.expected) << name << ": " << test.title;
        again << "=== " << test.title << "\n" << test.wat << "---\n" << actual;
    }
    if (std::getenv("WARPBEAM_REWRITE") != nullptr)
        std::ofstream{path} << again.str();
}

TEST(CodeShape, numeric) { check("numeric"); }
TEST(CodeShape, locals) { check("locals"); }
TEST(CodeShape, memory) { check("memory"); }
TEST(CodeShape, branches) { check("branches"); }
TEST(CodeShape, latches) { check("latches"); }
TEST(CodeShape, calls) { check("calls"); }
TEST(CodeShape, simd) { check("simd"); }
TEST(CodeShape, objects) { check("objects"); }
TEST(CodeShape, exceptions) { check("exceptions"); }

// Too long for a file.
TEST(CodeShape, parameters_of_a_large_frame_are_copied_to_near_slots) {
    const std::string wat = "(module (func (param i32 i32) (result i32) (local" + repeat(" v128", 31'000) +
                            ") (i32.add (local.get 0) (local.get 1))))";
    EXPECT_EQ(listing_of({"", wat, ""}),
              "        frame=62025, l0=s0, l1=s0, f0=s0\n"
              "0x0000  open_frame                count=2008, first=2, zeros=62020\n"
              "0x0020  far_get vector            s18 <- far=-2008\n"
              "0x0030  set_pins                  l0=s0, l1=s0, f0=s0\n"
              "0x0040  i32.add                   acc <- s18, s19\n"
              "0x0050  return_value              acc\n");
}

} // namespace
} // namespace warpbeam
