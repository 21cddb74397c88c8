#include <gtest/gtest.h>
#include <warpbeam/vm/func.hpp>
#include <warpbeam/vm/value.hpp>

#include <bit>

namespace warpbeam {
namespace {

TEST(Value, is_the_i32_zero_at_first) {
    EXPECT_EQ(Value{}.type(), ValType::i32);
    EXPECT_EQ(Value{}.as<int32_t>(), 0);
}

TEST(Value, has_the_type_of_what_it_is_made_of) {
    EXPECT_EQ(Value{1}.type(), ValType::i32);
    EXPECT_EQ(Value{1u}.type(), ValType::i32);
    EXPECT_EQ(Value{1l}.type(), sizeof(long) == 8 ? ValType::i64 : ValType::i32);
    EXPECT_EQ(Value{1ll}.type(), ValType::i64);
    EXPECT_EQ(Value{uint64_t{1}}.type(), ValType::i64);
    EXPECT_EQ(Value{1.0f}.type(), ValType::f32);
    EXPECT_EQ(Value{1.0}.type(), ValType::f64);
    EXPECT_EQ(Value{V128{}}.type(), ValType::v128);
    EXPECT_EQ(Value{ExternRef{}}.type(), externref);
    EXPECT_EQ(Value{Func{}}.type(), funcref);
}

TEST(Value, gives_back_what_was_put_in) {
    EXPECT_EQ(Value{-1}.as<int32_t>(), -1);
    EXPECT_EQ(Value{-1}.as<uint32_t>(), UINT32_MAX);
    EXPECT_EQ(Value{INT64_MIN}.as<int64_t>(), INT64_MIN);
    EXPECT_EQ(Value{1.5f}.as<float>(), 1.5f);
    EXPECT_EQ(Value{-2.5}.as<double>(), -2.5);
    EXPECT_EQ(Value{ExternRef::host(77)}.as<ExternRef>().payload(), 77u);
    V128 vector;
    vector.bytes[3] = 9;
    EXPECT_EQ(Value{vector}.as<V128>(), vector);
}

TEST(Value, keeps_the_payload_of_a_nan) {
    const auto f32 = std::bit_cast<float>(0x7fa0'0001u);
    EXPECT_EQ(std::bit_cast<uint32_t>(Value{f32}.as<float>()), 0x7fa0'0001u);
    const auto f64 = std::bit_cast<double>(0x7ff4'0000'0000'0001u);
    EXPECT_EQ(std::bit_cast<uint64_t>(Value{f64}.as<double>()), 0x7ff4'0000'0000'0001u);
}

TEST(Value, refuses_to_be_taken_for_another_type) {
    EXPECT_TRUE(Value{1}.is<int32_t>());
    EXPECT_FALSE(Value{1}.is<int64_t>());
    EXPECT_FALSE(Value{1}.is<float>());
    EXPECT_FALSE(Value{1.0}.get<float>());
    EXPECT_FALSE(Value{Func{}}.get<ExternRef>());
    EXPECT_FALSE(Value{ExternRef{}}.get<Func>());
    EXPECT_EQ(Value{7}.get<int32_t>(), 7);
}

TEST(Value, takes_references_to_functions_for_a_func) {
    EXPECT_TRUE(Value::null(HeapType::func).is<Func>());
    EXPECT_TRUE(Value::null(HeapType::nofunc).is<Func>());
    EXPECT_FALSE(Value::null(HeapType::defined(3)).is<Func>()) << "which may be a structure";
    EXPECT_FALSE(Value::null(HeapType::extern_).is<Func>());
}

TEST(Value, knows_null_and_i31) {
    EXPECT_TRUE(Value::null(HeapType::any).is_null());
    EXPECT_FALSE(Value{0}.is_null()) << "a number is no reference";
    EXPECT_FALSE(Value{ExternRef::host(0)}.is_null());
    EXPECT_TRUE(Value::i31(5).is_i31());
    EXPECT_EQ(Value::i31(5).i31_bits(), 5u);
    EXPECT_EQ(Value::i31(UINT32_MAX).i31_bits(), 0x7fff'ffffu);
    EXPECT_FALSE(Value{1}.is_i31());
}

TEST(Value, drops_what_a_slot_holds_beyond_the_type) {
    const uint64_t slots[2] = {0xffff'ffff'0000'0001, 0};
    EXPECT_EQ(Value::from_slots(ValType::i32, slots).slots()[0], 1u);
    EXPECT_EQ(Value::from_slots(ValType::f32, slots).slots()[0], 1u);
    EXPECT_EQ(Value::from_slots(ValType::i64, slots).slots()[0], 0xffff'ffff'0000'0001u);
}

TEST(Value, is_an_external_reference_whether_it_may_be_null_or_not) {
    const uint64_t slots[] = {ExternRef::host(5).bits(), 0};
    for (const bool nullable : {false, true}) {
        const Value value = Value::from_slots(ValType::reference(HeapType::extern_, nullable), slots);
        ASSERT_TRUE(value.is<ExternRef>());
        EXPECT_EQ(value.get<ExternRef>()->payload(), 5u);
        EXPECT_FALSE(value.is<AnyRef>());
    }
    EXPECT_TRUE(Value::null(HeapType::noextern).is<ExternRef>());
    for (const HeapType other :
         {HeapType::any, HeapType::none, HeapType::func, HeapType::exn, HeapType::cont})
        EXPECT_FALSE(Value::null(other).is<ExternRef>());
    EXPECT_FALSE(Value{1}.is<ExternRef>());
}

TEST(ExternRef, carries_62_bits) {
    EXPECT_TRUE(ExternRef{}.is_null());
    EXPECT_FALSE(ExternRef{}.is_host());
    constexpr uint64_t largest = (uint64_t{1} << 62) - 1;
    EXPECT_EQ(ExternRef::host(largest).payload(), largest);
    EXPECT_TRUE(ExternRef::host(0).is_host());
    EXPECT_NE(ExternRef::host(0), ExternRef{});
}

} // namespace
} // namespace warpbeam
