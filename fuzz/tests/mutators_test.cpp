// What the mutators make: modules and texts that are still in one piece, and often valid.

#include "module_mutator.hpp"
#include "script_modules.hpp"
#include "text_mutator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/loader/instr_reader.hpp>
#include <warpbeam/loader/module.hpp>
#include <warpbeam/loader/section_table.hpp>
#include <warpbeam/text/parse.hpp>

#include <algorithm>

namespace warpbeam::fuzz {
namespace {

/// Changes a byte: what libFuzzer does elsewhere.
size_t change_byte(uint8_t* bytes, size_t size, size_t) {
    static std::mt19937_64 random{1};
    if (size != 0)
        bytes[random() % size] = static_cast<uint8_t>(random());
    return size;
}

const std::string& seeds() {
    static const std::string text = read_file(WARPBEAM_FUZZ_SEEDS);
    return text;
}

bool is_valid(const Bytes& module) {
    return Module::load(module, {.features = FeatureSet::all()}).has_value();
}

TEST(ModuleMutatorTest, SectionsAndFunctionsAreTheModuleAgain) {
    const std::vector<Bytes> modules = modules_of_script(seeds());
    ASSERT_FALSE(modules.empty());
    size_t functions = 0;
    for (const Bytes& module : modules) {
        std::vector<Section> sections = split_sections(module);
        EXPECT_EQ(join_sections(sections), module);
        for (Section& section : sections)
            if (const auto bodies = split_sized(section.contents);
                section.id == static_cast<uint8_t>(SectionId::code)) {
                functions += bodies.size();
                EXPECT_EQ(join_sized(bodies), section.contents);
            }
    }
    EXPECT_GE(functions, 5u);
}

TEST(ModuleMutatorTest, WhatIsNoModuleHasNoSections) {
    const Bytes module = modules_of_script(seeds()).front();
    const std::vector<Section> sections = split_sections(module);
    // A part of a module is one if it ends between two sections.
    std::vector<Section> first;
    std::vector<size_t> ends{join_sections({}).size()};
    for (const Section& section : sections) {
        first.push_back(section);
        ends.push_back(join_sections(first).size());
    }
    for (size_t size = 0; size < module.size(); ++size) {
        const auto end = std::ranges::find(ends, size);
        const auto count = end != ends.end() ? static_cast<size_t>(end - ends.begin()) : 0;
        EXPECT_EQ(split_sections(std::span{module}.first(size)).size(), count) << size;
    }
    Bytes other = module;
    other[4] = 2;
    EXPECT_TRUE(split_sections(other).empty());
    const uint8_t too_many[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 0};
    EXPECT_TRUE(split_sized(too_many).empty());
    const uint8_t one_too_few[] = {1, 1, 7, 8};
    EXPECT_TRUE(split_sized(one_too_few).empty());
}

/// Leaves bytes as they are, so that only instructions and the order of sections change.
size_t keep(uint8_t*, size_t size, size_t) { return size; }

/// All instructions of the only function of a valid module, without its end; none if it is invalid.
std::vector<Op> ops_of(const Bytes& module) {
    const auto loaded = Module::load(module, {.features = FeatureSet::all()});
    std::vector<Op> ops;
    if (!loaded || loaded->bodies().empty())
        return ops;
    CodeReader<ValidBytes> in{loaded->bodies()[0].code};
    while (!in.done()) {
        ops.push_back(in.op());
        (void)in.skip(row_of(ops.back()).imm);
    }
    ops.pop_back();
    return ops;
}

TEST(ModuleMutatorTest, InstructionsAreReplacedByOthersOfTheirTypes) {
    const auto text = parse_wat("(module (func (param f64) (result i32) (i32.const 7) (i32.const 9) (i32.add)"
                                " (i32.trunc_sat_f64_u (local.get 0)) (i32.xor)))");
    ASSERT_TRUE(text.has_value());
    const Bytes module{text->begin(), text->end()};
    const std::vector<Op> before = ops_of(module);
    size_t replaced = 0, added = 0, other_numbers = 0;
    for (uint64_t seed = 0; seed < 1000; ++seed) {
        const Bytes made = ModuleMutator{seed, keep}.mutate(module);
        const std::vector<Op> after = ops_of(made);
        other_numbers += after == before && made != module;
        if (after.size() == before.size() && after != before) {
            const auto [left, right] = std::ranges::mismatch(before, after);
            EXPECT_EQ(row_of(*left).sig, row_of(*right).sig) << seed;
            EXPECT_EQ(row_of(*left).imm, row_of(*right).imm) << seed;
            ++replaced;
        }
        added += after.size() == before.size() + 1;
    }
    EXPECT_GT(replaced, 20u);
    EXPECT_GT(added, 20u);
    EXPECT_GT(other_numbers, 20u);
}

TEST(ModuleMutatorTest, ChangesKeepTheSizesRightAndSomeModulesValid) {
    const std::vector<Bytes> modules = modules_of_script(seeds());
    size_t split = 0, valid = 0, changed = 0;
    constexpr size_t count = 3000;
    for (uint64_t seed = 0; seed < count; ++seed) {
        const Bytes& module = modules[seed % modules.size()];
        const Bytes made = ModuleMutator{seed, change_byte}.mutate(module);
        changed += made != module;
        split += !split_sections(made).empty();
        valid += made != module && is_valid(made);
    }
    EXPECT_GT(changed, count * 9 / 10);
    EXPECT_GT(split, count * 9 / 10);
    EXPECT_GT(valid, count / 10);
}

TEST(ModuleMutatorTest, TheSameSeedMakesTheSame) {
    const Bytes module = modules_of_script(seeds()).front();
    for (uint64_t seed = 0; seed < 50; ++seed)
        EXPECT_EQ((ModuleMutator{seed, keep}.mutate(module)), (ModuleMutator{seed, keep}.mutate(module)));
}

TEST(ModuleMutatorTest, PartsOfTwoModulesMakeAModule) {
    const std::vector<Bytes> modules = modules_of_script(seeds());
    const auto small = parse_wat("(module (memory 1) (func (nop) (nop)) (func) (func (unreachable)))");
    ASSERT_TRUE(small.has_value());
    const Bytes other{small->begin(), small->end()};
    size_t valid = 0, with_functions = 0;
    for (uint64_t seed = 0; seed < 300; ++seed) {
        // A section that was not there comes where it may be.
        uint8_t last = 0;
        for (const Section& section :
             split_sections(ModuleMutator{seed, change_byte}.cross(other, modules[0])))
            if (section.id != 0) {
                EXPECT_GT(section_table[section.id].rank, last);
                last = section_table[section.id].rank;
            }
        EXPECT_NE(last, 0);
        const Bytes same = ModuleMutator{seed, change_byte}.cross(other, other);
        valid += is_valid(same);
        with_functions += same != other && is_valid(same);
    }
    EXPECT_EQ(valid, 300u);
    EXPECT_GT(with_functions, 30u);
    EXPECT_TRUE((ModuleMutator{1, change_byte}.cross(other, {}).empty()));
    EXPECT_TRUE((ModuleMutator{1, change_byte}.cross({}, other).empty()));
}

TEST(TextMutatorTest, ListsStayInOnePiece) {
    const auto depth = [](std::string_view text) {
        return std::ranges::count(text, '(') - std::ranges::count(text, ')');
    };
    const std::string_view text =
        "(module (func (param i32) (result i32) (i32.add (local.get 0) (i32.const 5))))";
    size_t valid = 0;
    for (uint64_t seed = 0; seed < 1000; ++seed) {
        const std::string made = TextMutator{seed}.mutate(text);
        EXPECT_EQ(depth(made), 0) << made;
        const auto bytes = parse_wat(made);
        valid += bytes && made != text && is_valid({bytes->begin(), bytes->end()});
        EXPECT_EQ(depth(TextMutator{seed}.cross(text, "(global i32 (i32.const 1))")), 0);
    }
    EXPECT_GT(valid, 20u);
}

TEST(TextMutatorTest, WhatHasNoTokensIsLeftToOthers) {
    EXPECT_EQ(TextMutator{1}.mutate(""), "");
    EXPECT_EQ(TextMutator{1}.mutate(" ;; only a comment"), "");
    EXPECT_EQ(TextMutator{1}.cross("(module)", "module"), "");
    EXPECT_EQ(TextMutator{1}.cross("\"open", "(module)"), "");
}

} // namespace
} // namespace warpbeam::fuzz
