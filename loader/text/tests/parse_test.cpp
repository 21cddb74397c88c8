#include "wat.hpp"

#include <warpbeam/loader/instr_table.hpp>

namespace warpbeam::text {
namespace {

/// The contents of the first section with this id.
ByteString section(std::string_view text, uint8_t id) {
    const Module module = load(text);
    if (module)
        for (const SectionRange& range : module.sections())
            if (range.id == id)
                return {module.bytes().begin() + static_cast<ptrdiff_t>(range.offset),
                        module.bytes().begin() + static_cast<ptrdiff_t>(range.offset + range.size)};
    return {};
}

/// The code of the only function, without its locals and the final `end`.
ByteString code(std::string_view instructions, std::string_view rest = {}) {
    const ByteString bytes =
        binary("(module (func " + std::string{instructions} + ") " + std::string{rest} + ")");
    // Only the data section may follow the code section.
    for (size_t i = 8; i + 1 < bytes.size(); i += 2 + bytes[i + 1])
        if (bytes[i] == 10)
            return {bytes.begin() + static_cast<ptrdiff_t>(i) + 5,
                    bytes.begin() + static_cast<ptrdiff_t>(i) + 1 + bytes[i + 1]};
    return {};
}

TEST(Wat, an_empty_module_in_all_forms) {
    const ByteString empty{0, 'a', 's', 'm', 1, 0, 0, 0};
    for (const char* text : {"", "(module)", " (; ;) (module ;; x\n)", "(module $m)", "(module definition)",
                             "(module quote)", "(module quote \"(mod\" \"ule)\")", "(@x) (module (@y))",
                             R"((module binary "\00asm" "\01\00\00\00"))"})
        EXPECT_EQ(binary(text), empty) << text;
}

TEST(Wat, folded_and_plain_instructions_are_the_same) {
    const ByteString plain = code("i32.const 1 i32.const 2 i32.add drop");
    EXPECT_EQ(plain, (ByteString{0x41, 1, 0x41, 2, 0x6a, 0x1a}));
    EXPECT_EQ(code("(drop (i32.add (i32.const 1) (i32.const 2)))"), plain);
    EXPECT_EQ(code("(i32.const 1) (drop (i32.add (i32.const 2)))"), plain);
    EXPECT_EQ(code("i32.const 1 if nop else unreachable end"),
              (ByteString{0x41, 1, 0x04, 0x40, 0x01, 0x05, 0x00, 0x0b}));
    EXPECT_EQ(code("(if (i32.const 1) (then nop) (else unreachable))"),
              (ByteString{0x41, 1, 0x04, 0x40, 0x01, 0x05, 0x00, 0x0b}));
    EXPECT_EQ(code("(block (loop (nop)))"), code("block loop nop end end"));
}

TEST(Wat, labels_count_from_the_innermost_block) {
    EXPECT_EQ(code("block $a block $b br $a br $b br 2 end $b end"),
              (ByteString{0x02, 0x40, 0x02, 0x40, 0x0c, 1, 0x0c, 0, 0x0c, 2, 0x0b, 0x0b}));
    // An inner label hides an outer one of the same name until its block ends.
    EXPECT_EQ(code("(block $a (block $a (br $a)) (br $a))"),
              (ByteString{0x02, 0x40, 0x02, 0x40, 0x0c, 0, 0x0b, 0x0c, 0, 0x0b}));
    // The condition of a folded `if` is outside its label.
    EXPECT_EQ(code("(block $a (if $a (i32.const 0) (then (br $a))))"),
              (ByteString{0x02, 0x40, 0x41, 0, 0x04, 0x40, 0x0c, 0, 0x0b, 0x0b}));
    EXPECT_EQ(code("(br_table 0 0 0 (i32.const 1))"), (ByteString{0x41, 1, 0x0e, 2, 0, 0, 0}));
    EXPECT_EQ(fault("(func (block $a) (br $a))"), "unknown label $a");
    EXPECT_EQ(fault("(func block $a end $b)"), "mismatching label");
    EXPECT_EQ(fault("(func if else $b end)"), "mismatching label");
}

TEST(Wat, implicit_types_come_last_and_are_reused) {
    const ByteString types =
        section("(func (param i32)) (func (result f32 f32) unreachable) (type (func (result i64)))"
                "(func unreachable (block (param i32) (result i64) unreachable) drop)"
                "(func (param i32)) (func (result i64) unreachable)",
                1);
    EXPECT_EQ(types, (ByteString{5,    0x60, 0,    1,    0x7e, //
                                 0x60, 1,    0x7f, 0,          //
                                 0x60, 0,    2,    0x7d, 0x7d, //
                                 0x60, 0,    0,                //
                                 0x60, 1,    0x7f, 1,    0x7e}));
    EXPECT_EQ(section("(func (param i32)) (func (param $x i32)) (func (result i64) unreachable) (type (func "
                      "(result i64)))",
                      3),
              (ByteString{3, 1, 1, 0}));
    // A type with supertypes, or in a group, is a different type.
    EXPECT_EQ(section("(type (sub (func))) (rec (type (func)) (type (func))) (func)", 3), (ByteString{1, 3}));
    EXPECT_EQ(section("(rec (type (func))) (func)", 3), (ByteString{1, 0}));
    EXPECT_EQ(fault("(type (func (param i32))) (func (type 0) (param i64))"),
              "inline function type does not match explicit type 0");
    EXPECT_EQ(fault("(type (struct)) (func (type 0) (param i64))"), "non-function type 0");
    EXPECT_EQ(fault("(func (type 1) (param i64))"), "unknown type 1");
    EXPECT_EQ(fault("(type (func)) (func (type 1) (param i64))"), "unknown type 1");
}

TEST(Wat, all_forms_of_types) {
    EXPECT_EQ(
        section(
            "(rec (type $a (sub (struct (field $x (mut (ref null $b))) (field i8))))"
            "     (type $b (sub final $a (struct (field (mut (ref null $b)) i8) (field eqref)))))"
            "(type (array (mut i16)))"
            "(type (func (param (ref null func) funcref (ref any) nullref (ref null exn)) (result v128)))",
            1),
        (ByteString{3,    0x4e, 2,                                                      //
                    0x50, 0,    0x5f, 2,    0x63, 1,    1,    0x78, 0,                  //
                    0x4f, 1,    0,    0x5f, 3,    0x63, 1,    1,    0x78, 0,   0x6d, 0, //
                    0x5e, 0x77, 1,                                                      //
                    0x60, 5,    0x70, 0x70, 0x64, 0x6e, 0x71, 0x69, 1,    0x7b}));
    EXPECT_EQ(fault("(type (struct (field $x i32) (field $x i32)))"), "duplicate field");
    EXPECT_EQ(fault("(func (param i8))"), "unexpected token \"i8\", expected a type");
}

TEST(Wat, inline_imports_and_exports) {
    const Module module =
        load("(func $f (export \"a\") (export \"b\") (import \"m\" \"n\") (param i32))"
             "(memory (export \"mem\") (import \"m\" \"o\") i64 1 2)"
             "(global (import \"m\" \"p\") (mut i32)) (table (import \"m\" \"q\") 3 funcref)"
             "(tag (import \"m\" \"r\") (param i64)) (func (export \"c\"))");
    ASSERT_TRUE(module);
    ASSERT_EQ(module.imports().size(), 5u);
    EXPECT_EQ(module.imports()[1].name, "o");
    EXPECT_TRUE(module.imports()[1].type.memory.limits.is_64);
    ASSERT_EQ(module.exports().size(), 4u);
    EXPECT_EQ(module.exports()[3].index, 1u);
    EXPECT_EQ(fault("(func) (import \"\" \"\" (func))"), "import after function definition");
    EXPECT_EQ(fault("(memory 0) (func (import \"\" \"\"))"), "import after memory definition");
    EXPECT_EQ(fault("(import \"\\ff\" \"\" (func))"), "malformed UTF-8 encoding");
}

TEST(Wat, segments) {
    EXPECT_EQ(
        section(
            "(func $f) (table 1 funcref) (table 1 funcref)"
            "(elem (i32.const 0) $f) (elem func $f $f) (elem declare func $f)"
            "(elem (table 1) (i32.const 0) func $f) (elem (i32.const 0) funcref (ref.null func))"
            "(elem funcref (item ref.func $f)) (elem (table 0) (offset i32.const 0) (ref func) (ref.func 0))",
            9),
        (ByteString{7, 0,    0x41, 0,    0x0b, 1,    0,          //
                    1, 0,    2,    0,    0,                      //
                    3, 0,    1,    0,                            //
                    2, 1,    0x41, 0,    0x0b, 0,    1,    0,    //
                    4, 0x41, 0,    0x0b, 1,    0xd0, 0x70, 0x0b, //
                    5, 0x70, 1,    0xd2, 0,    0x0b,             //
                    6, 0,    0x41, 0,    0x0b, 0x64, 0x70, 1,    0xd2, 0, 0x0b}));
    EXPECT_EQ(section("(memory 1) (memory 1) (data \"a\" \"b\") (data (i32.const 1) \"c\")"
                      "(data (memory 1) (offset (i32.const 2)))",
                      11),
              (ByteString{3, 1, 2, 'a', 'b', 0, 0x41, 1, 0x0b, 1, 'c', 2, 1, 0x41, 2, 0x0b, 0}));
}

TEST(Wat, segments_within_tables_and_memories) {
    const char* const text = "(table $t (ref null $s) (elem $f)) (type $s (func)) (func $f (type $s))"
                             "(elem $second func) (memory i64 (data \"abc\")) (data $d \"x\")"
                             "(func (data.drop $d) (elem.drop $second))";
    EXPECT_EQ(section(text, 4), (ByteString{1, 0x63, 0, 1, 1, 1}));
    EXPECT_EQ(section(text, 9), (ByteString{2, 6, 0, 0x41, 0, 0x0b, 0x63, 0, 1, 0xd2, 0, 0x0b, 1, 0, 0}));
    EXPECT_EQ(section(text, 5), (ByteString{1, 5, 1, 1}));
    EXPECT_EQ(section(text, 12), (ByteString{2}));
    const ByteString codes = section(text, 10);
    ASSERT_GE(codes.size(), 7u);
    EXPECT_EQ(ByteString(codes.end() - 7, codes.end()), (ByteString{0xfc, 9, 1, 0xfc, 13, 1, 0x0b}));
}

TEST(Wat, memory_arguments) {
    constexpr const char* memories = "(memory 1) (memory $m 1)";
    EXPECT_EQ(code("(i32.load offset=0x10 align=2 (i32.const 0)) drop", memories),
              (ByteString{0x41, 0, 0x28, 1, 16, 0x1a}));
    EXPECT_EQ(code("(i64.load $m (i32.const 0)) drop", memories),
              (ByteString{0x41, 0, 0x29, 0x43, 1, 0, 0x1a}));
    EXPECT_EQ(code("v128.load8_lane 1 2", memories), (ByteString{0xfd, 0x54, 0x40, 1, 0, 2}));
    EXPECT_EQ(code("v128.load8_lane 2", memories), (ByteString{0xfd, 0x54, 0, 0, 2}));
    EXPECT_EQ(code("v128.load8_lane 1 offset=3 2", memories), (ByteString{0xfd, 0x54, 0x40, 1, 3, 2}));
    EXPECT_EQ(code("memory.copy $m 0", memories), (ByteString{0xfc, 10, 1, 0}));
    EXPECT_EQ(code("memory.init $m 0", "(memory 1) (memory $m 1) (data)"), (ByteString{0xfc, 8, 0, 1}));
    EXPECT_EQ(code("memory.init 0", "(memory 1) (data)"), (ByteString{0xfc, 8, 0, 0}));
    EXPECT_EQ(fault("(memory 1) (func (i32.load align=3 (i32.const 0)))"),
              "alignment must be a power of two");
    EXPECT_EQ(fault("(memory 1) (func (i32.load align=0 (i32.const 0)))"),
              "alignment must be a power of two");
    EXPECT_EQ(fault("(func (i32.load offset=-1))"), "unexpected token \"offset=-1\"");
    EXPECT_EQ(fault("(func (i32.load align=1 offset=0))"), "unexpected token \"offset=0\"");
}

TEST(Wat, instructions_that_share_a_keyword) {
    EXPECT_EQ(code("select"), ByteString{0x1b});
    EXPECT_EQ(code("select (result i32)"), (ByteString{0x1c, 1, 0x7f}));
    EXPECT_EQ(code("ref.test (ref eq) ref.test eqref ref.cast (ref null i31)"),
              (ByteString{0xfb, 20, 0x6d, 0xfb, 21, 0x6d, 0xfb, 23, 0x6c}));
    EXPECT_EQ(code("br_on_cast 0 anyref (ref i31)"), (ByteString{0xfb, 24, 1, 0, 0x6e, 0x6c}));
}

TEST(Wat, both_kinds_of_exception_handling) {
    EXPECT_EQ(code("(block $l (try_table (catch $e $l) (catch_all_ref 0) nop))", "(tag $e)"),
              (ByteString{0x02, 0x40, 0x1f, 0x40, 2, 0, 0, 0, 3, 0, 0x01, 0x0b, 0x0b}));
    const ByteString legacy = code("try $t nop catch $e rethrow $t catch_all end", "(tag $e)");
    EXPECT_EQ(legacy, (ByteString{0x06, 0x40, 0x01, 0x07, 0, 0x09, 0, 0x19, 0x0b}));
    EXPECT_EQ(code("(try $t (do nop) (catch $e (rethrow $t)) (catch_all))", "(tag $e)"), legacy);
    EXPECT_EQ(code("(block $o (try (do) (delegate $o)))"), code("block try delegate 0 end"));
    EXPECT_EQ(fault("(func (try (catch_all)))"), "unexpected token \"(\", expected (do");
    EXPECT_EQ(fault("(func try catch_all catch 0 end)"), "unexpected token \"catch\"");
}

TEST(Wat, names_end_up_in_the_name_section) {
    const Module module = load("(module $mod (import \"a\" \"b\" (func $imp)) (func $\"a b\" (param $x i32)"
                               "(local i32) (local $y i64)) (func) (func $id (@name \"annotated\")))");
    ASSERT_TRUE(module);
    EXPECT_EQ(module.name(), "mod");
    EXPECT_EQ(module.func_name(0), "imp");
    EXPECT_EQ(module.func_name(1), "a b");
    EXPECT_EQ(module.func_name(2), "");
    EXPECT_EQ(module.func_name(3), "annotated");
    ASSERT_EQ(module.custom_sections().size(), 1u);
    const auto bytes = module.custom_sections()[0].bytes;
    const std::string all{bytes.begin(), bytes.end()};
    EXPECT_NE(all.find(std::string("\2\x09\1\1\2\0\1x\2\1y", 11)), std::string::npos);
    EXPECT_EQ(binary("(module $m (func $f (param $x i32)))"), binary("(module (func (param i32)))"));
}

TEST(Wat, custom_sections_by_annotation) {
    const Module module =
        load("(module (@custom \"last\" \"a\" \"b\") (func) (@custom \"first\" (before first) \"c\")"
             "(@custom \"mid\" (after func)) (@custom \"mid2\" (before code) \"\\00\"))");
    ASSERT_TRUE(module);
    const auto sections = module.custom_sections();
    ASSERT_EQ(sections.size(), 4u);
    EXPECT_EQ(sections[0].name, "first");
    EXPECT_EQ(sections[1].name, "mid");
    EXPECT_EQ(sections[2].name, "mid2");
    EXPECT_EQ(sections[3].name, "last");
    EXPECT_EQ(sections[3].bytes.size(), 2u);
    EXPECT_EQ(fault("(func (@custom \"x\"))"), "misplaced @custom annotation");
    EXPECT_EQ(fault("(func (@name \"x\") $f)"), "misplaced @name annotation");
    EXPECT_EQ(fault("(module (@name \"x\") $m)"), "misplaced @name annotation");
    EXPECT_EQ(fault("(func (@name \"\\ff\"))"), "malformed UTF-8 encoding");
    EXPECT_EQ(fault("(func (@name x))"), "@name annotation: string expected");
    EXPECT_EQ(fault("(func (@name \"x\") (@name \"y\"))"), "@name annotation: multiple definition names");
    EXPECT_EQ(fault("(module (@custom \"x\") $m)"), "misplaced @custom annotation");
    EXPECT_EQ(fault("(@custom \"x\" (before nothing))"), "@custom annotation: malformed section kind");
}

TEST(Wat, branch_hints_by_annotation) {
    const Module module =
        load("(func) (func (param i32) (local i64) (@metadata.code.branch_hint \"\\01\")"
             "(if (local.get 0) (then)) (block local.get 0 (@metadata.code.branch_hint \"\\00\") br_if 0))");
    ASSERT_TRUE(module);
    ASSERT_EQ(module.custom_sections().size(), 1u);
    EXPECT_EQ(module.custom_sections()[0].name, "metadata.code.branch_hint");
    const auto bytes = module.custom_sections()[0].bytes;
    // One function, with index 1; offsets count from the start of its locals.
    EXPECT_EQ(ByteString(bytes.begin(), bytes.end()), (ByteString{1, 1, 2, 5, 1, 1, 12, 1, 0}));
    EXPECT_EQ(fault("(func (@metadata.code.branch_hint \"\\02\") (if (i32.const 0) (then)))"),
              "@metadata.code.branch_hint annotation: invalid hint value");
    const auto refused = parse_wat("(func (@metadata.code.branch_hint \"\\00\") nop)");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::invalid);
}

TEST(Wat, numbers_that_do_not_fit) {
    EXPECT_EQ(fault("(func (i32.const 4294967296))"), "constant out of range");
    EXPECT_EQ(fault("(func (f32.const 1e39))"), "constant out of range");
    EXPECT_EQ(fault("(func (i32.const 1.0))"), "unexpected token \"1.0\", expected an integer");
    EXPECT_EQ(fault("(func (v128.const i8x16 256 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0))"), "constant out of range");
    EXPECT_EQ(fault("(func (v128.const i32x4 0 0 0))"), "unexpected token \")\", expected an integer");
    EXPECT_EQ(fault("(func (call 4294967296))"), "i32 constant out of range");
}

TEST(Wat, every_instruction_is_found_by_its_keyword) {
    for (const InstrRow& row : instr_table)
        EXPECT_EQ(fault("(func " + std::string{row.text()} + " ?)").find("unknown operator"),
                  std::string::npos)
            << row.text();
    EXPECT_EQ(fault("(func i32.addd)"), "unknown operator i32.addd");
}

TEST(Wat, memories_with_page_sizes) {
    const auto memory = [](std::string_view text) {
        return section("(module (memory " + std::string{text} + "))", 5);
    };
    EXPECT_EQ(memory("1 2 (pagesize 1)"), (ByteString{1, 0x09, 1, 2, 0}));
    EXPECT_EQ(memory("i64 1 2 shared (pagesize 65536)"), (ByteString{1, 0x0f, 1, 2, 16}));
    EXPECT_EQ(memory("(pagesize 1) (data \"xyz\")"), (ByteString{1, 0x09, 3, 3, 0}));
    EXPECT_EQ(memory("(data \"xyz\")"), (ByteString{1, 0x01, 1, 1}));
    EXPECT_EQ(section("(module (import \"\" \"\" (memory 0 (pagesize 1))))", 2),
              (ByteString{1, 0, 0, 2, 0x08, 0, 0}));
    for (const char* wrong : {"0", "3", "-1", "0x1_0000_0000_0000_0000", ""})
        EXPECT_EQ(fault("(module (memory 0 (pagesize " + std::string{wrong} + ")))"),
                  "invalid custom page size, expected a power of two");
    EXPECT_EQ(fault("(module (memory (pagesize 1) 0))"), "unexpected token \"0\", expected a size");
    EXPECT_EQ(fault("(module (table 0 (pagesize 1) funcref))"),
              "unexpected token \"(\", expected a reference type");
}

TEST(Wat, descriptors_and_exact_types) {
    const std::string types = "(module (rec (type $a (sub (descriptor $b) (struct)))"
                              " (type $b (sub (describes $a) (struct)))) ";
    EXPECT_EQ(section(types + ")", 1),
              (ByteString{1, 0x4e, 2, 0x50, 0, 0x4d, 1, 0x5f, 0, 0x50, 0, 0x4c, 0, 0x5f, 0}));
    EXPECT_EQ(section(types + "(global (ref null (exact $a)) (ref.null (exact $a))))", 6),
              (ByteString{1, 0x63, 0x62, 0, 0, 0xd0, 0x62, 0, 0x0b}));
    EXPECT_EQ(section("(module (type $f (func)) (import \"\" \"\" (func (exact (type $f))))"
                      " (func (import \"\" \"\") (exact (type 0))))",
                      2),
              (ByteString{2, 0, 0, 0x20, 0, 0, 0, 0x20, 0}));
    EXPECT_EQ(
        code("(drop (ref.cast_desc_eq (ref null (exact $a)) (ref.null none) (ref.null none)))"
             "(drop (ref.get_desc $a (ref.null none))) unreachable",
             types.substr(8)),
        (ByteString{0xd0, 0x71, 0xd0, 0x71, 0xfb, 0x24, 0x62, 0, 0x1a, 0xd0, 0x71, 0xfb, 0x22, 0, 0x1a, 0}));
    EXPECT_EQ(fault("(module (type (struct)) (global (ref (exact any)) (unreachable)))"),
              "unexpected token \"any\", expected an index");
    EXPECT_EQ(fault("(module (func (exact (type 0))))"), "unknown operator exact");
    EXPECT_EQ(fault("(module (type (descriptor 0) (describes 0) (struct)))"),
              "unexpected token \"(\", expected a composite type");
}

TEST(Wat, continuations) {
    const std::string types = "(type $f (func)) (type $c (cont $f)) (tag $t) (tag $u)";
    EXPECT_EQ(section("(module " + types + ")", 1), (ByteString{2, 0x60, 0, 0, 0x5d, 0}));
    EXPECT_EQ(section("(module (global contref (ref.null nocont)) (global contref (ref.null cont)))", 6),
              (ByteString{2, 0x68, 0, 0xd0, 0x75, 0x0b, 0x68, 0, 0xd0, 0x68, 0x0b}));
    EXPECT_EQ(code("suspend $u cont.new $c cont.bind $c $c switch $c $u", types),
              (ByteString{0xe2, 1, 0xe0, 1, 0xe1, 1, 1, 0xe6, 1, 1}));
    EXPECT_EQ(code("block $l resume $c (on $u $l) (on $t switch) (on $t 1) end resume $c", types),
              (ByteString{0x02, 0x40, 0xe3, 1, 3, 0, 1, 0, 1, 0, 0, 0, 1, 0x0b, 0xe3, 1, 0}));
    EXPECT_EQ(code("(resume_throw $c $u (on $t 0) (ref.null $c)) (resume_throw_ref $c (unreachable))", types),
              (ByteString{0xd0, 1, 0xe4, 1, 1, 1, 0, 0, 0, 0, 0xe5, 1, 0}));
    EXPECT_EQ(fault("(module " + types + " (func (resume $c (on $t))))"),
              "unexpected token \")\", expected a number");
    EXPECT_EQ(fault("(module " + types + " (func (resume $c (on $t $x))))"), "unknown label $x");
    EXPECT_EQ(fault("(module " + types + " (func (resume $c (on $t switch 0))))"),
              "unexpected token \"0\", expected \")\"");
    EXPECT_EQ(fault("(module (type (cont)))"), "unexpected token \")\", expected an index");
}

} // namespace
} // namespace warpbeam::text
