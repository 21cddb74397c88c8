// Requests for the types of frames: in large functions, several at once, from anywhere, and without memory.

#include "frame_types.hpp"
#include "scarce_allocator.hpp"

namespace warpbeam::text {
namespace {

TEST(FrameTypes, many_locals) {
    const ValType any = ValType::reference(HeapType::any, false);
    const ValType any_or_null = ValType::reference(HeapType::any, true);
    const ValType kinds[] = {ValType::f64, any_or_null, ValType::reference(HeapType::extern_, true)};
    std::vector<ValType> expected{ValType::i64};
    std::string text = "(func (param i64)";
    for (int run = 0; run < 300; ++run) {
        text += " (local";
        for (int i = 0; i < (run == 0 ? 365 : 166); ++i) {
            text += run % 3 == 0 ? " f64" : run % 3 == 1 ? " (ref any)" : " externref";
            expected.push_back(kinds[run % 3]);
        }
        text += ")";
    }
    ASSERT_EQ(expected.size(), 50'000u);
    ASSERT_EQ(expected[400], any_or_null);
    ASSERT_EQ(expected[49'700], any_or_null);
    const Module module = load(text + R"(
        i32.const 1 ref.i31 local.set 400
        block
          i32.const 1 ref.i31 local.set 49700
          nop
        end
        nop))");
    ASSERT_EQ(body_of(module, 0).locals.size(), 300u);
    const std::vector<size_t> begins = instructions(module, 0);
    ASSERT_EQ(begins.size(), 11u);
    FrameTypes types{Allocator::standard()};
    for (size_t i = 0; i < begins.size(); ++i) {
        expected[400] = i < 3 ? any_or_null : any;
        expected[49'700] = i == 7 || i == 8 ? any : any_or_null;
        ASSERT_TRUE(find(module, 0, begins[i], types));
        EXPECT_TRUE(std::ranges::equal(types.locals, expected)) << i;
    }
}

TEST(FrameTypes, long_bodies_take_the_fast_path_with_the_same_results) {
    std::string text = "(memory 1) (func (param i32 f64)";
    std::string expected = "\n";
    for (int i = 0; i < 40; ++i) {
        text += " local.get 0 i32.const 4000 i32.add i64.load offset=200 f64.const 1 local.set 1 drop";
        expected += "local.get: [i32 f64] []\n"
                    "i32.const: [i32 f64] [i32]\n"
                    "i32.add: [i32 f64] [i32 i32]\n"
                    "i64.load: [i32 f64] [i32]\n"
                    "f64.const: [i32 f64] [i64]\n"
                    "local.set: [i32 f64] [i64 f64]\n"
                    "drop: [i32 f64] [i64]\n";
    }
    EXPECT_EQ(all_types(load(text + ")"), 0), expected + "end: [i32 f64] []\n");
}

TEST(FrameTypes, several_are_found_in_one_pass) {
    std::string text = "(memory 1) (func (param i32 f64) (local (ref any))";
    for (int i = 0; i < 40; ++i)
        text += R"( local.get 0 i32.const 4000 i32.add i64.load offset=200 f64.const 1 local.set 1
            loop (param i64) local.get 0 ref.i31 local.set 2 local.get 2 br_on_null 0 drop drop end)";
    const Module module = load(text + ")");
    for (size_t step = 1; step < 20; ++step) {
        AllAtOnce all{module, 0};
        const std::vector<size_t> begins = instructions(module, 0);
        for (size_t i = step / 2; i < begins.size(); i += step)
            for (size_t times = 0; times < 1 + step % 2; ++times)
                all.offsets.push_back(static_cast<uint32_t>(begins[i]));
        ASSERT_TRUE(all.find_all()) << step;
        EXPECT_EQ(all.taken, all.offsets);
    }
    const auto faulty = [&](const std::vector<uint32_t>& offsets, size_t good, size_t last = SIZE_MAX) {
        AllAtOnce all{module, 0};
        all.offsets = offsets;
        all.last = last;
        const auto found = all.find_all();
        EXPECT_FALSE(found);
        EXPECT_EQ(all.taken.size(), good);
        return found ? ErrorCode::usage : found.error().code();
    };
    EXPECT_EQ(faulty({0, 3}, 1), ErrorCode::invalid) << "in the middle of an instruction";
    EXPECT_EQ(faulty({2, 5, 2}, 2), ErrorCode::invalid) << "not in ascending order";
    EXPECT_EQ(faulty({2, 1'000'000}, 1), ErrorCode::invalid);
    EXPECT_EQ(faulty({0, 2, 5}, 2, 2), ErrorCode::limit) << "the sink refuses";
}

TEST(FrameTypes, many_take_time_in_proportion) {
    struct Count final : ModuleAccess::FrameTypesSink {
        std::expected<void, Error> take(size_t, FrameTypes&) noexcept override {
            ++count;
            return {};
        }
        size_t count = 0;
    };
    // From the start each time, the long function would take minutes, and so would the deep one if all blocks
    // were looked at each time.
    std::string text = "(func ";
    for (int i = 0; i < 2'000'000; ++i)
        text += "nop ";
    text += ") (func ";
    for (int i = 0; i < 90'000; ++i)
        text += "block ";
    for (int i = 0; i < 500'000; ++i)
        text += "nop ";
    for (int i = 0; i < 90'000; ++i)
        text += "end ";
    const Module module = load(text + ")");
    for (uint32_t func = 0; func < 2; ++func) {
        std::vector<uint32_t> offsets;
        for (uint32_t i = 0; i < 500'000; i += 2)
            offsets.push_back(i + 180'000);
        Count sink;
        ASSERT_TRUE(ModuleAccess::frame_types(module, func, offsets, sink, Allocator::standard()));
        EXPECT_EQ(sink.count, offsets.size());
    }
}

TEST(FrameTypes, numbers_from_anywhere_are_refused) {
    const Module module = load("(import \"m\" \"f\" (func)) (func nop)");
    FrameTypes types{Allocator::standard()};
    EXPECT_TRUE(find(module, 1, 0, types));
    EXPECT_TRUE(find(module, 1, 1, types));
    for (const uint32_t offset : {2u, 3u, 0x7fff'ffffu, 0xffff'ffffu})
        EXPECT_EQ(fault_at(module, 1, offset), ErrorCode::invalid);
    for (const uint32_t func : {0u, 2u, 0x8000'0000u, 0xffff'ffffu})
        EXPECT_EQ(fault_at(module, func, 0), ErrorCode::invalid);
    EXPECT_EQ(fault_at(Module{}, 0, 0), ErrorCode::invalid);
}

TEST(FrameTypes, limits_of_the_module_do_not_matter) {
    constexpr size_t deep = 150'000;
    std::string text = "(func (local i32) ";
    for (size_t i = 0; i < deep; ++i)
        text += "block ";
    for (size_t i = 0; i < deep; ++i)
        text += "end ";
    ModuleLimits limits;
    limits.nesting = deep;
    const ByteString bytes = binary(text + ")");
    EXPECT_FALSE(Module::load(bytes));
    const auto module = Module::load(bytes, {.features = {}, .limits = limits});
    ASSERT_TRUE(module) << module.error().message();
    FrameTypes types{Allocator::standard()};
    ASSERT_TRUE(find(*module, 0, 2 * deep, types));
    EXPECT_EQ(types.locals.size(), 1u);
}

TEST(FrameTypes, running_out_of_memory_is_an_error) {
    const Module module = load(R"((func (param i32) (local (ref any) i64)
        local.get 0
        block (param i32)
          ref.i31
          local.set 1
          nop
        end))");
    bool failed = false;
    for (size_t allowed = 0;; ++allowed) {
        test::ScarceAllocator allocator{allowed};
        bool found = false;
        {
            FrameTypes types{allocator};
            const auto result = ModuleAccess::frame_types(
                module, 0, static_cast<uint32_t>(instructions(module, 0)[4]), types, allocator);
            found = result.has_value();
            if (found) {
                EXPECT_EQ(TypeList{module}.of(types.locals), "[i32 (ref any) i64]");
            } else {
                failed = true;
                ASSERT_EQ(result.error().code(), ErrorCode::out_of_memory) << allowed;
            }
        }
        ASSERT_EQ(allocator.live, 0) << allowed;
        if (found)
            break;
    }
    EXPECT_TRUE(failed);
}

} // namespace
} // namespace warpbeam::text
