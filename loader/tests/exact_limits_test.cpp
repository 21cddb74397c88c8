// Every limit of ModuleLimits is met exactly: a module with three of something is valid if three are allowed,
// and refused if two are.

#include "module_bytes.hpp"

namespace warpbeam::test {
namespace {

Bytes repeated(const Bytes& item, size_t count) { return vec(std::vector<Bytes>(count, item)); }

const Bytes nothing = func_type({}, {});
const Bytes constant{0x41, 0, end};

/// Expects a module to be valid with the limit `enough`, and refused with one less.
template <typename T>
void expect_limit(T ModuleLimits::* limit, T enough, const Bytes& bytes, const std::string& what) {
    LoadOptions options = all_features();
    options.limits.*limit = enough;
    EXPECT_EQ(fault(bytes, options), "valid") << what;
    options.limits.*limit = enough - 1;
    EXPECT_EQ(fault(bytes, options).substr(0, 6), "limit:") << what;
}

TEST(ExactLimits, definitions) {
    const Bytes types = vec({nothing});
    const auto expect_three = [&](uint32_t ModuleLimits::* limit, SectionId id, const Bytes& contents,
                                  const std::string& what) {
        expect_limit(limit, 3u, Binary{}.section(type, types).section(id, contents).bytes, what);
    };
    expect_limit(&ModuleLimits::types, 3u, Binary{}.section(type, repeated(nothing, 3)).bytes, "types");
    const Bytes group{0x4e, 2, 0x5f, 0, 0x5f, 0};
    expect_limit(&ModuleLimits::types, 3u, Binary{}.section(type, vec({nothing, group})).bytes,
                 "types in a group");
    expect_limit(&ModuleLimits::functions, 3u,
                 Binary{}
                     .section(type, types)
                     .section(function, repeated({0}, 3))
                     .section(code, repeated(body({}), 3))
                     .bytes,
                 "functions");
    expect_three(&ModuleLimits::tables, table, repeated({func_ref, 0, 0}, 3), "tables");
    expect_three(&ModuleLimits::memories, memory, repeated({0, 0}, 3), "memories");
    expect_three(&ModuleLimits::globals, global, repeated(Bytes{i32, 0} + constant, 3), "globals");
    expect_three(&ModuleLimits::tags, tag, repeated({0, 0}, 3), "tags");
    expect_three(&ModuleLimits::element_segments, element, repeated({1, 0, 0}, 3), "element segments");
    expect_three(&ModuleLimits::data_segments, data, repeated({1, 0}, 3), "data segments");
}

TEST(ExactLimits, imports_count_as_definitions) {
    const auto expect_three = [](uint32_t ModuleLimits::* limit, const Bytes& description,
                                 const std::string& what) {
        const Bytes imports = repeated(name("m") + name("n") + description, 3);
        expect_limit(limit, 3u, Binary{}.section(type, vec({nothing})).section(import, imports).bytes, what);
    };
    expect_three(&ModuleLimits::imports, {0, 0}, "imports");
    expect_three(&ModuleLimits::functions, {0, 0}, "functions");
    expect_three(&ModuleLimits::tables, {1, func_ref, 0, 0}, "tables");
    expect_three(&ModuleLimits::memories, {2, 0, 0}, "memories");
    expect_three(&ModuleLimits::globals, {3, i32, 0}, "globals");
    expect_three(&ModuleLimits::tags, {4, 0, 0}, "tags");
    // One imported, two defined.
    const Bytes one = vec({name("m") + name("n") + Bytes{2, 0, 0}});
    expect_limit(&ModuleLimits::memories, 3u,
                 Binary{}.section(import, one).section(memory, repeated({0, 0}, 2)).bytes, "memories");
}

TEST(ExactLimits, exports) {
    const auto item = [](std::string_view text) { return name(text) + Bytes{2, 0}; };
    expect_limit(&ModuleLimits::exports, 3u,
                 Binary{}
                     .section(memory, vec({{0, 0}}))
                     .section(export_, vec({item("a"), item("b"), item("c")}))
                     .bytes,
                 "exports");
}

TEST(ExactLimits, parts_of_types) {
    expect_limit(&ModuleLimits::params, 3u,
                 Binary{}.section(type, vec({func_type({i32, i32, i32}, {i32})})).bytes, "parameters");
    expect_limit(&ModuleLimits::results, 3u,
                 Binary{}.section(type, vec({func_type({i32}, {i32, i32, i32})})).bytes, "results");
    expect_limit(&ModuleLimits::fields, 3u,
                 Binary{}.section(type, vec({Bytes{0x5f, 3, i32, 0, i32, 0, i32, 0}})).bytes, "fields");
    const auto sub = [](uint8_t super) { return Bytes{0x50, 1, super, 0x5f, 0}; };
    expect_limit(&ModuleLimits::subtyping_depth, 3u,
                 Binary{}.section(type, vec({Bytes{0x50, 0, 0x5f, 0}, sub(0), sub(1), sub(2)})).bytes,
                 "supertypes");
    expect_limit(
        &ModuleLimits::subtyping_depth, 3u,
        Binary{}
            .section(type, vec({Bytes{0x4e, 4} + Bytes{0x50, 0, 0x5f, 0} + sub(0) + sub(1) + sub(2)}))
            .bytes,
        "supertypes in a group");
    LoadOptions options = all_features();
    options.limits.subtyping_depth = 2;
    EXPECT_EQ(fault(Binary{}
                        .section(type, vec({nothing, Bytes{0x50, 0, 0x5f, 0},
                                            Bytes{0x4e, 3} + sub(1) + sub(2) + sub(3)}))
                        .bytes,
                    options),
              "limit: sub type 4 is 3 levels deep (the limit is 2), in the type section @30");
}

TEST(ExactLimits, functions) {
    const auto with = [](const Bytes& code, const Bytes& locals = {0}) {
        return module_of(func_type({i32}, {}), body(code, locals));
    };
    expect_limit(&ModuleLimits::locals, 4u, with({}, {1, 3, i64}), "locals and a parameter");
    expect_limit(&ModuleLimits::function_size, 5u, with({0x01, 0x01, 0x01}), "bytes of a function");
    const Bytes small = with({});
    expect_limit(&ModuleLimits::module_size, small.size(), small, "bytes of a module");
    // Within the first blocks, and beyond those that there is room for at the beginning.
    for (const uint32_t depth : {1u, 3u, 100u, 1000u}) {
        for (const bool typed : {false, true}) {
            Bytes code;
            for (uint32_t i = 0; i < depth; ++i)
                code = code + (typed ? Bytes{0x02, 0} : Bytes{0x02, 0x40});
            code = code + Bytes(depth, end);
            const Bytes bytes = Binary{}
                                    .section(type, vec({nothing}))
                                    .section(function, vec({{0}}))
                                    .section(SectionId::code, vec({body(code)}))
                                    .bytes;
            expect_limit(&ModuleLimits::nesting, depth, bytes, std::to_string(depth) + " blocks");
        }
    }
}

TEST(ExactLimits, slots_of_a_frame) {
    const auto with = [](const Bytes& code, const Bytes& locals = {0}) {
        return module_of(func_type({}, {}), body(code, locals));
    };
    Bytes pushes, drops;
    for (uint32_t count = 1; count < 300; ++count) {
        pushes = pushes + Bytes{0x41, 0};
        drops = drops + Bytes{0x1a};
        if (count > 20 && count % 37 != 0)
            continue;
        expect_limit(&ModuleLimits::frame_slots, count, with(pushes + drops),
                     std::to_string(count) + " operands");
    }
    // All results of a call at once.
    for (const uint32_t count : {1u, 3u, 125u, 126u, 127u, 500u}) {
        const Bytes results(count, i32);
        const Bytes bytes = Binary{}
                                .section(type, vec({func_type({}, results), func_type({}, {})}))
                                .section(import, vec({name("") + name("") + Bytes{0, 0}}))
                                .section(function, vec({{1}}))
                                .section(SectionId::code, vec({body(Bytes{0x10, 0} + Bytes(count, 0x1a))}))
                                .bytes;
        expect_limit(&ModuleLimits::frame_slots, count, bytes, std::to_string(count) + " results");
    }
    // A vector takes two slots, and if there is any among the operands, they all do.
    const Bytes vector = Bytes{0xfd, 12} + Bytes(16, 0);
    expect_limit(&ModuleLimits::frame_slots, 2u, with(vector + Bytes{0x1a}), "one vector");
    expect_limit(&ModuleLimits::frame_slots, 6u, with(vector + vector + Bytes{0x41, 0, 0x1a, 0x1a, 0x1a}),
                 "two vectors and a number");
    expect_limit(&ModuleLimits::frame_slots, 3u, with({}, {1, 3, i64}), "locals");
    expect_limit(&ModuleLimits::frame_slots, 5u, with({0x41, 0, 0x41, 0, 0x1a, 0x1a}, {1, 3, i64}),
                 "locals and operands");
    expect_limit(&ModuleLimits::frame_slots, 6u, with({}, {2, 2, i64, 2, v128}), "locals with vectors");
    // It is not noted which of the locals are pushed.
    expect_limit(&ModuleLimits::frame_slots, 5u, with({0x41, 0, 0x1a}, {2, 1, i32, 1, v128}),
                 "an operand, and a vector among the locals");
}

} // namespace
} // namespace warpbeam::test
