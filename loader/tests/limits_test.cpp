#include "module_bytes.hpp"

#include <warpbeam/memory/accounting_allocator.hpp>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <map>

namespace warpbeam::test {
namespace {

TEST(Features, errors_name_the_feature_that_is_off) {
    const auto without = [](Feature feature, const Bytes& bytes) {
        LoadOptions options = all_features();
        options.features.disable(feature);
        EXPECT_EQ(fault(bytes), "valid");
        return fault(bytes, options);
    };
    EXPECT_EQ(without(Feature::simd,
                      module_of(func_type({}, {}), body(Bytes{0xfd, 12} + Bytes(16, 0) + Bytes{0x1a}))),
              "unsupported: v128.const needs the feature simd, which is switched off, in the code section, "
              "function 0 "
              "@23");
    EXPECT_EQ(without(Feature::sign_extension, module_of(func_type({}, {}), body({0x41, 0, 0xc0, 0x1a}))),
              "unsupported: i32.extend8_s needs the feature sign-extension, which is switched off, in the "
              "code section, "
              "function 0 @25");
    EXPECT_EQ(
        without(Feature::multi_memory, Binary{}.section(memory, vec({{0, 1}, {0, 1}})).bytes),
        "unsupported: a module with multiple memories needs the feature multi-memory, which is switched "
        "off, in "
        "the memory section @13");
    EXPECT_EQ(
        without(Feature::memory64, Binary{}.section(memory, vec({{4, 1}})).bytes),
        "unsupported: a 64-bit address type needs the feature memory64, which is switched off, in the memory "
        "section @11");
    EXPECT_EQ(
        without(Feature::gc, Binary{}.section(type, vec({{0x5f, 0}})).bytes),
        "unsupported: a structure type needs the feature gc, which is switched off, in the type section @11");
    EXPECT_EQ(without(Feature::threads, Binary{}.section(memory, vec({{3, 1, 1}})).bytes),
              "unsupported: a shared memory needs the feature threads, which is switched off, in the memory "
              "section "
              "@11");
    EXPECT_EQ(
        without(Feature::multi_value, Binary{}.section(type, vec({func_type({}, {i32, i32})})).bytes),
        "unsupported: a function with multiple results needs the feature multi-value, which is switched "
        "off, in "
        "the type section @13");
}

TEST(Features, a_constant_names_a_global_of_the_module_only_with_gc) {
    const auto with = [](const Bytes& constant) {
        const Bytes globals = vec({Bytes{i32, 0, 0x41, 0, end}, Bytes{i32, 0} + constant + Bytes{end}});
        LoadOptions options = all_features();
        options.features.disable(Feature::gc);
        return fault(Binary{}.section(global, globals).bytes, options);
    };
    const std::string off = "unsupported: a constant expression with a global that is not imported needs the "
                            "feature gc, which is switched off, in the global section @";
    EXPECT_EQ(with({0x23, 0}), off + "18");
    EXPECT_EQ(with({0x41, 0, 0x23, 0}), off + "20") << "even if another constant is there already";
    EXPECT_EQ(with({0x41, 0}), "valid");
}

TEST(Features, only_webassembly_1_0) {
    LoadOptions options;
    options.features = FeatureSet::none();
    EXPECT_EQ(fault(module_of(func_type({i32}, {i32}), body({0x20, 0})), options), "valid");
}

TEST(Limits, are_set_by_the_embedder) {
    LoadOptions options = all_features();
    options.limits.functions = 1;
    options.limits.locals = 10;
    options.limits.nesting = 2;
    options.limits.frame_slots = 4;
    options.limits.module_size = 100;
    const auto limited = [&](const Bytes& code, const Bytes& locals = {0}) {
        return fault(module_of(func_type({}, {}), body(code, locals)), options);
    };
    EXPECT_EQ(fault(Binary{}.section(type, vec({func_type({}, {})})).section(function, vec({{0}, {0}})).bytes,
                    options),
              "limit: too many functions: 2 (the limit is 1), in the function section @16");
    EXPECT_EQ(limited({}, {1, 11, i32}), "limit: too many locals: 11 including parameters (the limit is 10), "
                                         "in the code section, function 0 @22");
    EXPECT_EQ(limited({0x02, 0x40, 0x02, 0x40, 0x0b, 0x0b}), "valid");
    EXPECT_EQ(limited({0x02, 0x40, 0x02, 0x40, 0x02, 0x40, 0x0b, 0x0b, 0x0b}),
              "limit: blocks nest deeper than the limit of 2, in the code section, function 0 @27");
    EXPECT_EQ(limited({0x41, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0x00}),
              "limit: the operand stack exceeds the limit of 4 slots, in the code section, function 0 @31");
    EXPECT_EQ(limited(Bytes(100, 0x01)), "limit: the module has 124 bytes (the limit is 100) @0");
}

TEST(Limits, all_modules_share_the_room_for_types) {
    TypeRegistry types;
    ASSERT_NE(types.add_group(std::vector<SubType>(max_type_id - 2)), TypeRegistry::failed);
    LoadOptions options = all_features();
    options.types = &types;
    const auto with = [&](const std::vector<Bytes>& all) {
        return fault(Binary{}.section(type, vec(all)).bytes, options);
    };
    EXPECT_EQ(with({func_type({i32}, {}), func_type({i64}, {})}), "valid");
    EXPECT_EQ(with({func_type({i32}, {}), func_type({i64}, {})}), "valid") << "the same types";
    EXPECT_EQ(
        with({func_type({i32}, {}), func_type({i32}, {i64})}),
        "limit: too many types with those of other modules: 1 more (the limit is 3000000 for all modules "
        "of an engine), in the type section @15");
    EXPECT_TRUE(types.contains(max_type_id - 1)) << "all have been used";

    AccountingAllocator no_memory{Allocator::standard(), 0};
    TypeRegistry none{no_memory};
    options.types = &none;
    EXPECT_EQ(with({func_type({}, {})}).find("out of memory"), 0u);
}

/// One recursive group of `size` structures, each of which refers to the next one.
Bytes group_of(uint32_t size) {
    Bytes group = leb(1) + Bytes{0x4e} + leb(size);
    for (uint32_t i = 0; i < size; ++i) {
        const uint8_t head[] = {0x5f, 1, ref_null};
        group.insert(group.end(), std::begin(head), std::end(head));
        // A signed number, whose sign takes a bit.
        uint64_t next = i + 1 < size ? i + 1 : 0;
        for (; next >= 0x40; next >>= 7)
            group.push_back(static_cast<uint8_t>(next | 0x80));
        group.push_back(static_cast<uint8_t>(next));
        group.push_back(0);
    }
    return Binary{}.section(type, group).bytes;
}

/// How long it takes to load a module: the quickest of three times, since the machine may have other things
/// to do.
double seconds_to_load(const Bytes& bytes, LoadOptions options) {
    double seconds = 1000;
    for (int i = 0; i < 3; ++i) {
        TypeRegistry fresh;
        options.types = &fresh;
        const std::clock_t start = std::clock();
        EXPECT_TRUE(load(bytes, options));
        seconds = std::min(seconds, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    }
    return seconds;
}

TEST(Limits, a_group_of_a_million_types) {
    const uint32_t million = 1'000'000;
    const Bytes bytes = group_of(million);
    LoadOptions options = all_features();
    options.borrow = true;
    const double seconds = seconds_to_load(bytes, options);
    // If it were the square, it would be 1024 times as long.
    EXPECT_LT(seconds, 0.01 + 100 * seconds_to_load(group_of(million / 32), options));
    if (std::getenv("WARPBEAM_EMULATED") == nullptr) {
#ifdef NDEBUG
        EXPECT_LT(seconds, 0.8);
#else
        EXPECT_LT(seconds, 20);
#endif
    }
    TypeRegistry registry;
    options.types = &registry;
    const auto module = load(bytes, options);
    ASSERT_TRUE(module);
    ASSERT_EQ(module.types().size(), million);
    for (const uint32_t i : {0u, 1u, 63u, 64u, 48'320u, 524'288u, million - 1}) {
        const SubType& each = registry[module.types()[i]];
        EXPECT_EQ(each.fields[0].storage.heap().id(), module.types()[(i + 1) % million]) << i;
    }
    EXPECT_EQ(registry.group_size(module.types()[0]), million);
    // The same group again is that group, and others have room.
    const auto same = load(bytes, options);
    ASSERT_TRUE(same);
    EXPECT_EQ(same.types()[0], module.types()[0]);
    EXPECT_TRUE(load(group_of(million - 1), options));
}

TEST(Limits, a_group_larger_than_the_type_limit) {
    EXPECT_EQ(fault(group_of(1'000'001)),
              "limit: too many types (the limit is 1000000), in the type section @18");
}

TEST(Limits, many_results_cannot_exceed_the_stack_limit) {
    const Bytes results(1000, i32);
    Bytes code{0x00};
    for (int i = 0; i < 2000; ++i)
        code = code + Bytes{0x10, 0};
    EXPECT_NE(fault(module_of(func_type({}, results), body(code))).find("limit: the operand stack exceeds"),
              std::string::npos);
}

TEST(Memory, the_first_operands_need_no_more_of_it) {
    // There is room for 126; the same function without them has as many bytes.
    const auto calls = [](size_t results, const Bytes& instructions) {
        AccountingAllocator counted;
        LoadOptions options = all_features();
        options.allocator = &counted;
        EXPECT_TRUE(load(Binary{}
                             .section(type, vec({func_type({}, Bytes(results, i32)), func_type({}, {})}))
                             .section(import, vec({name("") + name("") + Bytes{0, 0}}))
                             .section(function, vec({{1}}))
                             .section(code, vec({body(instructions)}))
                             .bytes,
                         options));
        return counted.blocks().calls;
    };
    for (const size_t results : {125u, 126u, 127u}) {
        const uint64_t with = calls(results, Bytes{0x10, 0} + Bytes(results, 0x1a));
        const uint64_t without = calls(results, Bytes(results + 2, 0x01));
        EXPECT_EQ(with, results <= 126 ? without : without + 1) << results;
    }
}

/// Fails after some allocations, once or from then on, and knows what is still allocated.
class FailingAllocator final : public Allocator {
public:
    FailingAllocator(size_t successes, bool once) : successes_{successes}, once_{once} {}
    void* allocate(size_t size, size_t alignment) noexcept override {
        if (successes_ == 0 && !(once_ && has_failed)) {
            has_failed = true;
            return nullptr;
        }
        if (successes_ != 0)
            --successes_;
        void* const block = standard().allocate(size, alignment);
        live[block] = size;
        return block;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        EXPECT_EQ(live[block], size);
        live.erase(block);
        standard().deallocate(block, size, alignment);
    }
    std::map<void*, size_t> live;
    bool has_failed = false;

private:
    size_t successes_;
    bool once_;
};

TEST(Memory, every_allocation_may_fail) {
    Bytes nested;
    for (int i = 0; i < 50; ++i)
        nested = nested + Bytes{0x02, 0x40};
    nested = nested + Bytes(50, end);
    const Bytes bytes =
        Binary{}
            .section(type, vec({func_type({i32}, {i32}), Bytes{0x5f, 1, i32, 0}, func_type({i64, i64}, {})}))
            .section(import, vec({name("m") + name("f") + Bytes{0, 0}}))
            .section(function, vec({{0}, {2}}))
            .section(table, vec({{func_ref, 0, 1}}))
            .section(memory, vec({{0, 1}}))
            .section(tag, vec({{0, 2}}))
            .section(global, vec({Bytes{i32, 0, 0x41, 1, end}}))
            .section(export_, vec({name("x") + Bytes{0, 1}}))
            .section(element,
                     vec({Bytes{0, 0x41, 0, end} + vec({{0}}), Bytes{5, func_ref} + vec({{0xd2, 0, end}})}))
            .section(data_count, {1})
            .section(code, vec({body(nested + Bytes{0x20, 0}, {1, 2, i64}),
                                body({0x41, 0, 0xfb, 0x1c, 0x21, 2}, {1, 1, ref_to, 0x6c})}))
            .section(data, vec({Bytes{1} + name("hello")}))
            .section(custom, name("name") + Bytes{1} + sized(vec({leb(0) + name("f")})))
            .bytes;
    ASSERT_EQ(fault(bytes), "valid");
    size_t failures = 0;
    for (const bool once : {false, true})
        for (size_t n = 0;; ++n) {
            FailingAllocator allocator{n, once};
            LoadOptions options = all_features();
            options.allocator = &allocator;
            {
                const auto module = Module::load(bytes, options);
                EXPECT_EQ(module.has_value(), !allocator.has_failed) << n;
                if (!module) {
                    EXPECT_EQ(module.error().code(), ErrorCode::out_of_memory) << module.error().message();
                    ++failures;
                }
            }
            EXPECT_TRUE(allocator.live.empty()) << "after " << n << " allocations";
            if (!allocator.has_failed)
                break;
        }
    EXPECT_GT(failures, 40u);
}

} // namespace
} // namespace warpbeam::test
