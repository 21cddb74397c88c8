// The types that a frame has in the middle of a function, as validation knows them. Each test lists all
// instructions of a function, with the locals and then the operands before each; `all_types` checks that all
// other offsets are refused.

#include "scarce_allocator.hpp"
#include "wat.hpp"

#include <warpbeam/loader/instr_reader.hpp>
#include <warpbeam/loader/instr_table.hpp>
#include <warpbeam/loader/type_printer.hpp>

#include <algorithm>

namespace warpbeam::text {
namespace {

using FrameTypes = ModuleAccess::FrameTypes;

/// Types with their indices in a module.
class TypeList final : private TypePrinter {
public:
    explicit TypeList(const Module& module) : module_{module} {}
    std::string of(std::span<const ValType> types) {
        text_.clear();
        values(types);
        return "[" + (text_.empty() ? text_ : text_.substr(1)) + "]";
    }

private:
    void add(std::string_view text) noexcept override { text_ += text; }
    void defined(TypeId id) noexcept override {
        text_ += std::to_string(std::ranges::find(module_.types(), id) - module_.types().begin());
    }

    const Module& module_;
    std::string text_;
};

std::expected<void, Error> find(const Module& module, uint32_t func, size_t offset, FrameTypes& types) {
    return ModuleAccess::frame_types(module, func, static_cast<uint32_t>(offset), types,
                                     Allocator::standard());
}

ErrorCode fault_at(const Module& module, uint32_t func, size_t offset) {
    FrameTypes types{Allocator::standard()};
    const auto found = find(module, func, offset, types);
    EXPECT_FALSE(found) << offset;
    return found ? ErrorCode::usage : found.error().code();
}

const FuncBody& body_of(const Module& module, uint32_t func) {
    return module.bodies()[func - module.imported_funcs()];
}

/// Where instructions begin in a function.
std::vector<size_t> instructions(const Module& module, uint32_t func) {
    std::vector<size_t> offsets;
    InstrReader in{module, body_of(module, func).code};
    while (!in.done()) {
        offsets.push_back(in.offset());
        EXPECT_TRUE(in.skip(row_of(in.op()).imm));
    }
    return offsets;
}

/// One line for each instruction of a function: the types of the locals and operands before it.
std::string all_types(const Module& module, uint32_t func) {
    std::string all;
    const std::span<const uint8_t> code = body_of(module, func).code;
    const std::vector<size_t> begins = instructions(module, func);
    for (size_t offset = 0; offset < code.size() + 20; ++offset) {
        if (!std::ranges::binary_search(begins, offset)) {
            EXPECT_EQ(fault_at(module, func, offset), ErrorCode::invalid) << offset;
            continue;
        }
        FrameTypes types{Allocator::standard()};
        const auto found = find(module, func, offset, types);
        InstrReader in{module, code.subspan(offset)};
        all += std::string{row_of(in.op()).text()} + ": ";
        TypeList list{module};
        if (found)
            all += list.of(types.locals) + " " + list.of(types.operands) + "\n";
        else
            all += found.error().code() == ErrorCode::invalid ? "unreachable\n" : "failed\n";
    }
    return "\n" + all;
}

/// All types in a function at once, as `all_types` has them for the reachable instructions.
struct AllAtOnce final : ModuleAccess::FrameTypesSink {
    AllAtOnce(const Module& m, uint32_t f) : module{m}, func{f} {}
    std::expected<void, Error> take(size_t position, FrameTypes& types) noexcept override {
        FrameTypes alone{Allocator::standard()};
        EXPECT_TRUE(find(module, func, offsets[position], alone));
        EXPECT_TRUE(std::ranges::equal(types.locals, alone.locals)) << offsets[position];
        EXPECT_TRUE(std::ranges::equal(types.operands, alone.operands)) << offsets[position];
        taken.push_back(offsets[position]);
        if (taken.size() == last)
            return std::unexpected(Error{ErrorCode::limit});
        return {};
    }
    std::expected<void, Error> find_all() {
        return ModuleAccess::frame_types(module, func, offsets, *this, Allocator::standard());
    }

