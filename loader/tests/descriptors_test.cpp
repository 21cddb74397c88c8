#include "module_bytes.hpp"

// Custom descriptors, https://github.com/WebAssembly/custom-descriptors , and custom page sizes,
// https://github.com/WebAssembly/custom-page-sizes

namespace warpbeam::test {
namespace {

constexpr uint8_t exact = 0x62, described_by = 0x4d, describes = 0x4c, sub = 0x50;
const Bytes empty_struct{0x5f, 0};

/// Types 0 and 1: a structure and its descriptor; then other types.
Bytes pair_and(const std::vector<Bytes>& more) {
    std::vector<Bytes> types{Bytes{0x4e, 2, sub, 0, described_by, 1} + empty_struct +
                             Bytes{sub, 0, describes, 0} + empty_struct};
    types.insert(types.end(), more.begin(), more.end());
    return vec(types);
}

/// The fault of a function of type 2 that gets `params` and has to give `results`.
std::string function_fault(const std::vector<Bytes>& params, const std::vector<Bytes>& results,
                           const Bytes& instructions) {
    const std::string text = fault(Binary{}
                                       .section(type, pair_and({Bytes{0x60} + vec(params) + vec(results)}))
                                       .section(function, vec({{2}}))
                                       .section(code, vec({body(instructions)}))
                                       .bytes);
    return text.substr(0, text.find(", in the"));
}

TEST(Descriptors, types_refer_to_each_other) {
    const auto module = load(Binary{}.section(type, pair_and({})).bytes);
    ASSERT_TRUE(module);
    const TypeRegistry& types = module.type_registry();
    const TypeId described = module.types()[0];
    const TypeId descriptor = module.types()[1];
    EXPECT_EQ(types[described].descriptor, descriptor);
    EXPECT_EQ(types[described].described, SubType::no_type);
    EXPECT_EQ(types[descriptor].described, described);
    const auto ref = [&](TypeId id, bool is_exact) {
        return ValType::reference(HeapType::defined(id, is_exact), true);
    };
    EXPECT_TRUE(types.matches(ref(described, true), ref(described, false)));
    EXPECT_FALSE(types.matches(ref(described, false), ref(described, true)));
    EXPECT_TRUE(types.matches(ValType::reference(HeapType::none, true), ref(described, true)));
}

TEST(Descriptors, groups_with_different_descriptors_differ) {
    const Bytes plain = Bytes{0x4e, 2, sub, 0} + empty_struct + Bytes{sub, 0} + empty_struct;
    const auto pair = [](uint8_t first) {
        return Bytes{0x4e, 2, sub, 0, described_by, static_cast<uint8_t>(first + 1)} + empty_struct +
               Bytes{sub, 0, describes, first} + empty_struct;
    };
    const auto module = load(Binary{}.section(type, vec({plain, pair(2), pair(4)})).bytes);
    ASSERT_TRUE(module);
    EXPECT_NE(module.types()[0], module.types()[2]);
    EXPECT_EQ(module.types()[2], module.types()[4]);
}

TEST(Descriptors, exact_types_beyond_a_group_are_looked_up_at_the_end) {
    const auto types_fault = [](const Bytes& last) {
        return fault(Binary{}.section(type, vec({Bytes{0x5f, 1, ref_to, exact, 1, 0}, last})).bytes);
    };
    EXPECT_EQ(types_fault(Bytes{0x00}).substr(0, 33), "malformed: malformed definition t");
    EXPECT_EQ(fault(Binary{}.section(type, vec({Bytes{0x5f, 1, ref_to, exact, 1, 0}})).bytes).substr(0, 23),
              "invalid: unknown type 1");
}

TEST(Descriptors, mismatched_clauses) {
    const auto group = [](const std::vector<Bytes>& members) {
        const std::string text = fault(Binary{}.section(type, vec({Bytes{0x4e} + vec(members)})).bytes);
        return text.substr(0, text.find(", in the"));
    };
    EXPECT_EQ(group({Bytes{described_by, 7} + empty_struct}),
              "invalid: descriptor type is outside rec group: type 7");
    EXPECT_EQ(group({Bytes{described_by, 1} + empty_struct}),
              "invalid: descriptor type is outside rec group: type 1");
    EXPECT_EQ(group({Bytes{described_by, 1} + empty_struct, empty_struct}),
              "invalid: type 0 is not described by its descriptor");
    EXPECT_EQ(group({Bytes{describes, 1} + empty_struct, Bytes{described_by, 0} + empty_struct}),
              "invalid: forward use of described type by descriptor 0");
    EXPECT_EQ(group({Bytes{described_by, 1, 0x5e, i32, 0}, Bytes{describes, 0} + empty_struct}),
              "invalid: descriptor type must be a struct: type 0");
    EXPECT_EQ(group({Bytes{describes, 0, described_by, 0} + empty_struct}),
              "invalid: forward use of described type by descriptor 0");
    // The same of members that aren't the first.
    EXPECT_EQ(group({empty_struct, Bytes{described_by, 0} + empty_struct}),
              "invalid: type 1 is not described by its descriptor");
    EXPECT_EQ(group({Bytes{described_by, 1} + empty_struct, Bytes{describes, 0, 0x5e, i32, 0}}),
              "invalid: described type must be a struct: type 1");
    EXPECT_EQ(group({empty_struct, Bytes{0x5d, 0}}), "invalid: non-function type in the continuation type 1");
    EXPECT_EQ(group({Bytes{described_by, 0, described_by, 0} + empty_struct}),
              "malformed: malformed definition type 0x4d");
    EXPECT_EQ(group({Bytes{described_by}}), "malformed: unexpected end of section or function");
    // A subtype keeps the descriptor, one whose type is a subtype in turn.
    EXPECT_EQ(group({Bytes{sub, 0, described_by, 1} + empty_struct,
                     Bytes{sub, 0, describes, 0} + empty_struct, Bytes{sub, 1, 0} + empty_struct}),
              "invalid: sub type 2 does not match super type 0: their descriptors do not match");
}

TEST(Descriptors, without_the_feature) {
    LoadOptions options;
    EXPECT_EQ(fault(Binary{}.section(type, pair_and({})).bytes, options),
              "unsupported: a type with a descriptor needs the feature custom-descriptors, which is switched "
              "off, in the "
              "type section @15");
    EXPECT_EQ(fault(Binary{}.section(type, vec({Bytes{0x60, 1, ref_null, exact, 0, 0}})).bytes, options)
                  .substr(0, 31),
              "unsupported: an exact type need");
    // Then nothing is exact, so types are those of the standard.
    EXPECT_EQ(fault(Binary{}
                        .section(type, vec({empty_struct, Bytes{0x60, 0, 1, ref_to, 0}}))
                        .section(function, vec({{1}}))
                        .section(code, vec({body({0xfb, 0, 0})}))
                        .bytes,
                    options),
              "valid");
}

TEST(Descriptors, allocation) {
    EXPECT_EQ(function_fault({}, {{ref_to, exact, 1}}, {0xfb, 0, 1}), "valid");
    EXPECT_EQ(function_fault({}, {{ref_to, exact, 0}}, {0xfb, 0, 1, 0xfb, 0x20, 0}), "valid");
    EXPECT_EQ(function_fault({}, {{ref_to, 0}}, {0xfb, 0, 0}),
              "invalid: type with descriptor requires descriptor allocation");
    EXPECT_EQ(function_fault({}, {{ref_to, 1}}, {0xd0, 0x71, 0xfb, 0x21, 1}),
              "invalid: type without descriptor requires non-descriptor allocation");
    // Even if nothing needs the result: after `unreachable`.
    for (const Bytes& rest : {Bytes{}, Bytes{0x00}})
        EXPECT_EQ(
            function_fault({{ref_null, 1}}, {{ref_to, 0}}, Bytes{0x20, 0, 0xfb, 0x21, 0} + rest),
            "invalid: type mismatch: struct.new_default_desc requires [(ref null (exact 1))] but stack has "
            "[(ref null 1)]");
}

TEST(Descriptors, get_and_cast) {
    EXPECT_EQ(function_fault({{ref_null, 0}}, {{ref_to, 1}}, {0x20, 0, 0xfb, 0x22, 0}), "valid");
    EXPECT_EQ(function_fault({{ref_null, exact, 0}}, {{ref_to, exact, 1}}, {0x20, 0, 0xfb, 0x22, 0}),
              "valid");
    EXPECT_EQ(function_fault({{ref_null, 0}}, {{ref_to, exact, 1}}, {0x20, 0, 0xfb, 0x22, 0}),
              "invalid: type mismatch: end requires [(ref (exact 1))] but stack has [(ref 1)]");
    EXPECT_EQ(function_fault({{ref_null, 1}}, {}, {0x20, 0, 0xfb, 0x22, 1}),
              "invalid: type without descriptor: ref.get_desc");
    EXPECT_EQ(function_fault({{0x6e}, {ref_null, 1}}, {{ref_to, 0}}, {0x20, 0, 0x20, 1, 0xfb, 0x23, 0}),
              "valid");
    EXPECT_EQ(function_fault({{0x6e}, {ref_null, 1}}, {{ref_to, exact, 0}},
                             {0x20, 0, 0x20, 1, 0xfb, 0x23, exact, 0}),
              "invalid: type mismatch: ref.cast_desc_eq requires [(ref null (exact 1))] but stack has [(ref "
              "null 1)]");
    EXPECT_EQ(function_fault({{0x6e}, {ref_null, 1}}, {{ref_to, 1}}, {0x20, 0, 0x20, 1, 0xfb, 0x23, 1}),
              "invalid: type mismatch: ref.cast_desc_eq to type 1, which does not have a descriptor");
    // (br_on_cast_desc_eq 0 anyref (ref null 0))
    EXPECT_EQ(
        function_fault({{0x6e}, {ref_null, 1}}, {{0x6e}}, {0x20, 0, 0x20, 1, 0xfb, 0x25, 3, 0, 0x6e, 0}),
        "valid");
    EXPECT_EQ(
        function_fault({{0x6e}, {ref_null, 1}}, {{0x6e}}, {0x20, 0, 0x20, 1, 0xfb, 0x25, 3, 0, 0x6e, 0x6b}),
        "invalid: type mismatch: br_on_cast_desc_eq to type struct, which does not have a descriptor");
}

TEST(Descriptors, exact_function_imports) {
    const auto with_import = [](uint8_t kind) {
        return fault(Binary{}
                         .section(type, vec({func_type({}, {})}))
                         .section(import, vec({name("") + name("") + Bytes{kind, 0}}))
                         .section(global, vec({{ref_to, exact, 0, 0, 0xd2, 0, end}}))
                         .bytes);
    };
    // Of the functions here, the first one is known exactly, too.
    for (uint8_t index = 0; index < 3; ++index)
        EXPECT_EQ(fault(Binary{}
                            .section(type, vec({func_type({}, {})}))
                            .section(import, vec({name("") + name("") + Bytes{0, 0}}))
                            .section(function, vec({{0}, {0}}))
                            .section(global, vec({{ref_to, exact, 0, 0, 0xd2, index, end}}))
                            .section(code, vec({body({}), body({})}))
                            .bytes) == "valid",
                  index != 0);
    EXPECT_EQ(with_import(0x20), "valid");
    EXPECT_EQ(with_import(0x00), "invalid: type mismatch: end requires [(ref (exact 0))] but stack has [(ref "
                                 "0)], in the global section @30");
    EXPECT_EQ(fault(Binary{}.section(import, vec({name("") + name("") + Bytes{0x20, 0}})).bytes, {}),
              "malformed: malformed import kind 0x20: an exact function needs the feature "
              "custom-descriptors, which "
              "is switched off, in the import section @13");
}

std::string memory_fault(const Bytes& memory_type, const LoadOptions& options = all_features()) {
    const std::string text = fault(Binary{}.section(memory, vec({memory_type})).bytes, options);
    return text.substr(0, text.find(", in the"));
}

TEST(PageSizes, are_1_or_64_kib) {
    const auto module = load(Binary{}.section(memory, vec({{0x08, 5, 0}, {0x09, 1, 2, 16}})).bytes);
    ASSERT_TRUE(module);
    EXPECT_EQ(module.memories()[0].page_size_log2, 0);
    EXPECT_EQ(module.memories()[1].page_size_log2, 16);
    EXPECT_EQ(memory_fault({0x08, 0, 12}),
              "invalid: invalid custom page size: 2^12 bytes; only 1 and 65536 are possible");
    EXPECT_EQ(memory_fault({0x08, 0, 63}),
              "invalid: invalid custom page size: 2^63 bytes; only 1 and 65536 are possible");
    EXPECT_EQ(memory_fault({0x08, 0, 64}), "malformed: invalid custom page size: 2^64 bytes");
    EXPECT_EQ(memory_fault({0x08, 0}), "malformed: unexpected end of section or function");
    EXPECT_EQ(memory_fault({0x10, 0}), "malformed: malformed limits flags 0x10");
    EXPECT_EQ(
        memory_fault({0x08, 0, 0}, {}),
        "malformed: malformed limits flags 0x08: a page size needs the feature custom-page-sizes, which "
        "is switched off");
}

TEST(PageSizes, bound_the_size) {
    EXPECT_EQ(memory_fault(Bytes{0x08} + leb(0xffff'ffff) + Bytes{0}), "valid");
    EXPECT_EQ(memory_fault(Bytes{0x08} + leb(0x1'0000'0000) + Bytes{0}),
              "invalid: memory size must be at most 4294967295 pages (4GiB)");
    EXPECT_EQ(memory_fault(Bytes{0x0c} + leb(UINT64_MAX) + Bytes{0}), "valid");
    EXPECT_EQ(memory_fault(Bytes{0x0c} + leb(0x1'0000'0000'0001) + Bytes{16}),
              "invalid: memory size must be at most 281474976710656 pages");
    EXPECT_EQ(fault(Binary{}.section(table, vec({{func_ref, 0x08, 0, 0}})).bytes),
              "malformed: malformed limits flags 0x08, in the table section @12");
}

} // namespace
} // namespace warpbeam::test
