// The types that a frame has in the middle of a function, as validation knows them. Each test lists all
// instructions of a function, with the locals and then the operands before each; `all_types` checks that all
// other offsets are refused.

#include "frame_types.hpp"

namespace warpbeam::text {
namespace {

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

} // namespace
} // namespace warpbeam::text
