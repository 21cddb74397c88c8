#include "plain_allocator.hpp"
#include "wat.hpp"

#include <warpbeam/loader/instr_table.hpp>
#include <warpbeam/text/print.hpp>

#include <algorithm>
#include <bit>

namespace warpbeam::text {
namespace {

std::string print(const ByteString& bytes) {
    const auto text = print_wat(bytes);
    if (!text) {
        ADD_FAILURE() << text.error().message();
        return {};
    }
    return {text->begin(), text->end()};
}

std::string refusal(const ByteString& bytes) {
    const auto text = print_wat(bytes);
    return text ? "printed"
                : std::string{text.error().message()} + " @" + std::to_string(text.error().offset());
}

/// Text to binary to text to binary gives the same bytes; returns the printed text.
std::string round_trip(std::string_view text) {
    const ByteString bytes = binary(text, true);
    const std::string printed = print(bytes);
    EXPECT_EQ(binary(printed, true), bytes) << printed;
    return printed;
}

ByteString with_section(uint8_t id, const ByteString& contents) {
    ByteString bytes{0, 'a', 's', 'm', 1, 0, 0, 0, id, static_cast<uint8_t>(contents.size())};
    bytes.insert(bytes.end(), contents.begin(), contents.end());
    return bytes;
}

/// A module with a function of no type but with this code and an `end`.
ByteString with_code(const ByteString& code) {
    ByteString bytes{0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10};
    bytes.push_back(static_cast<uint8_t>(code.size() + 3));
    bytes.insert(bytes.end(), {1, static_cast<uint8_t>(code.size() + 1), 0});
    bytes.insert(bytes.end(), code.begin(), code.end());
    return bytes;
}

TEST(Print, a_module) {
    EXPECT_EQ(print(binary("(module)")), "(module)\n");
    EXPECT_EQ(round_trip(R"((module $m
  (type $t (func (param i32) (result i32)))
  (import "env" "log" (func $log (type $t)))
  (memory $mem 1 2)
  (global $g (mut f32) (f32.const 0.1))
  (export "run" (func $run))
  (func $run (type $t) (param $x i32) (result i32) (local i64 i64) (local $y f64)
    (block $out (result i32)
      (br_if $out (i32.const -1) (local.get $x))
      (call $log)))
  (data $d (memory $mem) (i32.const 8) "a\00\"\ff")))"),
              R"((module $m
  (type $t (func (param i32) (result i32)))
  (import "env" "log" (func $log (type $t) (param i32) (result i32)))
  (memory $mem 1 2)
  (global $g (mut f32) f32.const 0.1)
  (export "run" (func $run))
  (func $run (type $t) (param $x i32) (result i32) (local i64 i64) (local $y f64)
    block $out (result i32)
      i32.const -1
      local.get $x
      br_if $out
      call $log
    end)
  (data $d (offset i32.const 8) "a\00\22\ff"))
)");
}

TEST(Print, every_instruction_of_the_table) {
    // Any immediates are allowed, since nothing is validated.
    for (const InstrRow& row : instr_table) {
        if (row.op == Op::end || row.op == Op::else_ || row.op == Op::catch_ || row.op == Op::catch_all ||
            row.op == Op::delegate)
            continue;
        const auto code = static_cast<uint32_t>(row.op);
        ByteString bytes;
        if (code > 0xff) {
            bytes.push_back(static_cast<uint8_t>(code >> 12));
            for (uint32_t sub = code & 0xfff; sub != 0 || bytes.size() == 1; sub >>= 7)
                bytes.push_back(static_cast<uint8_t>((sub & 0x7f) | (sub > 0x7f ? 0x80 : 0)));
        } else {
            bytes.push_back(static_cast<uint8_t>(code));
        }
        const bool has_block = row.imm == Imm::block || row.imm == Imm::try_table;
        // One sample for every kind of immediate; the others are refused.
        bool printed = false;
        for (const ByteString& immediate :
             {ByteString{}, ByteString{0}, ByteString{1}, ByteString{0, 0}, ByteString{1, 1},
              ByteString{0x40}, ByteString{0x40, 0}, ByteString{3, 0, 0x6e, 0x6b}, ByteString{0, 0, 1},
              ByteString{0, 0, 0}, ByteString(4), ByteString(8), ByteString(16), ByteString{1, 0x7f}}) {
            ByteString code_bytes = bytes;
            code_bytes.insert(code_bytes.end(), immediate.begin(), immediate.end());
            if (has_block)
                code_bytes.push_back(0x0b);
            code_bytes.push_back(0x0b);
            const ByteString module = with_code(code_bytes);
            const auto text = print_wat(module);
            if (!text)
                continue;
            const std::string all{text->begin(), text->end()};
            if (all.find("\n    " + std::string{row.text()}) == std::string::npos)
                continue;
            printed = true;
            const ByteString again = binary(all);
            // Except for a data count, which is not in `module`.
            EXPECT_TRUE(std::ranges::search(again, code_bytes).size() == code_bytes.size() ||
                        print(again) == all)
                << all;
        }
        EXPECT_TRUE(printed) << row.text();
    }
}