    const Module& module;
    uint32_t func;
    std::vector<uint32_t> offsets, taken;
    size_t last = SIZE_MAX;
};

TEST(FrameTypes, numbers_vectors_and_branches) {
    const Module module = load(R"((memory 1)
        (func (param i32 v128) (result i64) (local f32)
          i32.const 1000000
          v128.load offset=300 align=1
          i8x16.extract_lane_s 3
          i64.const -5000000000
          local.get 0
          if (param i32 i64) (result i64)
            local.get 0
            br_if 0
            f32.const 1
            local.tee 2
            drop
            return
          else
            local.get 1
            i8x16.extract_lane_u 15
            br_table 0 0 1
          end))");
    EXPECT_EQ(all_types(module, 0), R"(
i32.const: [i32 v128 f32] []
v128.load: [i32 v128 f32] [i32]
i8x16.extract_lane_s: [i32 v128 f32] [v128]
i64.const: [i32 v128 f32] [i32]
local.get: [i32 v128 f32] [i32 i64]
if: [i32 v128 f32] [i32 i64 i32]
local.get: [i32 v128 f32] [i32 i64]
br_if: [i32 v128 f32] [i32 i64 i32]
f32.const: [i32 v128 f32] [i32 i64]
local.tee: [i32 v128 f32] [i32 i64 f32]
drop: [i32 v128 f32] [i32 i64 f32]
return: [i32 v128 f32] [i32 i64]
else: unreachable
local.get: [i32 v128 f32] [i32 i64]
i8x16.extract_lane_u: [i32 v128 f32] [i32 i64 v128]
br_table: [i32 v128 f32] [i32 i64 i32]
end: unreachable
end: [i32 v128 f32] [i64]
)");
}

TEST(FrameTypes, a_loop_has_the_types_of_its_parameters) {
    const Module module = load(R"((type $s (sub (struct)))
        (type $t (sub $s (struct (field i32))))
        (func (param (ref $t))
          i32.const 1
          i32.const 2
          local.get 0
          loop (param i32 (ref null $s)) (result (ref null $s))
            loop
              br 0
            end
            i32.const 0
            br_if 1
            unreachable
          end
          drop
          drop
          block (param)
          end))");
    EXPECT_EQ(all_types(module, 0), R"(
i32.const: [(ref 1)] []
i32.const: [(ref 1)] [i32]
local.get: [(ref 1)] [i32 i32]
loop: [(ref 1)] [i32 i32 (ref null 0)]
loop: [(ref 1)] [i32 i32 (ref null 0)]
br: [(ref 1)] [i32 i32 (ref null 0)]
end: unreachable
i32.const: [(ref 1)] [i32 i32 (ref null 0)]
br_if: [(ref 1)] [i32 i32 (ref null 0) i32]
unreachable: [(ref 1)] [i32 i32 (ref null 0)]
end: unreachable
drop: [(ref 1)] [i32 (ref null 0)]
drop: [(ref 1)] [i32]
block: [(ref 1)] []
end: [(ref 1)] []
end: [(ref 1)] []
)");
}

TEST(FrameTypes, code_that_is_unreachable_has_none) {
    const Module module = load(R"((func (result i32)
          block
            br 0
            drop
            block (result i32)
              i32.const 1
            end
            if
              nop
            else
              nop
            end
            loop
            end
          end
          i32.const 1
          if (result i32)
            unreachable
          else
            i32.const 2
            return
          end))");
    EXPECT_EQ(all_types(module, 0), R"(
block: [] []
br: [] []
drop: unreachable
block: unreachable
i32.const: unreachable
end: unreachable
if: unreachable
nop: unreachable
else: unreachable
nop: unreachable
end: unreachable
loop: unreachable
end: unreachable
end: unreachable
i32.const: [] []
if: [] [i32]
unreachable: [] []
else: unreachable
i32.const: [] []
return: [] [i32]
end: unreachable
end: [] [i32]
)");
}

TEST(FrameTypes, locals_without_a_default_value_are_null_until_they_are_set) {
    const Module module = load(R"((type $f (func (param i32) (result i64)))
        (func (param (ref i31)) (local i32 (ref $f) (ref null $f)) (local (ref i31))
          block
            local.get 0
            local.set 4
            nop
          end
          local.get 1
          if
            local.get 0
            local.tee 4
            drop
          else
            nop
          end
          local.get 3
          ref.as_non_null
          local.set 2
          i32.const 7
          local.get 2
          call_ref $f
          drop))");
    EXPECT_EQ(all_types(module, 0), R"(
block: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] []
local.get: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] []
local.set: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] [(ref i31)]
nop: [(ref i31) i32 (ref null 0) (ref null 0) (ref i31)] []
end: [(ref i31) i32 (ref null 0) (ref null 0) (ref i31)] []
local.get: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] []
if: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] [i32]
local.get: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] []
local.tee: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] [(ref i31)]
drop: [(ref i31) i32 (ref null 0) (ref null 0) (ref i31)] [(ref i31)]
else: [(ref i31) i32 (ref null 0) (ref null 0) (ref i31)] []
nop: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] []
end: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] []
local.get: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] []
ref.as_non_null: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] [(ref null 0)]
local.set: [(ref i31) i32 (ref null 0) (ref null 0) i31ref] [(ref 0)]
i32.const: [(ref i31) i32 (ref 0) (ref null 0) i31ref] []
local.get: [(ref i31) i32 (ref 0) (ref null 0) i31ref] [i32]
call_ref: [(ref i31) i32 (ref 0) (ref null 0) i31ref] [i32 (ref 0)]
drop: [(ref i31) i32 (ref 0) (ref null 0) i31ref] [i64]
end: [(ref i31) i32 (ref 0) (ref null 0) i31ref] []
)");
}

