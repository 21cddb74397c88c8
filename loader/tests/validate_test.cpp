#include "module_bytes.hpp"

#include <warpbeam/memory/accounting_allocator.hpp>

#include <cstring>
#include <optional>
#include <tuple>

namespace warpbeam::test {
namespace {

/// The fault of a function of type [i32] -> [i32] with one i64 local.
std::string function_fault(const Bytes& instructions) {
    return fault(module_of(func_type({i32}, {i32}), body(instructions, {1, 1, i64})));
}

TEST(Validate, functions) {
    EXPECT_EQ(function_fault({0x20, 0}), "valid");
    EXPECT_EQ(function_fault({0x20, 0, 0x41, 1, 0x6a}), "valid");
    EXPECT_EQ(function_fault({0x00}), "valid") << "after unreachable there are any operands";
    EXPECT_EQ(function_fault({0x00, 0x6a, 0x45}), "valid");
}

// Linkers leave room for the largest numbers.
TEST(Validate, long_numbers) {
    EXPECT_EQ(function_fault({0x41, 0x81, 0x80, 0x80, 0x80, 0x00}), "valid");
    EXPECT_EQ(function_fault({0x41, 0xff, 0xff, 0xff, 0xff, 0x07}), "valid");
    EXPECT_EQ(function_fault({0x41, 0x80, 0x80, 0x80, 0x80, 0x78}), "valid");
    for (const uint8_t last : std::initializer_list<uint8_t>{0x08, 0x40, 0x70, 0x77})
        EXPECT_EQ(function_fault({0x41, 0x80, 0x80, 0x80, 0x80, last}),
                  "malformed: integer too large, in the code section, function 0 @32");
    EXPECT_EQ(function_fault({0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}),
              "malformed: integer representation too long, in the code section, function 0 @32");
    EXPECT_EQ(function_fault({0x20, 0, 0x10, 0x80, 0x80, 0x80, 0x80, 0x00}), "valid");
    EXPECT_EQ(function_fault({0x20, 0, 0x10, 0x80, 0x80, 0x80, 0x00}), "valid");
    EXPECT_EQ(function_fault({0x20, 0, 0x10, 0x80, 0x80, 0x80, 0x80, 0x01}),
              "invalid: unknown function 268435456, in the code section, function 0 @29");
    EXPECT_EQ(function_fault({0x20, 0, 0x10, 0x80, 0x80, 0x01}),
              "invalid: unknown function 16384, in the code section, function 0 @29");
    for (const uint8_t last : std::initializer_list<uint8_t>{0x10, 0x20, 0x40})
        EXPECT_EQ(function_fault({0x20, 0, 0x10, 0x80, 0x80, 0x80, 0x80, last}),
                  "malformed: integer too large, in the code section, function 0 @34");
    EXPECT_EQ(function_fault({0x20, 0, 0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}),
              "malformed: integer representation too long, in the code section, function 0 @34");
}

TEST(Validate, messages_give_expected_and_found_types_and_the_position) {
    EXPECT_EQ(function_fault({0x20, 1}), "invalid: type mismatch: end requires [i32] but stack has [i64], in "
                                         "the code section, function 0 @29");
    EXPECT_EQ(
        function_fault({}),
        "invalid: type mismatch: end requires [i32] but stack has [], in the code section, function 0 @27");
    EXPECT_EQ(function_fault({0x20, 0, 0x20, 1, 0x6a}),
              "invalid: type mismatch: i32.add requires [i32] but stack has [i64], in the code section, "
              "function 0 @31");
    EXPECT_EQ(function_fault({0x20, 0, 0x20, 0}), "invalid: type mismatch: block requires [i32] but stack "
                                                  "has [i32 i32], in the code section, function 0 "
                                                  "@31");
    EXPECT_EQ(function_fault({0x20, 2}), "invalid: unknown local 2, in the code section, function 0 @27");
    EXPECT_EQ(function_fault({0x0c, 1}), "invalid: unknown label 1, in the code section, function 0 @27");
    EXPECT_EQ(function_fault({0x28, 2, 0}), "invalid: unknown memory 0, in the code section, function 0 @27");
    EXPECT_EQ(function_fault({0xff}), "malformed: illegal opcode ff, in the code section, function 0 @27");
    EXPECT_EQ(function_fault({0xfc, 0x20}),
              "malformed: illegal opcode fc 32, in the code section, function 0 @27");
    EXPECT_EQ(function_fault({0x02, 0x40}),
              "malformed: unexpected end of section or function: END opcode expected, in "
              "the code section, function 0 @30");
}

TEST(Validate, messages_show_as_many_types_as_are_needed) {
    EXPECT_TRUE(
        fault(module_of(func_type({i32, i64}, {}), body({0x42, 0, 0x43, 0, 0, 0, 0, 0x42, 1, 0x10, 0})))
            .starts_with("invalid: type mismatch: call requires [i32 i64] but stack has [f32 i64]"));
}

TEST(Validate, messages_show_the_first_of_many_types) {
    const Bytes results(100, i64);
    std::string types = "[";
    while (types.size() < 119)
        types += "i64 ";
    EXPECT_EQ(fault(module_of(func_type({}, results), body({}))),
              "invalid: type mismatch: end requires " + types.substr(0, 119) +
                  " but stack has [], in the code section, function 0 @123");
}

TEST(Validate, legacy_catch_blocks_cannot_use_operands_below) {
    LoadOptions options;
    options.features = FeatureSet::all();
    const auto verdict = [&](const Bytes& instructions) {
        const auto module =
            Module::load(module_of(func_type({i32}, {i32}), body(instructions, {1, 1, i64})), options);
        return module ? std::string{"valid"} : std::string{module.error().message()};
    };
    // i32.const 1, try, nop, catch_all, [...], end
    EXPECT_EQ(verdict({0x41, 1, 0x06, 0x40, 0x01, 0x19, 0x01, 0x0b}), "valid");
    EXPECT_EQ(verdict({0x41, 1, 0x06, i32, 0x41, 2, 0x19, 0x41, 3, 0x0b, 0x6a}), "valid");
    EXPECT_EQ(verdict({0x41, 1, 0x06, 0x40, 0x01, 0x19, 0x1a, 0x0b, 0x41, 1}),
              "type mismatch: drop requires an operand but stack has [], in the code section, function 0");
}

TEST(Validate, bodies_begin_at_their_locals) {
    const Bytes bytes = module_of(func_type({i32}, {i32}), body({0x20, 0}, {1, 1, i64}));
    const auto module = load(bytes);
    ASSERT_TRUE(module);
    const FuncBody& only = module.bodies()[0];
    EXPECT_EQ(only.code_offset, only.offset + 3);
    EXPECT_EQ(Bytes(bytes.data() + only.offset, bytes.data() + bytes.size()),
              (Bytes{1, 1, i64, 0x20, 0, 0x0b}));
}

TEST(Validate, the_function_is_named_by_its_export) {
    const Bytes bytes = Binary{}
                            .section(type, vec({func_type({}, {})}))
                            .section(function, vec({{0}}))
                            .section(export_, vec({name("run") + Bytes{0, 0}}))
                            .section(code, vec({body({0x1a})}))
                            .bytes;
    EXPECT_EQ(fault(bytes),
              "invalid: type mismatch: drop requires an operand but stack has [], in the code section, "
              "function 0 \"run\" @32");
    const auto module = Module::load(bytes);
    ASSERT_FALSE(module);
    EXPECT_EQ(module.error().function(), 0u);
}

TEST(Validate, long_bodies_take_the_fast_path_with_the_same_results) {
    Bytes code;
    for (int i = 0; i < 50; ++i)
        code = code + Bytes{0x20, 0, 0x41, 0x85, 0x01, 0x6a, 0x21, 0};
    EXPECT_EQ(function_fault(code + Bytes{0x20, 0}), "valid");
    const size_t start = 27 + 1 + 1; // the lengths take a byte more each
    EXPECT_EQ(function_fault(code + Bytes{0x20, 1, 0x45} + code),
              "invalid: type mismatch: i32.eqz requires [i32] but stack has [i64], in the code section, "
              "function 0 @" +
                  std::to_string(start + code.size() + 2));
    EXPECT_EQ(function_fault(code + Bytes{0x20, 9} + code),
              "invalid: unknown local 9, in the code section, function 0 @" +
                  std::to_string(start + code.size()));
}

TEST(Validate, locals_beyond_the_expanded_ones) {
    // 3000 locals of i32, then as many of i64, in a body of a few bytes.
    const Bytes locals = vec({leb(3000) + Bytes{i32}, leb(3000) + Bytes{i64}});
    const auto with = [&](const Bytes& code) {
        return fault(module_of(func_type({}, {i32}), body(code, locals)));
    };
    EXPECT_EQ(with(Bytes{0x20} + leb(2999)), "valid");
    EXPECT_NE(with(Bytes{0x20} + leb(3000)).find("requires [i32] but stack has [i64]"), std::string::npos);
    EXPECT_NE(with(Bytes{0x20} + leb(6000)).find("unknown local 6000"), std::string::npos);
}

TEST(Validate, locals_without_a_default_must_be_set_first) {
    const Bytes locals = vec({Bytes{1, ref_to, 0x6c}}); // (ref i31)
    const auto with = [&](const Bytes& code) {
        return fault(module_of(func_type({}, {}), body(code, locals)));
    };
    const Bytes set{0x41, 0, 0xfb, 0x1c, 0x21, 0};
    const Bytes use{0x20, 0, 0x1a};
    EXPECT_EQ(with(set + use), "valid");
    EXPECT_EQ(with(use), "invalid: uninitialized local 0, in the code section, function 0 @26");
    EXPECT_EQ(with(Bytes{0x02, 0x40} + set + use + Bytes{end}), "valid");
    EXPECT_NE(with(Bytes{0x02, 0x40} + set + Bytes{end} + use).find("uninitialized local 0"),
              std::string::npos);
}

TEST(Validate, constant_expressions) {
    const auto global_fault = [](const Bytes& expr) {
        return fault(
            Binary{}.section(global, vec({Bytes{i32, 0, 0x41, 1, end}, Bytes{i32, 0} + expr})).bytes);
    };
    EXPECT_EQ(global_fault({0x23, 0, 0x41, 1, 0x6a, end}), "valid") << "an earlier global, and arithmetic";
    EXPECT_EQ(global_fault({0x23, 1, end}), "invalid: unknown global 1, in the global section @18");
    EXPECT_EQ(global_fault({0x41, 0, 0x45, end}),
              "invalid: constant expression required: i32.eqz is not constant, in the global section @20");
    EXPECT_EQ(global_fault({0x42, 0, end}),
              "invalid: type mismatch: end requires [i32] but stack has [i64], in the global section @20");
    EXPECT_EQ(global_fault({end}),
              "invalid: type mismatch: end requires [i32] but stack has [], in the global section "
              "@18");
}

TEST(Validate, undeclared_function_references) {
    EXPECT_EQ(
        fault(module_of(func_type({}, {}), body({0xd2, 0, 0x1a}))),
        "invalid: undeclared function reference: function 0 does not occur in an export, segment or constant "
        "expression, in the code section, function 0 @23");
}

TEST(Validate, sub_types) {
    const Bytes base{0x50, 0, 0x5f, 1, i32, 0};
    const Bytes good{0x50, 1, 0, 0x5f, 2, i32, 0, i64, 0};
    const Bytes wrong{0x50, 1, 0, 0x5f, 1, i64, 0};
    EXPECT_EQ(fault(Binary{}.section(type, vec({base, good})).bytes), "valid");
    EXPECT_EQ(fault(Binary{}.section(type, vec({base, wrong})).bytes),
              "invalid: sub type 1 does not match super type 0, in the type section @17");
    // Each field, not only the first.
    for (const uint8_t third : {i32, i64, f32}) {
        const Bytes three{0x50, 0, 0x5f, 3, i32, 0, i64, 1, f32, 0};
        const Bytes other{0x50, 1, 0, 0x5f, 3, i32, 0, i64, 1, third, 0};
        EXPECT_EQ(fault(Binary{}.section(type, vec({three, other})).bytes) == "valid", third == f32);
    }
    EXPECT_EQ(fault(Binary{}.section(type, vec({Bytes{0x5f, 0}, Bytes{0x50, 1, 0, 0x5f, 0}})).bytes),
              "invalid: sub type 1 does not match super type 0, which is final, in the type section @13");
    EXPECT_EQ(fault(Binary{}.section(type, vec({Bytes{0x50, 1, 0, 0x5f, 0}})).bytes),
              "invalid: unknown type 0: a super type must come before type 0, in the type section @13");
}

TEST(Validate, types_are_canonical_across_modules) {
    TypeRegistry types;
    LoadOptions options;
    options.types = &types;
    const Bytes pair = func_type({i32}, {i32});
    const auto one = load(Binary{}.section(type, vec({func_type({}, {}), pair})).bytes, options);
    const auto other = load(Binary{}.section(type, vec({pair})).bytes, options);
    EXPECT_EQ(one.types()[1], other.types()[0]);
    EXPECT_NE(one.types()[0], one.types()[1]);
}

TEST(Validate, stack_heights) {
    EXPECT_EQ(load(module_of(func_type({}, {}), body({0x41, 0, 0x41, 0, 0x41, 0, 0x1a, 0x1a, 0x1a})))
                  .bodies()[0]
                  .max_stack,
              3u);
    const Bytes v128_zero = Bytes{0xfd, 12} + Bytes(16, 0);
    EXPECT_EQ(load(module_of(func_type({}, {}), body(v128_zero + Bytes{0x1a}))).bodies()[0].max_stack, 2u);
}

TEST(Validate, whatever_pushes_counts_in_the_height_of_the_stack) {
    const Bytes head = Binary{}
                           .section(type, vec({func_type({}, {i32}), func_type({f32}, {})}))
                           .section(function, {3, 0, 0, 1})
                           .section(memory, vec({{0, 1}}))
                           .section(global, vec({Bytes{i32, 0, 0x41, 0, end}}))
                           .bytes;
    const auto with = [&](const Bytes& code) {
        return head + Bytes{SectionId::code} + sized(vec({body({0x41, 0}), body({0x41, 0}), body(code)}));
    };
    for (const Bytes& push : {Bytes{0x41, 0}, Bytes{0x42, 0}, Bytes{0x43} + Bytes(4, 0),
                              Bytes{0x44} + Bytes(8, 0), Bytes{0x20, 0}, Bytes{0x23, 0}, Bytes{0x10, 1},
                              Bytes{0x10, 0x80, 0x00}, Bytes{0x3f, 0}, Bytes{0xd0, func_ref}})
        for (const size_t count :
             {1u, 2u, 126u, 127u, 300u}) { // around the room that there is at the beginning
            Bytes code;
            for (size_t i = 0; i < count; ++i)
                code = code + push;
            const Bytes bytes = with(code + Bytes(count, 0x1a));
            EXPECT_EQ(load(bytes).bodies()[2].max_stack, count) << int{push[0]};
            LoadOptions options = all_features();
            options.limits.frame_slots = static_cast<uint32_t>(count + 1); // and the parameter
            EXPECT_EQ(fault(bytes, options), "valid") << int{push[0]};
            --options.limits.frame_slots;
            EXPECT_EQ(fault(bytes, options).substr(0, 31), "limit: the operand stack exceed") << int{push[0]};
        }
}

TEST(Validate, offsets_fit_the_addresses) {
    const auto with = [](uint8_t limits, const Bytes& code) {
        return fault(Binary{}
                         .section(type, vec({func_type({}, {})}))
                         .section(function, vec({{0}}))
                         .section(memory, vec({{limits, 1}}))
                         .section(SectionId::code, vec({body(code)}))
                         .bytes);
    };
    const Bytes address32{0x41, 0}, address64{0x42, 0}, value{0x41, 0}, drop{0x1a};
    const Bytes load{0x28, 2}, store{0x36, 2};
    EXPECT_TRUE(with(0, address32 + Bytes{0x28, 0x3f, 0} + drop)
                    .starts_with("invalid: alignment must not be larger"));
    EXPECT_TRUE(with(0, address32 + Bytes{0x28, 0x80, 0x01, 0} + drop)
                    .starts_with("malformed: malformed memop flags 0x80"));
    const Bytes most{0xff, 0xff, 0xff, 0xff, 0x0f}, more{0x80, 0x80, 0x80, 0x80, 0x10}; // 2^32
    const Bytes longest{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
    const Bytes too_long{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
    const Bytes too_large{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02};
    for (const auto& [offset, narrow, wide] :
         {std::tuple{most, "valid", "valid"}, std::tuple{more, "invalid: offset out of range", "valid"},
          std::tuple{longest, "valid", "valid"},
          std::tuple{too_long, "malformed: integer representation too long",
                     "malformed: integer representation too long"},
          std::tuple{too_large, "malformed: integer too large", "malformed: integer too large"}}) {
        EXPECT_TRUE(with(0, address32 + load + offset + drop).starts_with(narrow)) << narrow;
        EXPECT_TRUE(with(0, address32 + value + store + offset).starts_with(narrow)) << narrow;
        EXPECT_TRUE(with(4, address64 + load + offset + drop).starts_with(wide)) << wide;
        EXPECT_TRUE(with(4, address64 + value + store + offset).starts_with(wide)) << wide;
    }
}

TEST(Validate, each_local_has_its_own_type) {
    const uint8_t types[] = {i32, f64, i64, i64, f32, func_ref, i32};
    const Bytes locals = vec({{2, i64}, {1, f32}, {1, func_ref}, {1, i32}});
    for (uint8_t local = 0; local < std::size(types); ++local)
        for (const uint8_t result : {i32, i64, f32, f64, func_ref})
            EXPECT_EQ(fault(module_of(func_type({i32, f64}, {result}), body({0x20, local}, locals))) ==
                          "valid",
                      result == types[local])
                << int{local} << ' ' << int{result};
}

TEST(Validate, locals_end_with_their_function) {
    const auto with = [](const Bytes& code) {
        return fault(Binary{}
                         .section(type, vec({func_type({}, {})}))
                         .section(function, vec({{0}, {0}}))
                         .section(SectionId::code, vec({body({}, {1, 3, i64}), body(code, {1, 1, i64})}))
                         .bytes);
    };
    EXPECT_EQ(with({0x20, 0, 0x1a}), "valid");
    for (uint8_t local = 1; local < 4; ++local)
        EXPECT_EQ(with({0x20, local, 0x1a}).substr(0, 24), "invalid: unknown local " + std::to_string(local))
            << int{local};
}

TEST(Validate, catch_clauses) {
    const auto with = [](const Bytes& block_type, const Bytes& clause) {
        return fault(Binary{}
                         .section(type, vec({func_type({}, {}), func_type({i32, i64}, {}),
                                             func_type({}, {i32, i64}), func_type({}, {i64, i32}),
                                             func_type({}, {i32, i64, i64}), func_type({}, {i32, i32})}))
                         .section(function, vec({{0}}))
                         .section(tag, vec({{0, 1}}))
                         .section(SectionId::code, vec({body(Bytes{0x02} + block_type + Bytes{0x1f, 0x40, 1} +
                                                             clause + Bytes{end, 0x00, end, 0x00})}))
                         .bytes);
    };
    const Bytes nothing{0x40};
    EXPECT_EQ(with({2}, {0, 0, 0}), "valid");
    for (const Bytes& other : {nothing, Bytes{i32}, Bytes{3}, Bytes{4}, Bytes{5}})
        EXPECT_TRUE(with(other, {0, 0, 0}).starts_with("invalid: type mismatch: the label requires "));
    EXPECT_EQ(with(nothing, {2, 0}), "valid");
    EXPECT_NE(with({i32}, {2, 0}), "valid");
    EXPECT_EQ(with({0x69}, {3, 0}), "valid"); // an exnref
    EXPECT_NE(with({i32}, {3, 0}), "valid");
    EXPECT_NE(with(nothing, {3, 0}), "valid");
    EXPECT_TRUE(with(nothing, {4, 0, 0}).starts_with("malformed: malformed catch clause 0x04"));
}

TEST(Validate, arrays_of_a_fixed_number_of_elements) {
    const auto with = [](const Bytes& code) {
        return fault(Binary{}
                         .section(type, vec({Bytes{0x5e, i32, 0}, Bytes{0x60, 0, 1, ref_to, 0}}))
                         .section(function, vec({{1}}))
                         .section(SectionId::code, vec({body(code)}))
                         .bytes);
    };
    for (uint8_t operands = 0; operands < 4; ++operands)
        for (uint8_t count = 0; count < 4; ++count) {
            Bytes code;
            for (uint8_t i = 0; i < operands; ++i)
                code = code + Bytes{0x41, 0};
            EXPECT_EQ(with(code + Bytes{0xfb, 8, 0, count}) == "valid", operands == count)
                << int{operands} << ' ' << int{count};
        }
    EXPECT_NE(with({0x42, 0, 0x41, 0, 0xfb, 8, 0, 2}), "valid");
    // In unreachable code there are enough, and it takes no time.
    EXPECT_EQ(with(Bytes{0x00, 0x41, 0, 0xfb, 8, 0} + leb(UINT32_MAX)), "valid");
    EXPECT_NE(with({0x00, 0x42, 0, 0xfb, 8, 0, 2}), "valid");
}

TEST(Validate, constant_expressions_before_garbage_collection) {
    LoadOptions options = all_features();
    options.features.disable(Feature::gc);
    const Bytes own{i32, 0, 0x41, 1, end}, first{i32, 0, 0x23, 0, end}, second{i32, 0, 0x23, 1, end};
    const Bytes imported = name("") + name("") + Bytes{3, i32, 0};
    EXPECT_NE(fault(Binary{}.section(global, vec({own, first})).bytes, options), "valid");
    EXPECT_EQ(
        fault(Binary{}.section(import, vec({imported})).section(global, vec({own, first})).bytes, options),
        "valid");
    EXPECT_NE(
        fault(Binary{}.section(import, vec({imported})).section(global, vec({own, second})).bytes, options),
        "valid");
}

TEST(Validate, parameters_need_not_be_set) {
    const Bytes type_with_two{0x60, 2, ref_to, 0x6c, ref_to, 0x6c, 0};
    for (uint8_t param = 0; param < 2; ++param)
        EXPECT_EQ(fault(module_of(type_with_two, body({0x20, param, 0x1a}, {1, 1, ref_to, 0x6c}))), "valid");
    EXPECT_NE(fault(module_of(type_with_two, body({0x20, 2, 0x1a}, {1, 1, ref_to, 0x6c}))), "valid");
}

TEST(Validate, many_locals_take_no_memory) {
    AccountingAllocator allocator{Allocator::standard(), 1 << 20};
    LoadOptions options = all_features();
    options.limits.locals = options.limits.frame_slots = UINT32_MAX;
    options.allocator = &allocator;
    const uint32_t many = 1'000'000'000;
    const auto with = [&](const Bytes& code) {
        return fault(
            module_of(func_type({}, {i64}), body(code, vec({leb(many) + Bytes{i32}, Bytes{1, i64}}))),
            options);
    };
    EXPECT_EQ(with(Bytes{0x20} + leb(many)), "valid");
    EXPECT_EQ(with(Bytes(1000, 0x01) + Bytes{0x20} + leb(many)), "valid");
    EXPECT_NE(with(Bytes{0x20} + leb(many - 1)), "valid");
    EXPECT_NE(with(Bytes{0x20} + leb(many + 1)), "valid");
}

/// Notices what is written a little beyond its blocks.
class WatchfulAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        void* const block = standard().allocate(size + beyond, alignment);
        if (block != nullptr)
            std::memset(static_cast<uint8_t*>(block) + size, 0xa5, beyond);
        return block;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        for (size_t i = 0; i < beyond; ++i)
            EXPECT_EQ(static_cast<uint8_t*>(block)[size + i], 0xa5) << size << " + " << i;
        standard().deallocate(block, size + beyond, alignment);
    }

private:
    static constexpr size_t beyond = 64;
};

TEST(Validate, writes_only_to_its_own_memory) {
    WatchfulAllocator allocator;
    LoadOptions options = all_features();
    options.allocator = &allocator;
    Bytes pushes;
    for (size_t count = 1; count < 600; ++count) {
        pushes = pushes + Bytes{0x41, 0};
        const Bytes code = pushes + Bytes(count, 0x1a);
        ASSERT_EQ(fault(module_of(func_type({}, {}), body(code)), options), "valid") << count;
        // Without the fast path, for what comes after the end.
        const Bytes longer = sized(Bytes{0} + code + Bytes{end, 0x01});
        ASSERT_NE(fault(module_of(func_type({}, {}), longer), options), "valid") << count;
    }
    // Several at once.
    for (size_t results = 1; results < 300; ++results)
        ASSERT_EQ(
            fault(module_of(func_type({}, Bytes(results, i32)), body({0x10, 0, 0x10, 0, 0x10, 0, 0x00})),
                  options),
            "valid");
}

TEST(Validate, names_the_bottom_type_in_messages) {
    // unreachable, ref.as_non_null, i32.add
    const std::string message = fault(module_of(func_type({}, {}), body({0x00, 0xd4, 0x6a, 0x1a})));
    EXPECT_NE(message.find("requires [i32] but stack has [(ref bot)]"), std::string::npos) << message;
}

TEST(Validate, finds_types_only_where_an_instruction_begins) {
    // [] -> []: i32.const 1000, i32.const 5, i32.add, drop, end
    const std::vector<uint8_t> bytes{0,    0x61, 0x73, 0x6d, 1,    0, 0,    0,    1,   4, 1,
                                     0x60, 0,    0,    3,    2,    1, 0,    10,   11,  1, 9,
                                     0,    0x41, 0xe8, 0x07, 0x41, 5, 0x6a, 0x1a, 0x0b};
    const auto module = Module::load(bytes, {});
    ASSERT_TRUE(module) << module.error().message();
    // The number of operands, or -1 inside an instruction.
    constexpr int operands[] = {0, -1, -1, 1, -1, 2, 1, 0};
    for (uint32_t offset = 0; offset < std::size(operands); ++offset) {
        ModuleAccess::FrameTypes types{Allocator::standard()};
        const auto found = ModuleAccess::frame_types(*module, 0, offset, types, Allocator::standard());
        ASSERT_EQ(found.has_value(), operands[offset] >= 0) << offset;
        if (found) {
            EXPECT_EQ(static_cast<int>(types.operands.size()), operands[offset]) << offset;
        }
    }
    ModuleAccess::FrameTypes types{Allocator::standard()};
    for (const uint32_t offset : {8u, 9u, UINT32_MAX})
        EXPECT_FALSE(ModuleAccess::frame_types(*module, 0, offset, types, Allocator::standard())) << offset;
}

TEST(Validate, finds_types_at_several_offsets) {
    struct Heights final : ModuleAccess::FrameTypesSink {
        std::expected<void, Error> take(size_t, ModuleAccess::FrameTypes& found) noexcept override {
            heights.push_back(found.operands.size());
            return {};
        }
        std::vector<size_t> heights;
    };
    const auto module = load(module_of(func_type({}, {}), body({0x41, 0, 0x41, 0, 0x6a, 0x1a})));
    const auto found = [&](const std::vector<uint32_t>& offsets) {
        Heights heights;
        const bool good =
            ModuleAccess::frame_types(module, 0, offsets, heights, Allocator::standard()).has_value();
        return std::pair{good, heights.heights};
    };
    EXPECT_EQ(found({0, 2, 4, 5, 6}), std::pair(true, std::vector<size_t>{0, 1, 2, 1, 0}));
    EXPECT_EQ(found({0, 2, 2}), std::pair(true, std::vector<size_t>{0, 1, 1}));
    EXPECT_FALSE(found({4, 2}).first);
    EXPECT_FALSE(found({0, 7}).first);
}

TEST(Validate, an_offset_at_the_end_is_refused_before_memory_is_needed) {
    const auto module = load(module_of(func_type({}, {}), body({0x02, 0x40, end})));
    const auto size = static_cast<uint32_t>(module.bodies()[0].code.size());
    const auto found = [&](uint32_t offset, uint64_t memory) {
        AccountingAllocator limited{Allocator::standard(), memory};
        ModuleAccess::FrameTypes types{limited};
        const auto result = ModuleAccess::frame_types(module, 0, offset, types, limited);
        return result ? std::nullopt : std::optional{result.error().code()};
    };
    EXPECT_EQ(found(0, UINT64_MAX), std::nullopt);
    EXPECT_EQ(found(size, UINT64_MAX), ErrorCode::invalid);
    for (uint64_t memory = 0; memory < 8192; memory += 64)
        EXPECT_EQ(found(size, memory), found(size + 1, memory)) << memory;
}

TEST(Validate, finds_the_types_of_locals) {
    const auto module =
        load(module_of(func_type({i32, f64}, {}),
                       body({0x01}, vec({{2, i64}, {1, f32}, {1, ref_to, 0x6c}, {0, i32}, {1, i64}}))));
    ModuleAccess::FrameTypes types{Allocator::standard()};
    ASSERT_TRUE(ModuleAccess::frame_types(module, 0, 0, types, Allocator::standard()));
    const ValType expected[] = {ValType::i32, ValType::f64,
                                ValType::i64, ValType::i64,
                                ValType::f32, ValType::reference(HeapType::i31, true), // until it is set
                                ValType::i64};
    ASSERT_EQ(types.locals.size(), std::size(expected));
    for (size_t i = 0; i < std::size(expected); ++i)
        EXPECT_EQ(types.locals[i], expected[i]) << i;
}

TEST(Validate, finds_types_only_in_functions_that_have_a_body) {
    const auto module =
        load(Binary{}
                 .section(type, vec({func_type({}, {})}))
                 .section(import, vec({name("") + name("") + Bytes{0, 0}, name("") + name("") + Bytes{0, 0},
                                       name("") + name("") + Bytes{0, 0}}))
                 .section(function, vec({{0}, {0}}))
                 .section(SectionId::code, vec({body({}), body({})}))
                 .bytes);
    for (uint32_t func = 0; func < 10; ++func) {
        ModuleAccess::FrameTypes types{Allocator::standard()};
        EXPECT_EQ(ModuleAccess::frame_types(module, func, 0, types, Allocator::standard()).has_value(),
                  func == 3 || func == 4)
            << func;
    }
}

} // namespace
} // namespace warpbeam::test
