#include "module_bytes.hpp"

// Stack switching, https://github.com/WebAssembly/stack-switching

namespace warpbeam::test {
namespace {

constexpr uint8_t cont = 0x5d, cont_ref = 0x68, no_cont_ref = 0x75, sub = 0x50, rec = 0x4e;
constexpr uint8_t cont_new = 0xe0, cont_bind = 0xe1, suspend = 0xe2, resume = 0xe3, resume_throw = 0xe4,
                  resume_throw_ref = 0xe5, switch_to = 0xe6;
constexpr uint8_t on_label = 0, on_switch = 1;

/// Type 0: [i32] -> [i64]; type 1: its continuations; type 2: [] -> [i64]; type 3: its continuations; type 4:
/// [f32] -> [i32]; type 5: [] -> []; type 6: its continuations.
const std::vector<Bytes> types{
    func_type({i32}, {i64}), {cont, 0}, func_type({}, {i64}), {cont, 2}, func_type({f32}, {i32}),
    func_type({}, {}),       {cont, 5}};

std::string without_section(const std::string& text) { return text.substr(0, text.find(", in the")); }

std::string types_fault(const std::vector<Bytes>& definitions, const LoadOptions& options = all_features()) {
    return without_section(fault(Binary{}.section(type, vec(definitions)).bytes, options));
}

/// The fault of a function of type 7 in a module whose tags 0 and 1 have types 4 and 5.
std::string function_fault(const std::vector<Bytes>& params, const std::vector<Bytes>& results,
                           const Bytes& instructions) {
    std::vector<Bytes> all = types;
    all.push_back(Bytes{0x60} + vec(params) + vec(results));
    return without_section(fault(Binary{}
                                     .section(type, vec(all))
                                     .section(function, vec({{7}}))
                                     .section(tag, vec({{0, 4}, {0, 5}}))
                                     .section(code, vec({body(instructions)}))
                                     .bytes));
}

TEST(Switching, continuation_types) {
    const auto module = load(Binary{}.section(type, vec(types)).bytes);
    ASSERT_TRUE(module);
    const TypeRegistry& registry = module.type_registry();
    const TypeId id = module.types()[1];
    EXPECT_EQ(registry[id].kind, CompositeKind::cont);
    EXPECT_EQ(registry[id].cont, module.types()[0]);
    EXPECT_EQ(registry.top_of(HeapType::defined(id)), HeapType{HeapType::cont});
    EXPECT_EQ(registry.top_of(HeapType::nocont), HeapType{HeapType::cont});
    EXPECT_TRUE(registry.matches(HeapType::defined(id), HeapType::cont));
    EXPECT_TRUE(registry.matches(HeapType::nocont, HeapType::defined(id)));
    EXPECT_FALSE(registry.matches(HeapType::none, HeapType::defined(id)));
    EXPECT_FALSE(registry.matches(HeapType::nocont, HeapType::defined(module.types()[0])));
    EXPECT_FALSE(registry.matches(HeapType::defined(id), HeapType::any));
    EXPECT_FALSE(registry.matches(HeapType::defined(id), HeapType::func));
    EXPECT_FALSE(registry.matches(HeapType::cont, HeapType::defined(id)));
}

TEST(Switching, types_are_canonical) {
    const auto module =
        load(Binary{}
                 .section(type, vec({Bytes{rec, 2} + func_type({}, {}) + Bytes{cont, 0},
                                     Bytes{rec, 2} + func_type({}, {}) + Bytes{cont, 2},
                                     Bytes{rec, 2} + func_type({}, {}) + Bytes{cont, 0}, Bytes{cont, 0}}))
                 .bytes);
    ASSERT_TRUE(module);
    EXPECT_EQ(module.types()[1], module.types()[3]);
    EXPECT_NE(module.types()[1], module.types()[5]); // runs a function type of another group
    EXPECT_NE(module.types()[1], module.types()[6]);
}

TEST(Switching, faults_in_types) {
    EXPECT_EQ(types_fault({{cont, 0}}), "invalid: non-function type in the continuation type 0");
    EXPECT_EQ(types_fault({{cont, 1}}), "invalid: unknown type 1");
    EXPECT_EQ(types_fault({{cont, 0x70}}), "malformed: malformed type of a continuation");
    EXPECT_EQ(types_fault({{cont}}), "malformed: unexpected end of section or function");
    EXPECT_EQ(types_fault({{cont, 0x80, 0x80, 0x80, 0x80, 0x80, 0}}),
              "malformed: integer representation too long");
    EXPECT_EQ(types_fault({{0x5f, 0}, {cont, 0}}), "invalid: non-function type in the continuation type 1");
    EXPECT_EQ(types_fault({Bytes{rec, 2, cont, 1} + func_type({}, {})}), "valid");
    EXPECT_EQ(types_fault({func_type({}, {}), {cont, 0}, {sub, 1, 1, cont, 0}}),
              "invalid: sub type 2 does not match super type 1, which is final");
    EXPECT_EQ(types_fault({func_type({}, {}), func_type({i32}, {}), {sub, 0, cont, 0}, {sub, 1, 2, cont, 1}}),
              "invalid: sub type 3 does not match super type 2");
    EXPECT_EQ(types_fault({func_type({}, {}), {sub, 0, cont, 0}, {sub, 1, 1, cont, 0}}), "valid");
}

TEST(Switching, without_the_feature) {
    EXPECT_EQ(types_fault({func_type({}, {}), {cont, 0}}, {}),
              "unsupported: a continuation type needs the feature stack-switching, which is switched off");
    EXPECT_EQ(types_fault({func_type({cont_ref}, {})}, {}),
              "unsupported: the type cont needs the feature stack-switching, which is switched off");
    EXPECT_EQ(without_section(fault(
                  Binary{}.section(type, vec({func_type({}, {i32})})).section(tag, vec({{0, 0}})).bytes, {})),
              "invalid: non-empty tag result type");
    EXPECT_EQ(without_section(fault(module_of(func_type({}, {}), body({suspend, 0})), {})).substr(0, 32),
              "unsupported: suspend needs the f");
}

TEST(Switching, making_and_binding) {
    EXPECT_EQ(function_fault({{ref_null, 0}}, {{ref_to, 1}}, {0x20, 0, cont_new, 1}), "valid");
    EXPECT_EQ(function_fault({{ref_null, 2}}, {{ref_to, 1}}, {0x20, 0, cont_new, 1}),
              "invalid: type mismatch: cont.new requires [(ref null 0)] but stack has [(ref null 2)]");
    EXPECT_EQ(function_fault({}, {}, {cont_new, 0}),
              "invalid: non-continuation type 0: cont.new requires a continuation type");
    EXPECT_EQ(function_fault({}, {}, {cont_new, 8}), "invalid: unknown type 8");
    EXPECT_EQ(function_fault({{ref_null, 1}}, {{ref_to, 3}}, {0x41, 1, 0x20, 0, cont_bind, 1, 3}), "valid");
    EXPECT_EQ(function_fault({{ref_null, 1}}, {{ref_to, 3}}, {0x20, 0, cont_bind, 1, 3}),
              "invalid: type mismatch: cont.bind requires [i32] but stack has []");
    EXPECT_EQ(function_fault({{ref_null, 3}}, {}, {0x20, 0, cont_bind, 3, 1}),
              "invalid: type mismatch: cont.bind of [] -> [i64] to [i32] -> [i64]");
    EXPECT_EQ(function_fault({{ref_null, 1}}, {}, {0x41, 1, 0x20, 0, cont_bind, 1, 6}),
              "invalid: type mismatch: cont.bind of [i32] -> [i64] to [] -> []");
}

TEST(Switching, binding_some_of_several_parameters) {
    const auto bind = [](const Bytes& code) {
        return without_section(
            fault(Binary{}
                      .section(type, vec({func_type({i32, f32}, {}), Bytes{cont, 0}, func_type({f32}, {}),
                                          Bytes{cont, 2}, Bytes{0x60, 1, ref_null, 1, 1, ref_to, 3}}))
                      .section(function, vec({{4}}))
                      .section(SectionId::code, vec({body(code)}))
                      .bytes));
    };
    EXPECT_EQ(bind({0x41, 0, 0x20, 0, cont_bind, 1, 3}), "valid");
    EXPECT_EQ(bind({0x43, 0, 0, 0, 0, 0x20, 0, cont_bind, 1, 3}),
              "invalid: type mismatch: cont.bind requires [i32] but stack has [f32]");
}

TEST(Switching, suspending) {
    EXPECT_EQ(function_fault({{f32}}, {{i32}}, {0x20, 0, suspend, 0}), "valid");
    EXPECT_EQ(function_fault({}, {}, {suspend, 2}), "invalid: unknown tag 2");
    EXPECT_EQ(function_fault({}, {{i32}}, {suspend, 0}),
              "invalid: type mismatch: suspend requires [f32] but stack has []");
}

TEST(Switching, resuming) {
    const std::vector<Bytes> one{{ref_null, 1}};
    const Bytes start{0x41, 1, 0x20, 0};
    EXPECT_EQ(function_fault(one, {{i64}}, start + Bytes{resume, 1, 0}), "valid");
    EXPECT_EQ(
        function_fault(one, {{i64}}, start + Bytes{resume, 1, 1, on_switch, 0}),
        "invalid: type mismatch in switch tag: a continuation with results [i64] can't be switched with "
        "a tag of type [f32] -> [i32]");
    EXPECT_EQ(function_fault(one, {{i64}}, start + Bytes{resume, 1, 1, 2, 0}),
              "malformed: malformed handler clause 0x02");
    EXPECT_EQ(function_fault(one, {{i64}}, start + Bytes{resume, 1, 1, on_label, 2, 0}),
              "invalid: unknown tag 2");
    EXPECT_EQ(function_fault(one, {{i64}}, start + Bytes{resume, 1, 1, on_label, 0, 1}),
              "invalid: unknown label 1");
    EXPECT_EQ(function_fault(one, {{i64}}, start + Bytes{resume, 1, 0x7f}),
              "malformed: unexpected end of section or function: 127 handler clauses, but only 1 byte left");
    // The block takes what the tag carries and a continuation of type 1: [i32] -> [i64].
    const auto handled = [&](const std::vector<Bytes>& results, uint8_t tag_index) {
        std::vector<Bytes> all = types;
        all.push_back(Bytes{0x60} + vec(one) + vec({}));
        all.push_back(Bytes{0x60, 0} + vec(results));
        return without_section(
            fault(Binary{}
                      .section(type, vec(all))
                      .section(function, vec({{7}}))
                      .section(tag, vec({{0, 4}, {0, 5}}))
                      .section(code, vec({body(Bytes{0x02, 8} + start +
                                               Bytes{resume, 1, 1, on_label, tag_index, 0, 0, end, 0})}))
                      .bytes));
    };
    EXPECT_EQ(handled({{f32}, {ref_to, 1}}, 0), "valid");
    EXPECT_EQ(handled({{f32}, {ref_to, 3}}, 0),
              "invalid: type mismatch: the label requires [f32 (ref 3)] but the tag carries [f32], and the "
              "continuation is [i32] -> [i64]");
    EXPECT_EQ(handled({{ref_to, 3}}, 1), "valid");
    EXPECT_EQ(handled({}, 1),
              "invalid: type mismatch: instruction requires concrete continuation reference type but label "
              "has []");
    EXPECT_EQ(handled({{cont_ref}}, 1),
              "invalid: type mismatch: instruction requires concrete continuation reference type but label "
              "has [contref]");
    EXPECT_EQ(handled({{ref_to, 0}}, 1), "invalid: non-continuation type 0 of a label");
}

TEST(Switching, throwing_into_continuations) {
    const std::vector<Bytes> one{{ref_null, 1}};
    EXPECT_EQ(function_fault(one, {{i64}}, {0x20, 0, resume_throw, 1, 1, 0}), "valid");
    EXPECT_EQ(function_fault(one, {{i64}}, {0x20, 0, resume_throw, 1, 0, 0}),
              "invalid: type mismatch: resume_throw with tag 0, whose type has results");
    EXPECT_EQ(function_fault({}, {}, {0x43, 0, 0, 0, 0, 0x08, 0}),
              "invalid: type mismatch: throw with tag 0, whose type has results");
    EXPECT_EQ(function_fault({{0x69}, {ref_null, 1}}, {{i64}}, {0x20, 0, 0x20, 1, resume_throw_ref, 1, 0}),
              "valid");
    EXPECT_EQ(function_fault(one, {{i64}}, {0x20, 0, resume_throw_ref, 1, 0}),
              "invalid: type mismatch: resume_throw_ref requires [exnref] but stack has []");
}

TEST(Switching, switching) {
    // Type 1: continuations of [(ref null 1)] -> []; the tag: [] -> [].
    const std::vector<Bytes> group{
        Bytes{rec, 2, 0x60, 1, ref_null, 1, 0, cont, 0}, func_type({}, {}), func_type({i32}, {}), {cont, 3}};
    const auto with = [&](const Bytes& instructions) {
        return without_section(fault(Binary{}
                                         .section(type, vec(group))
                                         .section(function, vec({{0}}))
                                         .section(tag, vec({{0, 2}, {0, 3}}))
                                         .section(code, vec({body(instructions)}))
                                         .bytes));
    };
    EXPECT_EQ(with({0x20, 0, switch_to, 1, 0, 0x1a}), "valid");
    EXPECT_EQ(with({0x20, 0, switch_to, 1, 1, 0x1a}),
              "invalid: type mismatch in switch tag: it has parameters [i32]");
    EXPECT_EQ(with({0x20, 0, switch_to, 4, 0}),
              "invalid: type mismatch: instruction requires continuation reference type but the type "
              "annotation has [i32]");
    EXPECT_EQ(with({0x20, 0, switch_to, 1, 2}), "invalid: unknown tag 2");
}

TEST(Switching, no_casts_to_continuations) {
    EXPECT_EQ(function_fault({{cont_ref}}, {{i32}}, {0x20, 0, 0xfb, 0x14, 1}),
              "invalid: invalid cast: ref.test to the continuation type 1");
    EXPECT_EQ(function_fault({{cont_ref}}, {{ref_to, 1}}, {0x20, 0, 0xfb, 0x16, no_cont_ref}),
              "invalid: invalid cast: ref.cast to the continuation type nocont");
    EXPECT_EQ(function_fault({{cont_ref}}, {{cont_ref}}, {0x20, 0, 0xfb, 0x18, 3, 0, cont_ref, 1}),
              "invalid: invalid cast: br_on_cast to the continuation type 1");
}

/// Every prefix and every single changed byte of a module gives a verdict.
TEST(Switching, hostile_bytes) {
    std::vector<Bytes> all = types;
    all.push_back(Bytes{0x60, 0, 1, ref_to, 3});
    const Bytes whole =
        Binary{}
            .section(type, vec(all))
            .section(function, vec({{5}, {2}}))
            .section(tag, vec({{0, 4}, {0, 5}}))
            .section(element, vec({{3, 0, 1, 1}}))
            .section(code,
                     vec({body({0x02,     7,   0xd2, 1,    cont_new, 3,   resume,    3, 2, on_label,     1, 0,
                                on_label, 1,   0,    0x1a, 0x0f,     end, cont_bind, 3, 3, resume_throw, 3, 1,
                                0,        0x1a}),
                          body({0x43, 0, 0, 0, 0, suspend, 0, 0xac})}))
            .bytes;
    ASSERT_EQ(fault(whole), "valid");
    for (size_t size = 0; size < whole.size(); ++size)
        (void)fault(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)));
    for (size_t i = 0; i < whole.size(); ++i)
        for (unsigned value = 0; value < 256; ++value) {
            Bytes changed = whole;
            changed[i] = static_cast<uint8_t>(value);
            (void)fault(changed);
        }
}

} // namespace
} // namespace warpbeam::test