TEST(Print, numbers_round_trip_exactly) {
    for (const uint32_t bits : {0u, 0x8000'0000u, 1u, 0x7f7f'ffffu, 0x7f80'0000u, 0xff80'0000u, 0x7fc0'0000u,
                                0xffc0'0000u, 0x7f80'0001u, 0xffff'ffffu, 0x3dcc'cccdu}) {
        ByteString code{0x43};
        for (int i = 0; i < 4; ++i)
            code.push_back(static_cast<uint8_t>(bits >> (8 * i)));
        code.push_back(0x0b);
        EXPECT_EQ(binary(print(with_code(code))), with_code(code)) << bits;
    }
    for (const uint64_t bits : {uint64_t{0}, uint64_t{1} << 63, uint64_t{1}, uint64_t{0x7fef'ffff'ffff'ffff},
                                uint64_t{0x7ff0'0000'0000'0000}, uint64_t{0xfff8'0000'0000'0000},
                                uint64_t{0x7ff0'0000'0000'0001}, UINT64_MAX, std::bit_cast<uint64_t>(0.1)}) {
        ByteString code{0x44};
        for (int i = 0; i < 8; ++i)
            code.push_back(static_cast<uint8_t>(bits >> (8 * i)));
        code.push_back(0x0b);
        EXPECT_EQ(binary(print(with_code(code))), with_code(code)) << bits;
    }
    EXPECT_NE(
        round_trip(
            "(func (f32.const nan:0x200000) (f32.const -nan) (f32.const -inf) (f64.const 0x1p-1074)"
            " (i64.const 0x8000_0000_0000_0000) (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15))")
            .find("f32.const nan:0x200000\n    f32.const -nan\n    f32.const -inf\n    f64.const 5e-324\n"
                  "    i64.const -9223372036854775808\n"
                  "    v128.const i32x4 0x03020100 0x07060504 0x0b0a0908 0x0f0e0d0c"),
        std::string::npos);
}

TEST(Print, names_that_are_not_identifiers) {
    EXPECT_NE(round_trip("(func $\"a b\") (func $\"\\u{3bb}\")").find(R"((func $"a b" (type 0)))"),
              std::string::npos);
    // Duplicate, empty and very long names become annotations.
    const std::string text =
        round_trip("(func (@name \"f\")) (func $g (@name \"f\")) (func (@name \"\") (param (@name "
                   "\"p\") i32) (param $p i32) (call 1)) (memory (@name \"m\") 1) (func $" +
                   std::string(300, 'x') + ")");
    EXPECT_NE(text.find("(func $f (type 0))"), std::string::npos) << text;
    EXPECT_NE(text.find("(func (@name \"f\") (type 0))"), std::string::npos) << text;
    EXPECT_NE(text.find("(func (@name \"\") (type 1) (param $p i32) (param (@name \"p\") i32)"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("(memory $m 1)"), std::string::npos) << text;
    EXPECT_NE(text.find("(func (@name \"xxx"), std::string::npos) << text;
    EXPECT_NE(round_trip("(module (@name \"\"))").find("(module (@name \"\"))"), std::string::npos);
}

TEST(Print, names_of_everything) {
    round_trip(
        "(module $m (rec (type $s (struct (field $x i32) (field i64 f32) (field $y (mut i8))))"
        " (type $a (array (ref $s)))) (tag $t) (table $tab 1 funcref) (memory $mem 1) (global $g i32 "
        "(i32.const 0))"
        " (elem $e funcref) (data $d \"\") (func $f (param $p i32) (local $l (ref null $s))"
        " (loop $outer (block $inner (br $outer) (br $inner) (block $outer (br $outer) (br 1) (br 2)))"
        " (struct.get $s $y (local.get $l))))"
        " (func $h (if $i (i32.const 0) (then (br $i)) (else (block $i (br $i)))) (block (block $j))))");
}

TEST(Print, a_hidden_label_is_printed_as_a_number) {
    const std::string text = round_trip("(func (block $a (block $a (br $a) (br 1) (br 2))))");
    EXPECT_NE(text.find("br $a\n        br 1\n        br 2"), std::string::npos) << text;
}

TEST(Print, custom_sections_and_hints_keep_their_position) {
    const std::string text =
        round_trip("(module (@custom \"first\" (before first) \"1\") (@custom \"a\" (after type) \"\\00\") "
                   "(@custom \"b\" (before code))"
                   " (@custom \"last\" \"z\") (type (func)) (func $f (type 0) (@metadata.code.branch_hint "
                   "\"\\01\") (if (i32.const 1)"
                   " (then (@metadata.code.branch_hint \"\\00\") (br_if 0 (i32.const 0))))))");
    EXPECT_NE(text.find("(@custom \"first\" (before type) \"1\")"), std::string::npos) << text;
    EXPECT_NE(text.find("    (@metadata.code.branch_hint \"\\01\") if\n"), std::string::npos) << text;
    // A custom section that is not a valid name section, and hints where there is no branch, remain
    // unchanged. are.
    round_trip("(@custom \"name\" \"nonsense\")");
    round_trip("(@custom \"name\" \"\\01\\06\\01\\07\\03abc\")"); // of a function that does not exist
    EXPECT_NE(
        round_trip(
            "(@custom \"metadata.code.branch_hint\" (before code) \"\\01\\00\\01\\01\\01\\00\") (func nop)")
            .find("(@custom \"metadata.code.branch_hint\" (after func)"),
        std::string::npos);
    // So do hints of which only the first can be read.
    const std::string half = round_trip(
        "(@custom \"metadata.code.branch_hint\" (before code) \"\\01\\00\\02\\03\\01\\01\\05\\01\")"
        " (func (if (i32.const 1) (then)))");
    EXPECT_NE(half.find("branch_hint\" (after func) \"\\01\\00\\02\\03\\01\\01\\05\\01\")"),
              std::string::npos)
        << half;
    EXPECT_EQ(half.find("(@metadata.code.branch_hint"), std::string::npos) << half;
}

TEST(Print, types) {
    const std::string text =
        round_trip("(rec (type $a (sub (descriptor $b) (struct))) (type $b (sub (describes $a) (struct "
                   "(field (mut i16))))))"
                   "(type (sub final $a (struct))) (type (array (mut (ref null (exact $a))))) (rec)"
                   "(import \"\" \"\" (func (exact (param anyref nullref (ref extern)))))"
                   "(table i64 1 2 (ref null $a)) (table 1 (ref func) (ref.func 0)) (memory i64 1 2 shared "
                   "(pagesize 1))");
    EXPECT_NE(
        text.find("\n  (rec\n    (type $a (sub (descriptor $b) (struct)))\n    (type $b (sub (describes $a)"),
        std::string::npos)
        << text;
    EXPECT_NE(text.find("(memory i64 1 2 shared (pagesize 1))"), std::string::npos) << text;
}

TEST(Print, continuations) {
    const std::string text = round_trip(
        "(type $f (func)) (type $c (cont $f)) (type (sub $c (cont $f))) (tag $t) (tag $u (result i32))"
        "(func (param contref nullcontref (ref $c)) (block $l (resume $c (on $t $l) (on $u switch) (on 0 1) "
        "(local.get 2)) (resume_throw $c $t (on $t $l)) (resume_throw_ref $c (on $u switch)))"
        "(suspend $u) (cont.new $c) (cont.bind $c $c) (switch $c $u))");
    EXPECT_NE(text.find("(type $c (cont $f))"), std::string::npos) << text;
    EXPECT_NE(text.find("resume $c (on $t $l) (on $u switch) (on $t 1)"), std::string::npos) << text;
    EXPECT_NE(text.find("resume_throw $c $t (on $t $l)"), std::string::npos) << text;
}

TEST(Print, segments_in_all_forms) {
    round_trip(
        "(table $t 1 funcref) (table $u 1 externref) (memory 1) (memory 1) (func $f)"
        "(elem (i32.const 0) $f) (elem func $f) (elem (table $t) (i32.const 0) func $f) (elem declare func "
        "$f)"
        "(elem (i32.const 0) funcref (ref.func $f) (item ref.null func)) (elem externref)"
        "(elem (table $u) (i32.const 0) externref (ref.null extern)) (elem declare (ref func) (ref.func $f))"
        "(data \"\") (data (i32.const 1) \"x\") (data (memory 1) (offset (i32.add (i32.const 1) (i32.const "
        "2))) \"" +
        std::string(200, 'y') + "\")");
}

TEST(Print, lanes_and_memories) {
    // A lane index followed by another instruction is not a memory index.
    round_trip("(memory 1) (memory 1) (func (v128.load8_lane 3 (i32.const 0) (unreachable)) (drop)"
               " (v128.load8_lane 1 offset=2 3 (i32.const 0) (unreachable)) (drop)"
               " (v128.store16_lane 1 align=1 3 (i32.const 0) (unreachable)))");
}

TEST(Print, legacy_exceptions) {
    round_trip("(tag $e) (func (try $t (do (throw $e)) (catch $e (rethrow 0)) (catch_all (br $t))))"
               " (func (try (do (try (do) (delegate 0)))))");
}

TEST(Print, modules_that_cannot_be_text_are_refused) {
    EXPECT_EQ(refusal({}), "unexpected end: too short for a header, 0 of 8 bytes @0");
    EXPECT_EQ(refusal({0, 'a', 's', 'm', 0x0d, 0, 1, 0}).substr(0, 45),
              "unknown binary version: this is a component (");
    EXPECT_EQ(refusal({'(', 'm', 'o', 'd'}).substr(0, 47), "magic header not detected: this is the text for");
    EXPECT_EQ(refusal(with_section(14, {})), "malformed section id @10");
    EXPECT_EQ(refusal(with_section(1, {1})), "length out of bounds @11");
    EXPECT_EQ(refusal(with_section(1, {0, 0})), "section size mismatch @11");
    EXPECT_EQ(refusal(with_section(3, {1, 0})), "function and code section have inconsistent lengths @0");
    EXPECT_EQ(refusal(with_section(2, {1, 1, 0xff, 0, 0, 0})), "malformed UTF-8 encoding @13");
    EXPECT_EQ(refusal(with_code({0x05, 0x0b})), "else without if @24");
    EXPECT_EQ(refusal(with_code({0x18, 0, 0x0b})), "delegate without try @24");
    EXPECT_EQ(refusal(with_code({0xff})), "illegal opcode 0xff @23");
    EXPECT_EQ(refusal(with_code({0x02, 0x40, 0x0b})), "unexpected end @26");
    EXPECT_EQ(refusal(with_code({0x0b, 0x0b})), "code after the end of the function @24");
}

TEST(Print, malformed_parts_of_each_section_are_named) {
    const struct {
        uint8_t section;
        ByteString contents;
        std::string_view message;
    } all[] = {
        {1, {1, 0x5b}, "malformed definition type"},
        {1, {1, 0x5d, 0x40}, "malformed type of a continuation"},
        {1, {1, 0x5e, 0x7f, 2}, "malformed mutability"},
        {1, {1, 0x60, 1, 0x01, 0}, "malformed value type"},
        {2, {1, 0, 0, 5, 0}, "malformed import kind"},
        {2, {1, 0, 0, 4, 1, 0}, "malformed tag attribute"},
        {4, {1, 0x40, 1, 0x70, 0, 0}, "malformed table"},
        {4, {1, 0x7f, 0, 0}, "malformed reference type"},
        {4, {1, 0x70, 8, 0}, "malformed limits flags"},
        {5, {1, 16, 0}, "malformed limits flags"},
        {5, {1, 8, 0, 64}, "invalid custom page size"},
        {7, {1, 0, 5, 0}, "malformed export kind"},
        {9, {1, 8}, "malformed elements segment kind"},
        {9, {1, 1, 1, 0}, "malformed element kind"},
        {11, {1, 3}, "malformed data segment kind"},
    };
    for (const auto& each : all)
        EXPECT_EQ(refusal(with_section(each.section, each.contents)).substr(0, each.message.size()),
                  each.message)
            << int{each.section} << ' ' << refusal(with_section(each.section, each.contents));
    EXPECT_EQ(refusal(with_code({0x41, 0, 0x28, 0x80, 1, 0, 0x0b})).substr(0, 21), "malformed memop flags");
    EXPECT_EQ(refusal(with_code({0x02, 0x7a, 0x0b, 0x0b})).substr(0, 20), "malformed value type");
    // Sections in another order.
    ByteString twice = with_section(6, {0});
    const ByteString again = with_section(4, {0});
    twice.insert(twice.end(), again.begin() + 8, again.end());
    EXPECT_EQ(refusal(twice).substr(0, 37), "unexpected content after last section");
}

TEST(Print, an_index_that_no_type_can_have_is_beyond_a_limit) {
    // Found by fuzzing: such text is well-formed, so that the module's text can't be called malformed.
    round_trip("(func (result (ref 2999999)))");
    const ByteString bytes = binary("(func (result (ref 3000000)))");
    const auto text = print_wat(bytes);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code(), ErrorCode::limit);
    EXPECT_EQ(text.error().message(), "there is no type 3000000: a module has at most 3000000");
}

TEST(Print, every_prefix_of_a_module_is_refused) {
    const ByteString bytes = binary("(module $m (type (func (param i32))) (import \"a\" \"b\" (func $i (type "
                                    "0))) (memory 1) (func $f (local "
                                    "i64) (block $l (br_if $l (i32.const 1)))) (data (i32.const 0) \"xyz\"))",
                                    true);
    size_t printed = 0;
    for (size_t length = 0; length < bytes.size(); ++length)
        printed += print_wat(std::span{bytes}.first(length)).has_value() ? 1 : 0;
    // Only prefixes that end between sections and include the code.
    EXPECT_EQ(printed, 5u);
}

TEST(Print, text_size_is_limited) {
    // 2^32 - 1 locals.
    EXPECT_EQ(refusal({0, 'a', 's', 'm', 1,  0, 0, 0, 1,    4,    1,    0x60, 0,    0,    3,
                       2, 1,   0,   10,  10, 1, 8, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b})
                  .substr(0, 15),
              "too many locals");
    // A long name that is used often, and a type with many parameters.
    std::string text = "(type $t (func (param";
    for (int i = 0; i < 1000; ++i)
        text += " i32";
    text += "))) (func $" + std::string(100'000, 'n') + ")";
    for (int i = 0; i < 1000; ++i)
        text += "(func (type $t) (call 0) (block (type $t)))";
    EXPECT_LT(round_trip(text).size(), 300'000u);
    PrintOptions options;
    options.max_characters = 100;
    const auto cut = print_wat(binary(text), options);
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code(), ErrorCode::limit);
}

/// Counts the characters and stores the first ones.
class Pieces final : public TextSink {
public:
    explicit Pieces(size_t accepted = SIZE_MAX) : accepted_{accepted} {}
    bool write(std::string_view piece) noexcept override {
        if (size + piece.size() > accepted_)
            return false;
        size += piece.size();
        ++count;
        if (text.size() < 100'000)
            text += piece;
        return true;
    }
    size_t size = 0;
    size_t count = 0;
    std::string text;

private:
    size_t accepted_;
};

/// Records the peak memory use.
class PeakAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        in_use_ += size;
        peak = std::max(peak, in_use_);
        return standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        in_use_ -= size;
        standard().deallocate(block, size, alignment);
    }
    size_t peak = 0;

private:
    size_t in_use_ = 0;
};

TEST(Print, printing_in_pieces_takes_little_memory) {
    // 100 functions with 50,000 locals each.
    ByteString code{100};
    for (int i = 0; i < 100; ++i)
        code.insert(code.end(), {6, 1, 0xd0, 0x86, 3, 0x7f, 0x0b});
    ByteString bytes{0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 101, 100};
    bytes.resize(bytes.size() + 100);
    bytes.insert(bytes.end(), {10, 0xbd, 5});
    bytes.insert(bytes.end(), code.begin(), code.end());
    PeakAllocator allocator;
    PrintOptions options;
    options.allocator = &allocator;
    Pieces pieces;
    ASSERT_TRUE(print_wat(bytes, pieces, options));
    EXPECT_GT(pieces.size, 20'000'000u);
    EXPECT_GT(pieces.count, 100u);
    EXPECT_LT(allocator.peak, 300'000u);
    const std::string whole = print(bytes);
    EXPECT_EQ(pieces.size, whole.size());
    EXPECT_EQ(pieces.text, whole.substr(0, pieces.text.size()));
}

TEST(Print, writes_nothing_if_the_module_is_refused) {
    Pieces pieces;
    const auto refused = print_wat(with_code({0x05, 0x0b}), pieces);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message(), "else without if");
    EXPECT_EQ(pieces.count, 0u);
    // Names that would be lost are found in advance.
    const ByteString bytes = binary("(@custom \"name\" \"\\01\\06\\01\\07\\03abc\")", true);
    EXPECT_TRUE(print_wat(bytes, pieces));
    EXPECT_EQ(pieces.text, print(bytes));
}

TEST(Print, stops_when_the_sink_is_full) {
    Pieces pieces{10};
    const auto refused = print_wat(binary("(func nop)"), pieces);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::usage);
}

TEST(Print, any_single_allocation_may_fail) {
    // Then there is no text, instead of one with fewer names and hints.
    const ByteString bytes =
        binary("(module $m (type $t (struct (field $a i32) (field $b i64))) (import \"a\" \"b\" (func $i))"
               "(@custom \"c\" \"x\") (memory $mem 1) (func $f (param $p i32) (local $l i64)"
               "(@metadata.code.branch_hint \"\\00\") (if $k (local.get $p) (then (br $k)))))",
               true);
    const std::string whole = print(bytes);
    EXPECT_NE(whole.find("if $k"), std::string::npos) << whole;
    for (size_t refused = 0;; ++refused) {
        test::PlainAllocator allocator{true};
        allocator.refuse_one(refused);
        PrintOptions options;
        options.allocator = &allocator;
        {
            const auto text = print_wat(bytes, options);
            if (allocator.calls() <= refused) {
                ASSERT_TRUE(text);
                EXPECT_EQ(std::string(text->begin(), text->end()), whole);
                break;
            }
            ASSERT_FALSE(text) << refused;
            EXPECT_EQ(text.error().code(), ErrorCode::out_of_memory) << refused << text.error().message();
        }
        ASSERT_EQ(allocator.live(), 0u) << refused;
    }
}

TEST(Print, leaves_out_sections_that_point_into_code) {
    const ByteString bytes = binary(R"((module
      (@custom "before" (before code) "1") (@custom "linking" (after code) "2") (@custom "reloc.CODE" (after code) "3")
      (@custom ".debug_info" "4") (@custom "metadata.code.trace_inst" (before code) "5") (@custom "producers" "6")
      (@custom "relocation" "7") (func $f (@metadata.code.branch_hint "\00") (if (i32.const 0) (then)))))",
                                    true);
    Vec<std::string_view> left_out;
    PrintOptions options;
    options.left_out = &left_out;
    const auto text = print_wat(bytes, options);
    ASSERT_TRUE(text);
    EXPECT_TRUE(
        std::ranges::equal(left_out, std::vector<std::string_view>{"metadata.code.trace_inst", "linking",
                                                                   "reloc.CODE", ".debug_info"}));
    const std::string printed{text->begin(), text->end()};
    for (const std::string_view kept : {"\"before\"", "\"producers\"", "\"relocation\"", "branch_hint", "$f"})
        EXPECT_NE(printed.find(kept), std::string::npos) << kept << printed;
    for (const std::string_view gone : {"linking", "reloc.", "debug", "trace"})
        EXPECT_EQ(printed.find(gone), std::string::npos) << gone << printed;
    // Without the list, nothing is left out.
    EXPECT_EQ(binary(print(bytes), true), bytes);
}