TEST(FrameTypes, structures_arrays_and_casts) {
    const Module module = load(R"((type $p (struct (field (mut i8)) (field f64)))
        (type $a (array (mut (ref null $p))))
        (func (param anyref) (result anyref)
          local.get 0
          block (param anyref) (result (ref $p))
            br_on_cast 0 anyref (ref $p)
            ref.cast (ref null $a)
            i32.const 0
            array.get $a
            br_on_non_null 0
            i32.const 3
            f64.const 0
            struct.new $p
          end
          struct.get_s $p 0
          ref.i31
          ref.null none
          array.new_fixed $a 1
          ref.eq
          array.new_default $a))");
    EXPECT_EQ(all_types(module, 0), R"(
local.get: [anyref] []
block: [anyref] [anyref]
br_on_cast: [anyref] [anyref]
ref.cast: [anyref] [anyref]
i32.const: [anyref] [(ref null 1)]
array.get: [anyref] [(ref null 1) i32]
br_on_non_null: [anyref] [(ref null 0)]
i32.const: [anyref] []
f64.const: [anyref] [i32]
struct.new: [anyref] [i32 f64]
end: [anyref] [(ref (exact 0))]
struct.get_s: [anyref] [(ref 0)]
ref.i31: [anyref] [i32]
ref.null: [anyref] [(ref i31)]
array.new_fixed: [anyref] [(ref i31) nullref]
ref.eq: [anyref] [(ref i31) (ref (exact 1))]
array.new_default: [anyref] [i32]
end: [anyref] [(ref (exact 1))]
)");
}

TEST(FrameTypes, exceptions) {
    const Module module = load(R"((tag $e (param i32 i64))
        (func (result i64)
          block $caught (result i32 i64)
            block $all (result exnref)
              i32.const 9
              try_table (param i32) (result i32 i64) (catch $e $caught) (catch_all_ref $all)
                i64.const 1
                throw $e
              end
              br $caught
            end
            throw_ref
          end
          return)
        (func (result i64)
          try (result i64)
            i64.const 1
          catch $e
            br 0
          catch_all
            rethrow 0
          end))");
    EXPECT_EQ(all_types(module, 0), R"(
block: [] []
block: [] []
i32.const: [] []
try_table: [] [i32]
i64.const: [] [i32]
throw: [] [i32 i64]
end: unreachable
br: [] [i32 i64]
end: unreachable
throw_ref: [] [exnref]
end: unreachable
return: [] [i32 i64]
end: unreachable
)");
    EXPECT_EQ(all_types(module, 1), R"(
try: [] []
i64.const: [] []
catch: [] [i64]
br: [] [i32 i64]
catch_all: unreachable
rethrow: [] []
end: unreachable
end: [] [i64]
)");
}

TEST(FrameTypes, continuations) {
    const Module module = load(R"((type $f (func (param i32) (result i64)))
        (type $c (cont $f))
        (tag $t (param f32) (result i32))
        (func $run (param i32) (result i64) i64.const 0)
        (elem declare func $run)
        (func (result i64)
          block $on (result f32 (ref $c))
            i32.const 1
            ref.func $run
            cont.new $c
            resume $c (on $t $on)
            return
          end
          drop
          suspend $t
          i64.extend_i32_s))");
    EXPECT_EQ(all_types(module, 1), R"(
block: [] []
i32.const: [] []
ref.func: [] [i32]
cont.new: [] [i32 (ref (exact 0))]
resume: [] [i32 (ref (exact 1))]
return: [] [i64]
end: unreachable
drop: [] [f32 (ref 1)]
suspend: [] [f32]
i64.extend_i32_s: [] [i32]
end: [] [i64]
)");
}

TEST(FrameTypes, functions_are_as_exact_as_their_imports) {
    const Module module = load(R"((type $f (func))
        (import "m" "a" (func $a (exact (type $f))))
        (import "m" "b" (func $b (type $f)))
        (func $c)
        (elem declare func $a $b $c)
        (func
          ref.func $a
          ref.func $b
          ref.func $c
          drop drop drop))");
    EXPECT_EQ(all_types(module, 3), R"(
ref.func: [] []
ref.func: [] [(ref (exact 0))]
ref.func: [] [(ref (exact 0)) (ref 0)]
drop: [] [(ref (exact 0)) (ref 0) (ref (exact 0))]
drop: [] [(ref (exact 0)) (ref 0)]
drop: [] [(ref (exact 0))]
end: [] []
)");
}

TEST(FrameTypes, the_features_are_those_of_the_module) {
    FeatureSet before_typed_references;
    before_typed_references.disable(Feature::gc).disable(Feature::function_references);
    const ByteString bytes = binary("(func $f ref.func $f drop) (export \"f\" (func $f))");
    const auto module = Module::load(bytes, {.features = before_typed_references, .limits = {}});
    ASSERT_TRUE(module) << module.error().message();
    EXPECT_EQ(all_types(*module, 0), R"(
ref.func: [] []
drop: [] [funcref]
end: [] []
)");
}

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
