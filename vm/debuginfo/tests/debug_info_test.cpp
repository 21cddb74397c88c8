#include "dwarf_bytes.hpp"
#include "framing_allocator.hpp"
#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/debuginfo/demangle.hpp>

#include <fstream>
#include <iterator>

namespace warpbeam::test {
namespace {

constexpr std::string_view inlined = "_Z5innerv /proj/inc/inner.h:2:3 inlined\nouter /proj/main.c:7:9";

TEST(DebugInfo, finds_lines_and_inlined_functions) {
    const Bytes module = usual_module();
    EXPECT_EQ(damage_of(module), "");
    EXPECT_EQ(frames_at(module, 3), "");
    EXPECT_EQ(frames_at(module, 4), "outer /proj/main.c:5:0");
    EXPECT_EQ(frames_at(module, 0xf), "outer /proj/main.c:5:0");
    EXPECT_EQ(frames_at(module, 0x10), inlined);
    EXPECT_EQ(frames_at(module, 0x1f), inlined);
    EXPECT_EQ(frames_at(module, 0x20), "outer /proj/main.c:8:0");
    EXPECT_EQ(frames_at(module, 0x3f), "outer /proj/main.c:8:0");
    EXPECT_EQ(frames_at(module, 0x40), ""); // in the unit, but in no function, and without a line
    EXPECT_EQ(frames_at(module, code_size), "");
}

TEST(DebugInfo, a_module_without_positions_has_none) {
    DebugInfo none{Module{}};
    EXPECT_FALSE(none.has_positions());
    EXPECT_EQ(none.frames_at(0)->size(), 0u);
    EXPECT_EQ(none.frames_at(SIZE_MAX)->size(), 0u);
    EXPECT_EQ(none.damage(), nullptr);
    EXPECT_EQ(frames_at(with_sections({}), 0x10), "");
    const Module module = load(usual_module());
    EXPECT_TRUE(DebugInfo{module}.has_positions());
}

TEST(DebugInfo, paths_are_joined) {
    const auto path = [](SourceFile file) {
        Vec<char> joined;
        EXPECT_TRUE(joined.push('>') && file.append_to(joined));
        return std::string(joined.begin(), joined.end());
    };
    EXPECT_EQ(path({}), ">");
    EXPECT_EQ(path({"/base", "dir", "name"}), ">/base/dir/name");
    EXPECT_EQ(path({"/base/", "", "name"}), ">/base/name");
    EXPECT_EQ(path({"/base", "/dir", "name"}), ">/dir/name");
    EXPECT_EQ(path({"/base", "/dir", "/name"}), ">/name");
    EXPECT_EQ(path({"C:\\base\\", "dir", "name"}), ">C:\\base\\dir/name");
    EXPECT_EQ(path({"/base", "C:/dir", "name"}), ">C:/dir/name");
}

TEST(DebugInfo, urls_are_read) {
    const Bytes module =
        with_sections({{"sourceMappingURL", name("http://x/map")}, {"external_debug_info", name("x.wasm")}});
    const Module loaded = load(module);
    const DebugInfo info{loaded};
    EXPECT_EQ(info.source_map_url(), "http://x/map");
    EXPECT_EQ(info.external_url(), "x.wasm");
    for (const Bytes& wrong : {Bytes{}, Bytes{5, 'x'}, Bytes{1, 'x', 'y'}, Bytes{0x80}}) {
        const Module damaged = load(with_sections({{"sourceMappingURL", wrong}}));
        EXPECT_EQ(DebugInfo{damaged}.source_map_url(), "");
    }
}

TEST(DebugInfo, reports_that_memory_runs_out_and_goes_on) {
    const Module module = load(usual_module());
    size_t successes = 0;
    for (bool done = false; !done; ++successes) {
        ScarceAllocator allocator{successes};
        {
            DebugInfo info{module, allocator};
            const std::string found = frames_at(info, module, 0x10);
            done = found != "out of memory";
            if (done) {
                EXPECT_EQ(found, inlined);
            }
        }
        EXPECT_EQ(allocator.live, 0);
    }
    EXPECT_GT(successes, 10u);
}

/// With these lines. Memory is full of other bytes, so that what is read beyond an end shows.
std::string frames_with_lines(const Bytes& lines, uint32_t address) {
    const Module module = load(with_sections({{".debug_abbrev", usual_abbreviations()},
                                              {".debug_info", unit_4(root() + Bytes{0})},
                                              {".debug_line", lines}}));
    FramingAllocator allocator;
    DebugInfo info{module, allocator};
    std::string found = frames_at(info, module, address);
    EXPECT_EQ(info.damage(), nullptr);
    return found;
}

TEST(DebugInfo, a_file_in_no_directory_of_the_table_is_in_that_of_the_unit) {
    // The last one's directory would be the one after the last.
    const Bytes names = Bytes{1, 1, 0x08, 1} + text("inc") + Bytes{2, 1, 0x08, 2, 0x0b, 2} + text("a.h") +
                        Bytes{0} + text("b.h") + Bytes{1};
    const auto file = [&](uint8_t number) {
        return frames_with_lines(
            line_table_5(names, set_address(4) + Bytes{4, number} + line(4) + advance(12) + end_sequence()),
            4);
    };
    EXPECT_EQ(file(0), " /proj/inc/a.h:5:0");
    EXPECT_EQ(file(1), " /proj/b.h:5:0");
    EXPECT_EQ(file(2), " :5:0"); // there is no such file
}

// The rows of another sequence, which follow in the table, have lower addresses.
TEST(DebugInfo, sequences_of_lines_are_in_any_order) {
    const Bytes lines =
        line_table(set_address(0x40) + line(1) + advance(16) + end_sequence() + set_address(0x20) + line(2) +
                   advance(16) + end_sequence() + set_address(4) + line(3) + advance(4) + line(1) +
                   advance(4) + line(1) + advance(4) + end_sequence());
    EXPECT_EQ(frames_with_lines(lines, 0x44), " /proj/main.c:2:0");
    EXPECT_EQ(frames_with_lines(lines, 0x24), " /proj/main.c:3:0");
    EXPECT_EQ(frames_with_lines(lines, 4), " /proj/main.c:4:0");
    EXPECT_EQ(frames_with_lines(lines, 0xc), " /proj/main.c:6:0");
}

// A name after an attribute that does not matter here is only found if that has as many bytes as it should.
TEST(DebugInfo, attributes_of_every_form_are_read) {
    struct Written {
        Bytes form;
        Bytes value;
    };
    const Written all[] = {
        {{0x01}, {1, 2, 3, 4}},             // addr
        {{0x03}, {2, 0, 1, 2}},             // block2
        {{0x04}, {2, 0, 0, 0, 1, 2}},       // block4
        {{0x05}, {1, 2}},                   // data2
        {{0x06}, {1, 2, 3, 4}},             // data4
        {{0x07}, {1, 2, 3, 4, 5, 6, 7, 8}}, // data8
        {{0x08}, {'x', 'y', 0}},            // string
        {{0x09}, {0x82, 0, 1, 2}},          // block
        {{0x0a}, {2, 1, 2}},                // block1
        {{0x0b}, {1}},                      // data1
        {{0x0c}, {1}},                      // flag
        {{0x0d}, {0xff, 0x7f}},             // sdata
        {{0x0e}, {1, 2, 3, 4}},             // strp
        {{0x0f}, {0x81, 1}},                // udata
        {{0x10}, {1, 2, 3, 4}},             // ref_addr
        {{0x11}, {1}},                      // ref1
        {{0x12}, {1, 2}},                   // ref2
        {{0x13}, {1, 2, 3, 4}},             // ref4
        {{0x14}, {1, 2, 3, 4, 5, 6, 7, 8}}, // ref8
        {{0x15}, {0x81, 1}},                // ref_udata
        {{0x16}, {0x05, 1, 2}},             // indirect, of data2
        {{0x17}, {1, 2, 3, 4}},             // sec_offset
        {{0x18}, {2, 1, 2}},                // exprloc
        {{0x19}, {}},                       // flag_present
        {{0x1a}, {0x81, 1}},                // strx
        {{0x1b}, {0x81, 1}},                // addrx
        {{0x1c}, {1, 2, 3, 4}},             // ref_sup4
        {{0x1d}, {1, 2, 3, 4}},             // strp_sup
        {{0x1e}, Bytes(16, 1)},             // data16
        {{0x1f}, {1, 2, 3, 4}},             // line_strp
        {{0x20}, {1, 2, 3, 4, 5, 6, 7, 8}}, // ref_sig8
        {{0x21, 5}, {}},                    // implicit_const
        {{0x22}, {0x81, 1}},                // loclistx
        {{0x23}, {0x81, 1}},                // rnglistx
        {{0x24}, {1, 2, 3, 4, 5, 6, 7, 8}}, // ref_sup8
        {{0x25}, {1}},                      // strx1
        {{0x26}, {1, 2}},                   // strx2
        {{0x27}, {1, 2, 3}},                // strx3
        {{0x28}, {1, 2, 3, 4}},             // strx4
        {{0x29}, {1}},                      // addrx1
        {{0x2a}, {1, 2}},                   // addrx2
        {{0x2b}, {1, 2, 3}},                // addrx3
        {{0x2c}, {1, 2, 3, 4}},             // addrx4
    };
    for (const auto& [form, value] : all) {
        const Bytes abbreviations =
            abbreviation(1, 0x11, true, {0x11, 0x01, 0x12, 0x06}) +
            abbreviation(2, 0x2e, false, Bytes{0x3a} + form + Bytes{0x03, 0x08, 0x11, 0x01, 0x12, 0x06}) +
            Bytes{0};
        const Bytes module =
            with_sections({{".debug_abbrev", abbreviations},
                           {".debug_info", unit_4(Bytes{1} + u32(4) + u32(0x60) + Bytes{2} + value +
                                                  text("f") + u32(4) + u32(0x3c) + Bytes{0})}});
        EXPECT_EQ(damage_of(module), "") << int{form[0]};
        EXPECT_EQ(frames_at(module, 0x14), "f :0:0") << int{form[0]};
    }
}

TEST(DebugInfo, moves) {
    const Module module = load(usual_module());
    DebugInfo first{module};
    EXPECT_EQ(frames_at(first, module, 0x10), inlined);
    DebugInfo second = std::move(first);
    EXPECT_EQ(frames_at(second, module, 0x10), inlined);
    DebugInfo third{Module{}};
    third = std::move(second);
    EXPECT_EQ(frames_at(third, module, 0x10), inlined);
}

/// A unit in DWARF 5 with a function `f` that has a list of ranges, and with indexed strings and addresses.
/// `offset_size` is 4, or 8 in 64-bit DWARF.
std::string with_ranges(const Bytes& list, uint32_t address, size_t offset_size = 4,
                        size_t address_size = 4) {
    const auto length = [&](size_t size) {
        return offset_size == 8 ? u32(0xffff'ffff) + fixed(size, 8) : u32(size);
    };
    // The root: bases of three sections, the ranges, and the name, by their numbers.
    const Bytes abbreviations =
        abbreviation(1, 0x11, true,
                     {0x72, 0x17, 0x73, 0x17, 0x74, 0x17, 0x55, 0x23, 0x03, 0x25, 0x10, 0x17}) +
        abbreviation(2, 0x2e, false, {0x03, 0x1a, 0x55, 0x23}) + Bytes{0};
    const size_t header = offset_size == 8 ? 16 : 8;
    const size_t lists_header = header + 4;
    const auto base = [&](size_t at) { return fixed(at, offset_size); };
    const Bytes entries = Bytes{1} + base(header) + base(header) + base(lists_header) + Bytes{1, 0} +
                          base(0) + Bytes{2, 1, 0} + Bytes{0};
    const Bytes info =
        u16(5) + Bytes{1, static_cast<uint8_t>(address_size)} + fixed(0, offset_size) + entries;
    const Bytes strings = u16(5) + u16(0) + fixed(0, offset_size) + fixed(2, offset_size);
    const Bytes addresses = u16(5) + Bytes{static_cast<uint8_t>(address_size), 0} +
                            fixed(0x10, address_size) + fixed(0x20, address_size) +
                            fixed(UINT64_MAX, address_size);
    // The unit has all of the code, and the function has the list.
    const Bytes all = Bytes{7} + fixed(1, address_size) + Bytes{0x60, 0};
    const Bytes lists = u16(5) + Bytes{static_cast<uint8_t>(address_size), 0} + u32(2) +
                        fixed(2 * offset_size + all.size(), offset_size) +
                        fixed(2 * offset_size, offset_size) + all + list;
    const Bytes module = with_sections({{".debug_abbrev", abbreviations},
                                        {".debug_info", length(info.size()) + info},
                                        {".debug_line", usual_lines()},
                                        {".debug_str", text("u") + text("f")},
                                        {".debug_str_offsets", length(strings.size()) + strings},
                                        {".debug_addr", length(addresses.size()) + addresses},
                                        {".debug_rnglists", length(lists.size()) + lists}});
    EXPECT_EQ(damage_of(module, address), "");
    const std::string found = frames_at(module, address);
    return found.substr(0, found.find(' '));
}

TEST(DebugInfo, ranges_of_dwarf_5) {
    const std::pair<size_t, size_t> sizes[] = {{4, 4}, {4, 8}, {8, 4}, {8, 8}};
    for (const auto& [offset_size, address_size] : sizes) {
        const auto number = [&](uint64_t value) { return fixed(value, address_size); };
        const std::pair<const char*, Bytes> lists[] = {
            {"start_length", Bytes{7} + number(0x10) + Bytes{0x10, 0}},
            {"start_end", Bytes{6} + number(0x10) + number(0x20) + Bytes{0}},
            {"startx_endx", {2, 0, 1, 0}},
            {"startx_length", {3, 0, 0x10, 0}},
            {"base_address", Bytes{5} + number(0xc) + Bytes{4, 4, 0x14, 0}},
            {"base_addressx", {1, 0, 4, 0, 0x10, 0}},
            {"after one that was dropped",
             Bytes{5} + number(UINT64_MAX) + Bytes{4, 5, 0x50, 1, 2, 4, 5, 0x50, 1, 9, 4, 0, 1} +
                 Bytes{3, 2, 0x40, 7} + number(0) + Bytes{0x40} + Bytes{3, 0, 0x10, 0}},
        };
        for (const auto& [kind, list] : lists) {
            EXPECT_EQ(with_ranges(list, 0x10, offset_size, address_size), "f") << kind;
            EXPECT_EQ(with_ranges(list, 0x1f, offset_size, address_size), "f") << kind;
            EXPECT_EQ(with_ranges(list, 0xf, offset_size, address_size), "") << kind;
            EXPECT_EQ(with_ranges(list, 0x20, offset_size, address_size), "") << kind;
        }
        EXPECT_EQ(with_ranges({0}, 0x10, offset_size, address_size), "");
    }
}

TEST(DebugInfo, ranges_of_dwarf_4) {
    const Bytes abbreviations = abbreviation(1, 0x11, true, {0x11, 0x01, 0x55, 0x17}) +
                                abbreviation(2, 0x2e, false, {0x03, 0x08, 0x55, 0x17}) + Bytes{0};
    // Relative to the unit's address, and to another base. One was dropped.
    const Bytes ranges = u32(1) + u32(0x60) + u32(0) + u32(0) + u32(0xc) + u32(0x10) + u32(0xffff'ffff) +
                         u32(0xffff'fffe) + u32(0x10) + u32(0x50) + u32(0xffff'ffff) + u32(0x20) + u32(0) +
                         u32(8) + u32(0) + u32(0);
    const Bytes module = with_sections(
        {{".debug_abbrev", abbreviations},
         {".debug_info", unit_4(Bytes{1} + u32(4) + u32(0) + Bytes{2, 'f', 0} + u32(16) + Bytes{0})},
         {".debug_line", usual_lines()},
         {".debug_ranges", ranges}});
    EXPECT_EQ(damage_of(module), "");
    for (const uint32_t address : {0x10u, 0x13u, 0x20u, 0x27u})
        EXPECT_EQ(frames_at(module, address).substr(0, 2), "f ") << address;
    for (const uint32_t address : {0xfu, 0x14u, 0x1fu, 0x28u, 0x50u})
        EXPECT_NE(frames_at(module, address).substr(0, 2), "f ") << address;
}

#ifdef WARPBEAM_TRAPS

Bytes read(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    EXPECT_TRUE(file) << path;
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// The number of the line with a mark; 0 if there is none.
unsigned marked(const std::string& file, const std::string& mark) {
    std::ifstream source{WARPBEAM_TRAPS_SOURCE + file};
    unsigned number = 0;
    for (std::string text; std::getline(source, text);) {
        ++number;
        if (text.ends_with("// line: " + mark))
            return number;
    }
    ADD_FAILURE() << "no line of " << file << " is marked " << mark;
    return 0;
}

/// The frames at all addresses as lines, without columns and with readable names.
std::vector<std::string> all_frames(const Module& module) {
    std::vector<std::string> all;
    DebugInfo info{module};
    for (const SectionRange& range : module.sections())
        for (size_t i = 0; range.id == code && i < range.size; ++i) {
            const auto frames = info.frames_at(range.offset + i);
            if (!frames)
                continue;
            std::string lines;
            for (const SourceFrame& frame : *frames) {
                const auto readable = demangle(frame.function);
                Vec<char> path;
                EXPECT_TRUE(readable && frame.file.append_to(path));
                lines += std::string(readable->begin(), readable->end()) + " " +
                         std::string(path.begin(), path.end()) + ":" + std::to_string(frame.line) +
                         (frame.is_inlined ? " inlined\n" : "\n");
            }
            all.push_back(lines);
        }
    EXPECT_EQ(info.damage(), nullptr) << info.damage()->message();
    return all;
}

bool contains(const std::vector<std::string>& all, const std::string& lines) {
    return std::ranges::find(all, lines) != all.end();
}

TEST(DebugInfo, of_optimised_programs) {
    const auto at = [](const std::string& file, const std::string& mark) {
        return " /build/tests/" + file + ":" + std::to_string(marked(file, mark));
    };
    const std::string check = "demo::check(int)" + at("traps.hpp", "check") + " inlined\n";
    const std::string in_twice = check + "demo::twice(int)" + at("traps.cpp", "twice") + " inlined\n" +
                                 "demo::Box<int>::get(int) const" + at("traps.cpp", "get") + "\n";
    const std::string in_elsewhere =
        check + "demo::elsewhere(int)" + at("traps_elsewhere.cpp", "elsewhere") + "\n";
    for (const std::string kind : {"dwarf4", "dwarf5", "lto", "memory64", "types"}) {
        const Module module = load(read(WARPBEAM_TRAPS + kind + ".wasm"));
        const std::vector<std::string> all = all_frames(module);
        EXPECT_TRUE(contains(all, in_twice)) << kind << ": nowhere\n" << in_twice;
        // An optimiser that sees both units knows that it does not trap there.
        if (kind != "lto") {
            EXPECT_TRUE(contains(all, in_elsewhere)) << kind << ": nowhere\n" << in_elsewhere;
        }
        EXPECT_TRUE(contains(all, "demo::elsewhere(int)" + at("traps_elsewhere.cpp", "elsewhere") + "\n"))
            << kind;
        EXPECT_TRUE(contains(all, "go" + at("traps.cpp", "go") + "\n")) << kind;
        // What the linker has left out has no addresses.
        for (const std::string& lines : all)
            EXPECT_EQ(lines.find("unused"), std::string::npos) << kind << ": " << lines;
    }
}

TEST(DebugInfo, of_other_programs) {
    const std::vector<std::string> plain = all_frames(load(read(WARPBEAM_TRAPS "plain.wasm")));
    EXPECT_TRUE(contains(plain, "demo::check(int) /build/tests/traps.hpp:" +
                                    std::to_string(marked("traps.hpp", "check")) + "\n"));
    const std::vector<std::string> lines = all_frames(load(read(WARPBEAM_TRAPS "lines.wasm")));
    EXPECT_TRUE(std::ranges::any_of(lines, [](const std::string& each) {
        return each.find("traps.hpp:" + std::to_string(marked("traps.hpp", "check")) + " inlined\n") !=
               std::string::npos;
    }));
}

#endif

} // namespace
} // namespace warpbeam::test
