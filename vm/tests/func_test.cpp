#include "fixture.hpp"

namespace warpbeam {
namespace {

class FuncTest : public VmTest {};

TEST_F(FuncTest, is_called_with_static_types) {
    const Instance instance = instantiate(R"((module
        (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
        (func (export "narrow") (param i64) (result f32) (f32.convert_i64_s (local.get 0)))))");
    const auto add = instance.func<int32_t(int32_t, int32_t)>("add");
    ASSERT_TRUE(add);
    EXPECT_EQ((*add)(2, 3), 5);
    EXPECT_EQ((*add)(INT32_MAX, 1), INT32_MIN);
    EXPECT_EQ((*instance.func<double(double)>("half"))(5.0), 2.5);
    EXPECT_EQ((*instance.func<float(int64_t)>("narrow"))(-3), -3.0f);
    EXPECT_EQ((*instance.func<uint32_t(uint32_t, int32_t)>("add"))(UINT32_MAX, 0), UINT32_MAX);
}

TEST_F(FuncTest, returns_several_results_as_a_tuple) {
    const Instance instance = instantiate(R"((module
        (func (export "swap") (param i32 i64 f32) (result f32 i64 i32)
            (local.get 2) (local.get 1) (local.get 0))))");
    const auto swap = instance.func<std::tuple<float, int64_t, int32_t>(int32_t, int64_t, float)>("swap");
    ASSERT_TRUE(swap);
    EXPECT_EQ((*swap)(1, 2, 3.5f), (std::tuple<float, int64_t, int32_t>{3.5f, 2, 1}));
}

TEST_F(FuncTest, is_called_with_values) {
    const Instance instance = instantiate(R"((module
        (func (export "f") (param i32 i64) (result i64 i32)
            (i64.add (local.get 1) (i64.const 1)) (i32.sub (i32.const 0) (local.get 0)))))");
    Value results[2];
    const Value args[] = {7, int64_t{41}};
    const auto called = instance.func("f")->call(args, results);
    ASSERT_TRUE(called) << called.error().message();
    EXPECT_EQ(results[0].get<int64_t>(), 42);
    EXPECT_EQ(results[1].get<int32_t>(), -7);
}

TEST_F(FuncTest, takes_many_values) {
    std::string params;
    std::string body = "(local.get 0)";
    for (int i = 1; i < 40; ++i)
        body = "(i32.add " + body + "(local.get " + std::to_string(i) + "))";
    for (int i = 0; i < 40; ++i)
        params += " i32";
    const Instance instance =
        instantiate("(module (func (export \"sum\") (param" + params + ") (result i32) " + body + "))");
    std::vector<Value> args;
    for (int i = 0; i < 40; ++i)
        args.emplace_back(i);
    Value result;
    ASSERT_TRUE(instance.func("sum")->call(args, {&result, 1}));
    EXPECT_EQ(result.as<int32_t>(), 780);
}

TEST_F(FuncTest, refuses_wrong_values) {
    const Instance instance =
        instantiate(R"((module (func (export "f") (param i32) (result i32) (local.get 0))))");
    const Func func = *instance.func("f");
    Value result;
    const auto message = [&](std::span<const Value> args, std::span<Value> results) {
        const auto called = func.call(args, results);
        EXPECT_FALSE(called);
        EXPECT_EQ(called.error().code(), TrapCode::usage);
        EXPECT_TRUE(called.error().backtrace().empty());
        return std::string{called.error().message()};
    };
    EXPECT_EQ(message({}, {&result, 1}), "the function takes 1 argument and returns 1 result, but was "
                                         "called with 0 arguments and space for 1 result");
    const Value wide[] = {int64_t{1}};
    EXPECT_EQ(message(wide, {&result, 1}), "argument 0 has the wrong type");
    const Value right[] = {1};
    EXPECT_EQ(message(right, {}), "the function takes 1 argument and returns 1 result, but was called with "
                                  "1 argument and space for 0 results");
    EXPECT_EQ(result.as<int32_t>(), 0);
}