TEST(Print, a_single_expression) {
    const auto printed = [](const ByteString& code) {
        const auto text = print_expression(code);
        return text ? std::string{text->begin(), text->end()} : std::string{text.error().message()};
    };
    EXPECT_EQ(printed({0x0b}), "");
    EXPECT_EQ(printed({0x23, 3, 0x41, 0x7f, 0x6a, 0x0b}), "global.get 3 i32.const -1 i32.add");
    EXPECT_EQ(printed({0xd0, 0x64, 0x0b}), "malformed heap type") << "0x64 is not a heap type";
    EXPECT_EQ(printed({0xfb, 0x08, 2, 3, 0x0b}), "array.new_fixed 2 3");
    EXPECT_EQ(printed({0x41}), "unexpected end");
}

TEST(Print, a_single_body) {
    const ByteString code = {0x02, 0x40, 0x20, 3, 0x0d, 0, 0x0b, 0x01, 0x0b};
    const auto body = print_body(code);
    ASSERT_TRUE(body);
    EXPECT_EQ((std::string{body->lines.begin(), body->lines.end()}),
              "    block\n      local.get 3\n      br_if 0\n    end\n    nop\n");
    EXPECT_TRUE(std::ranges::equal(body->offsets, std::vector<size_t>{0, 2, 4, 6, 7}));
    const auto empty = print_body(ByteString{0x0b});
    ASSERT_TRUE(empty);
    EXPECT_TRUE(empty->lines.empty() && empty->offsets.empty());
    EXPECT_FALSE(print_body(ByteString{0x41}));
}

} // namespace
} // namespace warpbeam::text
