#include "fixture.hpp"

#include <algorithm>
#include <cstring>

/// Accesses with addresses of 64 bits: what the instructions for them compute, and where a memory ends.

namespace warpbeam {
namespace {

struct Access {
    const char* name;
    const char* type; ///< of the value
    uint64_t size;
};
constexpr Access loads[] = {
    {"i32.load", "i32", 4},     {"i32.load8_u", "i32", 1},  {"i32.load8_s", "i32", 1},
    {"i32.load16_u", "i32", 2}, {"i64.load", "i64", 8},     {"i64.load32_u", "i64", 4},
    {"i64.load8_s", "i64", 1},  {"f32.load", "f32", 4},     {"f64.load", "f64", 8},
    {"v128.load", "v128", 16},  {"i64.load16_s", "i64", 2}, {"v128.load32_zero", "v128", 4}};
constexpr Access stores[] = {{"i32.store", "i32", 4}, {"i32.store8", "i32", 1},  {"i32.store16", "i32", 2},
                             {"i64.store", "i64", 8}, {"i64.store32", "i64", 4}, {"i64.store8", "i64", 1},
                             {"f32.store", "f32", 4}, {"f64.store", "f64", 8},   {"v128.store", "v128", 16}};
constexpr uint64_t memory_size = 65536;
constexpr uint64_t offsets[] = {0, 1, 8, 65535, 65536, 0xffff'ffff, 0x1'0000'0000, UINT64_MAX - 3};

/// Of operands $a and $b: how the text adds them, and what that is.
struct Address {
    const char* text;
    uint64_t (*value)(uint64_t, uint64_t);
};
constexpr Address addresses[] = {
    {"(local.get $a)", [](uint64_t a, uint64_t) { return a; }},
    {"(i64.add (local.get $a) (local.get $b))", [](uint64_t a, uint64_t b) { return a + b; }},
    {"(i64.add (local.get $b) (i64.const 16))", [](uint64_t, uint64_t b) { return b + 16; }},
    {"(i64.sub (local.get $a) (i64.const 1))", [](uint64_t a, uint64_t) { return a - 1; }},
    {"(i64.xor (local.get $a) (local.get $b))", [](uint64_t a, uint64_t b) { return a ^ b; }},
    {"(i64.add (i64.shl (local.get $a) (i64.const 1)) (local.get $b))",
     [](uint64_t a, uint64_t b) { return 2 * a + b; }},
};
constexpr std::pair<uint64_t, uint64_t> operands[] = {{0, 0},           {16, 8},
                                                      {65535, 0},       {65536, 0},
                                                      {65520, 16},      {65519, 1},
                                                      {0, 65535},       {UINT64_MAX, 1},
                                                      {UINT64_MAX, 17}, {UINT64_MAX - 7, 8},
                                                      {1ull << 32, 0},  {1ull << 63, 1ull << 63},
                                                      {4, UINT64_MAX},  {0x1'0000'0010, 0}};

/// Whether all bytes are in the memory, without a wrap after the address.
bool is_inside(uint64_t address, uint64_t offset, uint64_t size) {
    return address <= memory_size && offset <= memory_size && address + offset + size <= memory_size;
}

std::string offset_of(uint64_t offset) { return " offset=" + std::to_string(offset) + " "; }

class Memory64Test : public VmTest {
protected:
    static Config with_all() {
        Config config;
        config.features = FeatureSet::all();
        return config;
    }
    Memory64Test() : VmTest{with_all()} {}

    /// Calls `f` and tells whether it went well; otherwise it must be because of the bounds.
    static bool call(const Instance& instance, uint64_t a, uint64_t b) {
        const std::array args{Value{static_cast<int64_t>(a)}, Value{static_cast<int64_t>(b)}};
        std::array<Value, 1> result;
        const auto done = instance.func("f")->call(args, result);
        if (!done) {
            EXPECT_EQ(done.error().code(), TrapCode::memory_out_of_bounds);
        }
        return done.has_value();
    }
};

TEST_F(Memory64Test, loads_know_where_the_memory_ends) {
    for (const Access& access : loads)
        for (const Address& address : addresses)
            for (const uint64_t offset : offsets) {
                // The first byte of each load is 1 + its address modulo 251, and so on.
                const bool is_vector = std::string_view{access.type} == "v128";
                const Instance instance = instantiate(
                    "(module (memory (export \"m\") i64 1) (func (export \"f\") (param $a i64) (param $b "
                    "i64) (result i64) (local $i "
                    "i64) (local $v " +
                    std::string{access.type} + ") (local.set $v (" + access.name + offset_of(offset) +
                    address.text + ")) " +
                    (is_vector                                ? "(i64x2.extract_lane 0 (local.get $v))"
                     : std::string_view{access.type} == "i32" ? "(i64.extend_i32_u (local.get $v))"
                     : std::string_view{access.type} == "f32"
                         ? "(i64.extend_i32_u (i32.reinterpret_f32 (local.get $v)))"
                     : std::string_view{access.type} == "f64" ? "(i64.reinterpret_f64 (local.get $v))"
                                                              : "(local.get $v)") +
                    "))");
                const auto memory = instance.memory("m");
                for (uint64_t i = 0; i < memory_size; ++i)
                    memory->data()[i] = static_cast<uint8_t>(i % 127);
                for (const auto& [a, b] : operands) {
                    const uint64_t at = address.value(a, b);
                    const std::array args{Value{static_cast<int64_t>(a)}, Value{static_cast<int64_t>(b)}};
                    std::array<Value, 1> result;
                    const auto done = instance.func("f")->call(args, result);
                    ASSERT_EQ(done.has_value(), is_inside(at, offset, access.size))
                        << access.name << " " << address.text << " " << a << " " << b << " offset " << offset;
                    if (!done) {
                        EXPECT_EQ(done.error().code(), TrapCode::memory_out_of_bounds);
                        continue;
                    }
                    uint64_t expected = 0;
                    for (uint64_t i = std::min<uint64_t>(access.size, 8); i-- != 0;)
                        expected = expected << 8 | (at + offset + i) % 127;
                    EXPECT_EQ(static_cast<uint64_t>(result[0].as<int64_t>()), expected)
                        << access.name << " " << address.text << " " << a << " " << b;
                }
            }
}

TEST_F(Memory64Test, stores_know_where_the_memory_ends) {
    for (const Access& access : stores)
        for (const Address& address : addresses)
            for (const uint64_t offset : offsets)
                for (const bool constant : {false, true}) {
                    const std::string type = access.type;
                    const std::string value =
                        type == "v128"
                            ? constant ? "(v128.const i64x2 -1 -1)" : "(i64x2.splat (i64.const -1))"
                        : constant
                            ? "(" + type + ".const " +
                                  (type[0] == 'f'
                                       ? "-nan:0x" + std::string{type == "f32" ? "7fffff" : "fffffffffffff"}
                                       : "-1") +
                                  ")"
                        : type == "i32" ? "(i32.wrap_i64 (i64.or (local.get $a) (i64.const -1)))"
                        : type == "i64" ? "(i64.or (local.get $a) (i64.const -1))"
                        : type == "f32" ? "(f32.reinterpret_i32 (i32.const -1))"
                                        : "(f64.reinterpret_i64 (i64.const -1))";
                    const Instance instance =
                        instantiate("(module (memory (export \"m\") i64 1) (func (export \"f\") (param $a "
                                    "i64) (param $b i64) (result i64) (" +
                                    std::string{access.name} + offset_of(offset) + address.text + value +
                                    ") (i64.const 0)))");
                    const auto memory = instance.memory("m");
                    for (const auto& [a, b] : operands) {
                        const uint64_t at = address.value(a, b);
                        const bool inside = is_inside(at, offset, access.size);
                        ASSERT_EQ(call(instance, a, b), inside) << access.name << " " << address.text << " "
                                                                << a << " " << b << " offset " << offset;
                        const std::span<const uint8_t> bytes = memory->data();
                        const auto changed =
                            std::ranges::count_if(bytes, [](uint8_t byte) { return byte != 0; });
                        EXPECT_EQ(changed, static_cast<ptrdiff_t>(inside ? access.size : 0)) << access.name;
                        if (inside)
                            std::memset(memory->data().data() + at + offset, 0, access.size);
                    }
                }
}

} // namespace
} // namespace warpbeam