TEST_F(FuncTest, refuses_other_static_types) {
    const Instance instance =
        instantiate(R"((module (func (export "f") (param i32 f64) (result i32) (local.get 0))))");
    const auto wrong = instance.func<int64_t(int32_t)>("f");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code(), ErrorCode::usage);
    EXPECT_EQ(wrong.error().message(), "the function's type is func (param i32 f64) (result i32), "
                                       "not func (param i32) (result i64) (function f)");
    EXPECT_FALSE(instance.func<int32_t(int32_t)>("f"));
    EXPECT_FALSE(instance.func<void(int32_t, double)>("f"));
    EXPECT_TRUE((instance.func<int32_t(int32_t, double)>("f")));
}

TEST_F(FuncTest, may_be_null) {
    const Func null;
    EXPECT_TRUE(null.is_null());
    EXPECT_TRUE(null.type().params.empty());
    const auto called = null.call();
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().message(), "the function is null");
    EXPECT_FALSE(null.typed<void()>());
}

TEST_F(FuncTest, passes_references) {
    const Instance instance = instantiate(R"((module
        (func $g (export "g") (result i32) (i32.const 5))
        (func (export "keep") (param externref funcref) (result externref funcref) (local.get 0) (local.get 1))
        (func (export "own") (result funcref) (ref.func $g))))");
    const auto keep = instance.func<std::tuple<ExternRef, Func>(ExternRef, Func)>("keep");
    ASSERT_TRUE(keep);
    const auto own = (*instance.func<Func()>("own"))();
    ASSERT_TRUE(own);
    EXPECT_EQ(*own, *instance.func("g"));
    EXPECT_EQ((*own->typed<int32_t()>())(), 5);
    EXPECT_EQ((*keep)(ExternRef::host(99), *own), (std::tuple{ExternRef::host(99), *own}));
    EXPECT_EQ((*keep)(ExternRef{}, Func{}), (std::tuple{ExternRef{}, Func{}}));
}

TEST_F(FuncTest, of_another_store_is_refused) {
    Store other{engine};
    const Instance instance = instantiate(R"((module (func (export "f") (param funcref))))");
    const auto foreign = Func::wrap(other, [] {});
    ASSERT_TRUE(foreign);
    const Value args[] = {*foreign};
    const auto called = instance.func("f")->call(args);
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().message(), "argument 0 has the wrong type");
}

TEST_F(FuncTest, knows_stricter_reference_types) {
    const Instance instance = instantiate(R"((module
        (type $t (func (param i32)))
        (func (export "take") (param (ref null $t)))
        (func (export "some") (param (ref func)))
        (func (export "yes") (type $t))
        (func (export "no"))))");
    const auto call = [&](std::string_view name, Value arg) {
        return instance.func(name)->call({&arg, 1}).has_value();
    };
    EXPECT_TRUE(call("take", *instance.func("yes")));
    EXPECT_TRUE(call("take", Value::null(HeapType::func)));
    EXPECT_FALSE(call("take", *instance.func("no")));
    EXPECT_FALSE(call("take", Value::null(HeapType::extern_)));
    EXPECT_TRUE(call("some", *instance.func("no")));
    EXPECT_FALSE(call("some", Value::null(HeapType::func)));
}

TEST_F(FuncTest, is_not_what_a_reference_to_another_object_of_a_defined_type_is_taken_for) {
    const Instance instance = instantiate(R"((module (type $s (struct)) (type $f (func))
        (func $g (type $f)) (elem declare func $g)
        (func (export "struct") (result (ref $s)) (struct.new $s))
        (func (export "func") (result (ref $f)) (ref.func $g))))");
    Value result;
    ASSERT_TRUE(instance.func("struct")->call({}, {&result, 1}));
    EXPECT_FALSE(result.is<Func>());
    EXPECT_FALSE(result.get<Func>());
    ASSERT_TRUE(instance.func("func")->call({}, {&result, 1}));
    ASSERT_TRUE(result.is<Func>());
    EXPECT_TRUE(result.as<Func>().call());
}

TEST_F(FuncTest, is_equal_to_itself) {
    const Instance instance =
        instantiate(R"((module (func $f (export "a") (export "b")) (func (export "c"))))");
    EXPECT_EQ(*instance.func("a"), *instance.func("b"));
    EXPECT_NE(*instance.func("a"), *instance.func("c"));
}

} // namespace
} // namespace warpbeam
