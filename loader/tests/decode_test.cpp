#include "module_bytes.hpp"

namespace warpbeam::test {
namespace {

TEST(Decode, header) {
    EXPECT_EQ(fault({}), "malformed: unexpected end: too short for a header, 0 of 8 bytes @0");
    EXPECT_EQ(fault({'a', 's', 'm', 0}), "malformed: magic header not detected @0");
    EXPECT_EQ(fault({0, 'a', 's', 'm', 1}), "malformed: unexpected end: the version is missing @4");
    EXPECT_EQ(fault({0, 'a', 's', 'm', 2, 0, 0, 0}),
              "malformed: unknown binary version: version 2, layer 0; a module has version 1, layer 0 @4");
    EXPECT_EQ(fault(Binary{}.bytes), "valid");
}

TEST(Decode, a_component_is_not_a_module) {
    EXPECT_EQ(fault({0, 'a', 's', 'm', 0x0d, 0, 1, 0}),
              "malformed: unknown binary version: this is a component (version 13, layer 1), not a module "
              "(version 1, layer 0) @4");
}

TEST(Decode, text_is_not_binary) {
    const std::string text =
        "malformed: magic header not detected: this is the text format, not the binary format; "
        "translate it by parse_wat, in C warpbeam_wat2wasm, or the command wat2wasm @0";
    for (const std::string_view each :
         {"(module)", "\n ;; a comment", "(; c", "\t(@custom \"\")", "(component)", "(a  ", "(z  "})
        EXPECT_EQ(fault(Bytes(each.begin(), each.end())), text) << each;
    for (const std::string_view each : {"    ", "(1234", "module)", "(`  ", "({  ", "   (", "; ; "})
        EXPECT_EQ(fault(Bytes(each.begin(), each.end())), "malformed: magic header not detected @0") << each;
}

TEST(Decode, sections_come_in_order_and_once) {
    EXPECT_EQ(
        fault(Binary{}.section(memory, vec({})).section(type, vec({})).bytes),
        "malformed: unexpected content after last section: the section is repeated or out of order, in the "
        "type section @11");
    EXPECT_EQ(
        fault(Binary{}.section(type, vec({})).section(type, vec({})).bytes),
        "malformed: unexpected content after last section: the section is repeated or out of order, in the "
        "type section @11");
    EXPECT_EQ(fault(Binary{}.section(static_cast<SectionId>(14), {}).bytes),
              "malformed: malformed section id 14 @8");
    EXPECT_EQ(fault(Binary{}.section(memory, vec({}) + Bytes{7}).bytes),
              "malformed: section size mismatch: 1 byte left over, in the memory section @11");
    EXPECT_EQ(
        fault(Binary{}.bytes + Bytes{type, 5, 0}),
        "malformed: length out of bounds: unexpected end, the section size is 5 bytes, but only 1 left, "
        "in the type "
        "section @8");
}

TEST(Decode, counts_are_checked_before_use) {
    EXPECT_EQ(fault(Binary{}.section(type, leb(UINT32_MAX)).bytes),
              "malformed: unexpected end of section or function: 4294967295 types, but only 0 bytes left, in "
              "the type "
              "section @10");
    EXPECT_EQ(fault(module_of(func_type({}, {}), body({0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f}))),
              "malformed: unexpected end of section or function: 4294967295 labels, but only 1 byte left, in "
              "the code "
              "section, "
              "function 0 @24");
}

TEST(Decode, sections_do_not_end_before_their_last_entry) {
    const Bytes zero{0x41, 0, end};
    const struct {
        SectionId id;
        Bytes contents;
    } sections[] = {
        {type, vec({func_type({i32}, {i64}), Bytes{0x50, 0, 0x5f, 1, i32, 0}, func_type({}, {})})},
        {import,
         vec({name("env") + name("f") + Bytes{0, 2}, name("env") + name("t") + Bytes{1, func_ref, 0, 1},
              name("env") + name("m") + Bytes{2, 1, 1, 2}, name("env") + name("g") + Bytes{3, i32, 0},
              name("env") + name("x") + Bytes{4, 0, 2}})},
        {function, vec({{2}, {2}})},
        {table, vec({{func_ref, 0, 1}, Bytes{0x40, 0, func_ref, 0, 1, 0xd0, 0x70, end}})},
        {memory, vec({{0, 1}, {1, 1, 2}})},
        {tag, vec({{0, 2}, {0, 2}})},
        {global, vec({Bytes{i32, 1} + zero, Bytes{i32, 0} + zero})},
        {export_, vec({name("a") + Bytes{0, 1}, name("b") + Bytes{2, 0}})},
        {start, {1}},
        {element, vec({Bytes{0} + zero + vec({{0}}), Bytes{7, func_ref} + vec({{0xd2, 0, end}}),
                       Bytes{1, 0, 0}, Bytes{2, 1} + zero + Bytes{0, 0}, Bytes{1, 0, 0}})},
        {data_count, {2}},
        {code, vec({body({0x01}), body({0x41, 0, 0x1a}, {1, 2, i64})})},
        {data, vec({Bytes{0} + zero + name("x"), Bytes{2, 1} + zero + name("y")})},
    };
    for (const auto& cut : sections)
        for (size_t left = 0; left <= cut.contents.size(); ++left) {
            Binary binary;
            for (const auto& each : sections)
                binary.section(each.id, &each == &cut
                                            ? Bytes(each.contents.begin(),
                                                    each.contents.begin() + static_cast<ptrdiff_t>(left))
                                            : each.contents);
            const std::string found = fault(binary.bytes);
            if (left == cut.contents.size())
                EXPECT_EQ(found, "valid");
            else
                EXPECT_EQ(found.substr(0, 10), "malformed:") << int{cut.id} << ' ' << left << ' ' << found;
        }
}

TEST(Decode, imports_exports_and_lookups) {
    const Bytes bytes = Binary{}
                            .section(type, vec({func_type({i32}, {i64})}))
                            .section(import, vec({name("env") + name("f") + Bytes{0, 0},
                                                  name("env") + name("m") + Bytes{2, 1, 1, 2},
                                                  name("env") + name("g") + Bytes{3, i32, 0}}))
                            .section(function, vec({{0}}))
                            .section(export_, vec({name("twice") + Bytes{0, 1}, name("again") + Bytes{0, 1},
                                                   name("memory") + Bytes{2, 0}}))
                            .section(code, vec({body({0x42, 0})}))
                            .bytes;
    const auto module = load(bytes);
    ASSERT_TRUE(module);
    EXPECT_EQ(module.imports().size(), 3u);
    EXPECT_EQ(module.imports()[1].name, "m");
    EXPECT_EQ(module.imports()[1].type.memory.limits.max, 2u);
    EXPECT_EQ(module.imported_funcs(), 1u);
    EXPECT_EQ(module.funcs().size(), 2u);
    EXPECT_EQ(module.type_registry().func(module.funcs()[1]).results[0], ValType::i64);
    ASSERT_NE(module.find_export("memory"), nullptr);
    EXPECT_EQ(module.find_export("memory")->kind, ExternKind::memory);
    EXPECT_EQ(module.find_export("memor"), nullptr);
    EXPECT_EQ(module.func_name(1), "twice") << "the first export that names it";
    EXPECT_EQ(module.func_name(0), "");
    EXPECT_EQ(module.bodies()[0].max_stack, 1u);
    EXPECT_EQ(module.bytes().size(), bytes.size());
    EXPECT_NE(module.bytes().data(), bytes.data());
}

TEST(Decode, exports_that_a_module_defines) {
    const auto module =
        load(Binary{}
                 .section(type, vec({func_type({}, {})}))
                 .section(function, vec({{0}, {0}}))
                 .section(table, vec({{func_ref, 0, 1}, {func_ref, 0, 1}}))
                 .section(memory, vec({{0, 1}, {0, 1}}))
                 .section(tag, vec({{0, 0}, {0, 0}}))
                 .section(global, vec({Bytes{i32, 0, 0x41, 0, end}, Bytes{i32, 0, 0x41, 0, end}}))
                 .section(code, vec({body({}), body({})}))
                 .bytes);
    for (const auto kind :
         {ExternKind::func, ExternKind::table, ExternKind::memory, ExternKind::global, ExternKind::tag})
        for (uint32_t index = 0; index < 4; ++index) {
            Export entry;
            entry.kind = kind;
            entry.index = index;
            EXPECT_EQ(module.defines(entry), index < 2) << static_cast<int>(kind) << ' ' << index;
        }
}

TEST(Decode, functions_are_named_by_their_first_export) {
    const auto item = [](std::string_view text, uint8_t index) { return name(text) + Bytes{0, index}; };
    const auto module =
        load(Binary{}
                 .section(type, vec({func_type({}, {})}))
                 .section(function, vec({{0}, {0}, {0}, {0}, {0}}))
                 .section(export_, vec({item("z", 3), item("e", 1), item("q", 4), item("b", 1), item("a", 3),
                                        item("x", 0), item("c", 0), item("d", 4), item("y", 1)}))
                 .section(code, vec({body({}), body({}), body({}), body({}), body({})}))
                 .bytes);
    ASSERT_TRUE(module);
    const std::string_view names[] = {"x", "e", "", "z", "q"};
    for (uint32_t func = 0; func < 5; ++func)
        EXPECT_EQ(module.func_name(func), names[func]) << func;
    for (const std::string_view each : {"z", "e", "q", "b", "a", "x", "c", "d", "y"}) {
        ASSERT_NE(module.find_export(each), nullptr) << each;
        EXPECT_EQ(module.find_export(each)->name, each);
    }
    EXPECT_EQ(module.find_export("w"), nullptr);
}

TEST(Decode, a_module_of_the_largest_size_is_copied) {
    const Bytes bytes = Binary{}.section(custom, name("note")).bytes;
    LoadOptions options;
    options.limits.module_size = bytes.size();
    const auto module = load(bytes, options);
    EXPECT_EQ(module.bytes().size(), bytes.size());
    EXPECT_NE(module.bytes().data(), bytes.data());
}

TEST(Decode, every_type_of_a_group) {
    const auto module =
        load(Binary{}
                 .section(type, vec({Bytes{0x4e, 3} + func_type({i32}, {}) + func_type({i64, f32}, {f64}) +
                                     Bytes{0x5f, 2, i32, 0, i64, 1}}))
                 .bytes);
    ASSERT_EQ(module.types().size(), 3u);
    const TypeRegistry& types = module.type_registry();
    EXPECT_EQ(types.func(module.types()[0]).params.size(), 1u);
    const FuncType& second = types.func(module.types()[1]);
    ASSERT_EQ(second.params.size(), 2u);
    EXPECT_EQ(second.params[1], ValType::f32);
    ASSERT_EQ(second.results.size(), 1u);
    ASSERT_EQ(types[module.types()[2]].fields.size(), 2u);
    EXPECT_TRUE(types[module.types()[2]].fields[1].is_mutable);
}

TEST(Decode, kinds_that_do_not_exist) {
    const Bytes zero{0x41, 0, end};
    const auto segment_fault = [&](SectionId id, const Bytes& segment) {
        return fault(Binary{}
                         .section(table, vec({{func_ref, 0, 1}}))
                         .section(memory, vec({{0, 1}}))
                         .section(id, vec({segment}))
                         .bytes);
    };
    EXPECT_EQ(segment_fault(element, Bytes{7, func_ref, 0}), "valid");
    EXPECT_EQ(segment_fault(element, Bytes{8, func_ref, 0}).substr(0, 45),
              "malformed: malformed elements segment kind 8,");
    EXPECT_EQ(segment_fault(data, Bytes{2, 0} + zero + Bytes{0}), "valid");
    EXPECT_EQ(segment_fault(data, Bytes{3, 0} + zero + Bytes{0}).substr(0, 41),
              "malformed: malformed data segment kind 3,");
    const auto import_fault = [](const Bytes& description) {
        return fault(Binary{}
                         .section(type, vec({func_type({}, {})}))
                         .section(import, vec({name("") + name("") + description}))
                         .bytes);
    };
    EXPECT_EQ(import_fault({4, 0, 0}), "valid");
    EXPECT_EQ(import_fault({5, 0, 0}).substr(0, 37), "malformed: malformed import kind 0x05");
}

TEST(Decode, locals_are_fewer_than_two_to_the_32nd) {
    const auto with = [](const Bytes& locals) {
        return fault(module_of(func_type({i32}, {}), body({}, locals)));
    };
    const Bytes most = leb(UINT32_MAX) + Bytes{i32};
    EXPECT_EQ(with(vec({most})).substr(0, 34), "limit: too many locals: 4294967296");
    EXPECT_EQ(with(vec({most, Bytes{1, i32}})).substr(0, 42), "malformed: too many locals: 2^32 or more, ");
}

TEST(Decode, borrowed_bytes_are_not_copied) {
    const Bytes bytes = Binary{}.section(custom, name("note") + Bytes{1, 2, 3}).bytes;
    LoadOptions options;
    options.borrow = true;
    const auto module = load(bytes, options);
    ASSERT_TRUE(module);
    EXPECT_EQ(module.bytes().data(), bytes.data());
    ASSERT_EQ(module.custom_sections().size(), 1u);
    EXPECT_EQ(module.custom_sections()[0].name, "note");
    EXPECT_EQ(module.custom_sections()[0].bytes.size(), 3u);
    EXPECT_EQ(module.custom_sections()[0].offset, 15u);
}

TEST(Decode, name_section) {
    const Bytes funcs = vec({leb(0) + name("first")});
    const Bytes module_name = name("the module");
    const auto with_names = [&](const Bytes& contents) {
        return load(module_of(func_type({}, {}), body({})) + Bytes{custom} + sized(name("name") + contents));
    };
    const auto good = with_names(Bytes{0} + sized(module_name) + Bytes{1} + sized(funcs));
    EXPECT_EQ(good.name(), "the module");
    EXPECT_EQ(good.func_name(0), "first");
    const auto malformed = with_names(Bytes{0} + sized(module_name) + Bytes{1} + sized(funcs + Bytes{0}));
    EXPECT_EQ(malformed.name(), "") << "a malformed name section counts as absent";
    EXPECT_EQ(malformed.func_name(0), "");
    const auto beyond =
        with_names(Bytes{0} + sized(module_name) + Bytes{1} + sized(vec({leb(1) + name("second")})));
    EXPECT_EQ(beyond.name(), "") << "so does one for a function that is not there";
}

TEST(Decode, element_segments_in_all_forms) {
    const Bytes zero{0x41, 0, end};
    const Bytes item{0xd2, 0, end};
    const auto module =
        load(Binary{}
                 .section(type, vec({func_type({}, {})}))
                 .section(function, vec({{0}}))
                 .section(table, vec({{func_ref, 0, 1}, {func_ref, 0, 1}}))
                 .section(element, vec({
                                       Bytes{0} + zero + vec({{0}}),
                                       Bytes{1, 0} + vec({{0}, {0}}),
                                       Bytes{2, 1} + zero + Bytes{0} + vec({{0}}),
                                       Bytes{3, 0} + vec({{0}}),
                                       Bytes{4} + zero + vec({item}),
                                       Bytes{5, func_ref} + vec({item}),
                                       Bytes{6, 1} + zero + Bytes{func_ref} + vec({item, item}),
                                       Bytes{7, func_ref} + vec({item}),
                                   }))
                 .section(code, vec({body({})}))
                 .bytes);
    ASSERT_TRUE(module);
    const auto elements = module.elements();
    ASSERT_EQ(elements.size(), 8u);
    EXPECT_EQ(elements[1].mode, SegmentMode::passive);
    EXPECT_EQ(elements[1].size(), 2u);
    EXPECT_EQ(elements[2].table, 1u);
    EXPECT_EQ(elements[3].mode, SegmentMode::declarative);
    EXPECT_EQ(elements[4].exprs.size(), 1u);
    EXPECT_EQ(elements[4].offset.type, ValType::i32);
    EXPECT_EQ(elements[6].exprs[1].code.size(), 3u);
    EXPECT_EQ(elements[6].mode, SegmentMode::active);
}

TEST(Decode, duplicate_exports) {
    EXPECT_EQ(fault(Binary{}
                        .section(memory, vec({{0, 1}}))
                        .section(export_, vec({name("a") + Bytes{2, 0}, name("a") + Bytes{2, 0}}))
                        .bytes),
              "invalid: duplicate export name \"a\", in the export section @21");
}

TEST(Decode, attachments) {
    struct Counter final : ModuleAccess::Attachment {
        int drops = 0;
        void drop() noexcept override { ++drops; }
    } first, second;
    {
        const auto module = load(Binary{}.bytes);
        EXPECT_EQ(ModuleAccess::attachment(module), nullptr);
        EXPECT_EQ(ModuleAccess::attach(module, &first), &first);
        EXPECT_EQ(ModuleAccess::attach(module, &second), &first);
        EXPECT_EQ(ModuleAccess::attachment(module), &first);
    }
    EXPECT_EQ(first.drops, 1);
    EXPECT_EQ(second.drops, 0);
}

TEST(Decode, limits_have_32_bits_without_64_bit_addresses) {
    LoadOptions options;
    const auto memory_fault = [&](const Bytes& limits) {
        return fault(Binary{}.section(memory, vec({limits})).bytes, options);
    };
    const Bytes large{0, 0x80, 0x80, 0x80, 0x80, 0x10}; // 2^32
    EXPECT_NE(memory_fault(large).find("memory size must be at most 65536 pages"), std::string::npos);
    options.features.disable(Feature::memory64);
    EXPECT_NE(memory_fault(large).find("integer too large"), std::string::npos) << memory_fault(large);
    EXPECT_EQ(memory_fault({1, 0x80, 0x80, 4, 0x80, 0x80, 4}), "valid");
}

} // namespace
} // namespace warpbeam::test
