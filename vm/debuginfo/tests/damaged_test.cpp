// Sections that are damaged, or made to take much time or memory.

#include "dwarf_bytes.hpp"

#include <gtest/gtest.h>

#include <random>

namespace warpbeam::test {
namespace {

constexpr std::string_view line_only = " /proj/inc/inner.h:2:3";

Bytes module_with(const Bytes& info, const Bytes& lines = usual_lines(),
                  const Bytes& abbreviations = usual_abbreviations()) {
    return with_sections({{".debug_abbrev", abbreviations}, {".debug_info", info}, {".debug_line", lines}});
}

/// Counts bytes.
class Meter final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        live += size;
        peak = std::max(peak, live);
        return standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        live -= size;
        standard().deallocate(block, size, alignment);
    }
    size_t live = 0;
    size_t peak = 0;
};

/// Asks for every address. Returns the damage that was found.
std::string ask_all(const Bytes& bytes) {
    const Module module = load(bytes);
    Meter meter;
    std::string damage;
    {
        DebugInfo info{module, meter};
        for (size_t offset = 0; offset <= bytes.size(); ++offset)
            EXPECT_TRUE(info.frames_at(offset).has_value());
        damage = info.damage() != nullptr ? info.damage()->message() : "";
    }
    EXPECT_EQ(meter.live, 0u);
    EXPECT_LE(meter.peak, 65'536 + 400 * bytes.size());
    return damage;
}

TEST(DamagedDebugInfo, of_any_length_does_no_harm) {
    const std::vector<std::pair<std::string_view, Bytes>> whole = {{".debug_abbrev", usual_abbreviations()},
                                                                   {".debug_info", usual_info()},
                                                                   {".debug_line", usual_lines()}};
    for (size_t section = 0; section < whole.size(); ++section)
        for (size_t size = 0; size < whole[section].second.size(); ++size) {
            auto cut = whole;
            cut[section].second.resize(size);
            const std::string damage = ask_all(with_sections(cut));
            EXPECT_TRUE(!damage.empty() || size == 0 || section == 0) << section << " with " << size;
        }
}

TEST(DamagedDebugInfo, with_any_byte_changed_does_no_harm) {
    std::mt19937 random{3};
    const Bytes module = usual_module();
    const size_t first = with_sections({}).size();
    for (int i = 0; i < 20'000; ++i) {
        Bytes changed = module;
        for (size_t n = random() % 3 + 1; n > 0; --n) {
            // Not the headers of the sections themselves: such a module is not loaded.
            changed[first + random() % (changed.size() - first)] = static_cast<uint8_t>(random());
        }
        if (Module::load(changed))
            (void)ask_all(changed);
    }
}

TEST(DamagedDebugInfo, is_reported_with_its_place) {
    EXPECT_EQ(damage_of(module_with(u32(1000))),
              ".debug_info at 0x0: the length of a unit exceeds the section");
    EXPECT_EQ(damage_of(module_with(u32(0xffff'fff0) + usual_info())),
              ".debug_info at 0x0: the length of a unit exceeds the section");
    EXPECT_EQ(damage_of(module_with(unit(u16(3) + u32(0) + Bytes{4, 0}))),
              ".debug_info at 0x0: a unit of another version than DWARF 4 and 5");
    EXPECT_EQ(damage_of(module_with(unit(u16(4)))),
              ".debug_info at 0x0: a unit that is shorter than its header");
    EXPECT_EQ(damage_of(module_with(unit(u16(4) + u32(0) + Bytes{2, 1}))),
              ".debug_info at 0x0: addresses that have neither 4 nor 8 bytes");
    EXPECT_EQ(damage_of(module_with(unit_4({77}))), ".debug_info at 0xb: an entry without an abbreviation");
    EXPECT_EQ(damage_of(module_with(unit_4({1}), {}, abbreviation(1, 0x11, false, {0x03, 0x7e}) + Bytes{0})),
              ".debug_info at 0xc: an attribute of unknown form");
    EXPECT_EQ(damage_of(module_with(unit_4({1}))), ".debug_info at 0x0: the unit ends within an entry");
    EXPECT_EQ(damage_of(module_with(unit_4(root()))), ".debug_info at 0x0: the unit ends within its entries");
    EXPECT_EQ(damage_of(module_with(usual_info(), usual_lines(), {1, 0x11})),
              ".debug_abbrev at 0x0: the table of abbreviations does not end");
    EXPECT_EQ(damage_of(module_with(usual_info(), u32(1000))),
              ".debug_line at 0x0: the length of a line table exceeds the section");
    EXPECT_EQ(damage_of(module_with(usual_info(), unit(u16(6) + Bytes(20)))),
              ".debug_line at 0x0: a line table of an unknown version");
    EXPECT_EQ(damage_of(module_with(usual_info(), line_table(set_address(4) + Bytes{200}, 0))),
              ".debug_line at 0x0: a line program divides by zero");
    EXPECT_EQ(
        damage_of(module_with(usual_info(), line_table(set_address(0x20) + Bytes{1} + set_address(0x10) +
                                                       Bytes{1} + set_address(0x30) + end_sequence()))),
        ".debug_line at 0x0: addresses of a line program decrease");
    EXPECT_EQ(damage_of(module_with(usual_info(), line_table({2}))),
              ".debug_line at 0x0: a line program ends within an instruction");
}

TEST(DamagedDebugInfo, does_not_hide_what_is_whole) {
    // A unit of an unknown version, and one that is cut off.
    const Bytes other = unit(u16(3) + Bytes(20));
    EXPECT_EQ(frames_at(module_with(other + unit_4(root(4, 0x60) + Bytes{0})), 0x14), line_only);
    EXPECT_EQ(frames_at(module_with(unit_4(root())), 0x14), line_only);
    // Functions without lines.
    EXPECT_EQ(frames_at(module_with(usual_info(), Bytes{1}), 0x14), "_Z5innerv :0:0 inlined\nouter :7:9");
}

TEST(DamagedDebugInfo, names_in_a_circle_end) {
    const auto first = static_cast<uint32_t>(header_size + root().size());
    const Bytes circle = Bytes{5} + u32(first + 5) + Bytes{5} + u32(first);
    const Bytes function = Bytes{2} + text("outer") + u32(4) + u32(0x3c) + Bytes{3} + u32(first) + u32(0x10) +
                           u32(0x10) + Bytes{1, 7, 9} + Bytes{0, 0};
    EXPECT_EQ(frames_at(module_with(unit_4(root() + circle + function)), 0x14),
              std::string{line_only} + " inlined\nouter /proj/main.c:7:9");
    // References that leave the unit.
    for (const uint32_t origin : {0u, 3u, 0xffff'ffffu, 100'000u}) {
        const Bytes lost = Bytes{2} + text("outer") + u32(4) + u32(0x3c) + Bytes{3} + u32(origin) +
                           u32(0x10) + u32(0x10) + Bytes{1, 7, 9} + Bytes{0, 0};
        EXPECT_EQ(frames_at(module_with(unit_4(root() + lost)), 0x14),
                  std::string{line_only} + " inlined\nouter /proj/main.c:7:9")
            << origin;
    }
}

TEST(DamagedDebugInfo, addresses_of_dropped_functions_count_for_nothing) {
    for (const uint32_t dropped : {0u, 0xffff'ffffu, 0xffff'fffeu, code_size}) {
        const Bytes gone = Bytes{2} + text("gone") + u32(dropped) + u32(0x3c) + Bytes{0};
        const Bytes info =
            unit_4(root() + gone + Bytes{2} + text("outer") + u32(4) + u32(0x3c) + Bytes{0, 0});
        const Bytes lines =
            line_table(set_address(dropped) + line(90) + advance(0x30) + line(1) + advance(16) +
                       end_sequence() + set_address(4) + line(4) + advance(60) + end_sequence());
        for (const uint32_t address : {0x14u, 0x34u})
            EXPECT_EQ(frames_at(module_with(info, lines), address), "outer /proj/main.c:5:0") << dropped;
        EXPECT_EQ(damage_of(module_with(info, lines)), "");
    }
}

TEST(DamagedDebugInfo, deep_nesting_takes_no_stack) {
    Bytes entries = root();
    for (int i = 0; i < 100'000; ++i)
        entries = std::move(entries) + (Bytes{2, 'f', 0} + u32(4) + u32(0x3c));
    const Module module = load(module_with(unit_4(entries)));
    DebugInfo info{module};
    EXPECT_EQ(frames_at(info, module, 0x14), "f /proj/inc/inner.h:2:3");
}

TEST(DamagedDebugInfo, what_refers_to_the_same_bytes_again_and_again_takes_linear_time) {
    // 20,000 functions, each with the same list of 20,000 ranges.
    constexpr int count = 20'000;
    const Bytes abbreviations = abbreviation(1, 0x11, true, {0x11, 0x01, 0x12, 0x06}) +
                                abbreviation(2, 0x2e, false, {0x55, 0x17}) + Bytes{0};
    Bytes entries = Bytes{1} + u32(4) + u32(0x60);
    Bytes ranges;
    for (int i = 0; i < count; ++i) {
        for (const uint8_t byte : Bytes{2} + u32(0))
            entries.push_back(byte);
        for (const uint8_t byte : u32(1) + u32(0x40))
            ranges.push_back(byte);
    }
    const Bytes module = with_sections({{".debug_abbrev", abbreviations},
                                        {".debug_info", unit_4(entries + Bytes{0})},
                                        {".debug_line", usual_lines()},
                                        {".debug_ranges", ranges + Bytes(8)}});
    const Module loaded = load(module);
    Meter meter;
    DebugInfo info{loaded, meter};
    (void)frames_at(info, loaded, 0x14);
    ASSERT_NE(info.damage(), nullptr);
    EXPECT_EQ(info.damage()->message(), ".debug_ranges at 0x0: it takes too much work for its size");
    EXPECT_LE(meter.peak, 400 * module.size());
}

TEST(DamagedDebugInfo, tables_of_abbreviations_in_each_other_take_linear_time) {
    // Each unit has its own table, which is the end of the one before.
    constexpr int count = 20'000;
    Bytes abbreviations;
    Bytes info;
    for (int i = 0; i < count; ++i) {
        for (const uint8_t byte : abbreviation(1, 0x11, false, {}))
            abbreviations.push_back(byte);
        for (const uint8_t byte : unit(u16(4) + u32(static_cast<uint32_t>(i) * 5) + Bytes{4, 1}))
            info.push_back(byte);
    }
    const std::string damage = damage_of(module_with(info, usual_lines(), abbreviations + Bytes{0}));
    EXPECT_TRUE(damage.ends_with("it takes too much work for its size")) << damage;
}

TEST(DamagedDebugInfo, endless_counts_in_line_tables_end) {
    const Bytes huge = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    for (const Bytes& names : {
             Bytes{0} + huge,                        // entries without columns
             Bytes{1, 1, 0x19} + huge,               // whose columns have no bytes
             Bytes{1, 1, 0x21} + huge,               // likewise
             Bytes{1, 1, 0x08} + huge + text("file") // that are missing
         }) {
        // No line without the files.
        const Bytes module = module_with(
            usual_info(), line_table_5(names, set_address(4) + line(4) + advance(60) + end_sequence()));
        EXPECT_EQ(damage_of(module), ".debug_line at 0x0: the file names of a line table do not end");
        EXPECT_EQ(frames_at(module, 0x14), "_Z5innerv :0:0 inlined\nouter :7:9");
    }
}

TEST(DamagedDebugInfo, values_of_any_form_do_no_harm) {
    for (int form = 0; form < 128; ++form) {
        const auto code = static_cast<uint8_t>(form);
        // A column of a table of files, where addresses have 255 bytes; and an attribute.
        const Bytes names = Bytes{1, 1, code, 1} + Bytes(40, 1) + Bytes{0};
        const Bytes rest = Bytes{1, 1, 1, 0xfb, 14, 1} + names;
        (void)ask_all(module_with(usual_info(), unit(u16(5) + Bytes{255, 0} + u32(rest.size()) + rest)));
        const Bytes abbreviations =
            abbreviation(1, 0x11, false, {0x03, code, 0x11, code, 0x12, code, 0x55, code}) + Bytes{0};
        for (const int value : {0, 1, 127, 255})
            (void)ask_all(module_with(unit_4(Bytes{1} + Bytes(100, static_cast<uint8_t>(value))),
                                      usual_lines(), abbreviations));
    }
}

TEST(DamagedDebugInfo, addresses_advance_by_any_amount) {
    const Bytes huge = {2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    const Bytes lines = line_table(set_address(4) + line(4) + huge + line(1) + huge + line(1) +
                                   end_sequence() + Bytes(20'000, 8) + Bytes(20'000, 1) + end_sequence());
    EXPECT_EQ(frames_at(module_with(usual_info(), lines), 0x24), "outer :0:0");
    (void)ask_all(module_with(usual_info(), lines));
}

} // namespace
} // namespace warpbeam::test
