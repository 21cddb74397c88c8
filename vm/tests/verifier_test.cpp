#include "disassembly/disassembler.hpp"
#include "disassembly/verifier.hpp"
#include "fixture.hpp"
#include "isa/stop_table.hpp"
#include "lower/module_code.hpp"
#include "store/internal.hpp"

#include <warpbeam/vm/disassembly.hpp>

#include <functional>
#include <random>

/// The verifier finds nothing in what the lowering makes, and each kind of fault in code that was spoilt.

namespace warpbeam {
namespace {

using namespace vm;

class VerifierTest : public VmTest {
protected:
    explicit VerifierTest(const Config& config = all_features()) : VmTest{config} {}
    static Config all_features() {
        Config config;
        config.features = FeatureSet::all();
        return config;
    }

    /// Makes a copy of the code of the first function that a module defines.
    void lower(std::string_view wat, bool observed = false) {
        module = load(wat);
        code = std::make_unique<ModuleCode>(module, CodeOptions{.layouts = vm::Internal::layouts(engine),
                                                                .allocator = &Allocator::standard(),
                                                                .observes_calls = observed,
                                                                .observes_accesses = observed});
        ASSERT_TRUE(code->prepare());
        const uint32_t func = module.imported_funcs();
        ASSERT_EQ(code->lower(func), Exit::none);
        const Code& made = code->code(func);
        copy.resize((bytes_of(made) + 7) / 8);
        std::memcpy(copy.data(), &made, bytes_of(made));
    }

    Code& head() { return reinterpret_cast<Code&>(*copy.data()); }
    std::string verify() {
        const std::expected<Finding, Exit> finding = code->verify(head());
        if (!finding)
            return "no memory";
        if (finding->words == nullptr)
            return "";
        return std::string(finding->field) + (finding->field.empty() ? "" : ": ") + finding->words;
    }

    /// The instruction of a form, or the one after so many others of it.
    CodeInstr find(Form form, size_t others = 0) {
        const auto bytes = instructions_of(head());
        for (size_t position = 0; position < bytes.size();) {
            const auto instr = read_instr(*HandlerIndex::get(), bytes, position);
            if (!instr)
                throw std::runtime_error{"no instruction"};
            if (instr->choice.form == form && others-- == 0)
                return *instr;
            position += instr->size;
        }
        throw std::runtime_error{"no such instruction"};
    }
    void set(Form form, Field field, uint64_t value, size_t others = 0) {
        const CodeInstr instr = find(form, others);
        Fields{const_cast<char*>(instr.at), instr.shape}.set(field, value);
    }
    /// Exchanges the handler for that of another variant, or of another form.
    void become(const CodeInstr& instr, const Choice& choice) {
        const Handler handler = find_handler(choice);
        ASSERT_NE(handler, nullptr);
        std::memcpy(const_cast<char*>(instr.at), &handler, sizeof handler);
    }
    void become(Form form, const std::function<void(Variant&)>& change, size_t others = 0) {
        const CodeInstr instr = find(form, others);
        Choice choice = instr.choice;
        change(choice.variant);
        become(instr, choice);
    }
    void move_target(Form form, int bytes) {
        set(form, Field::target,
            static_cast<uint32_t>(static_cast<int32_t>(find(form).get(Field::target)) + bytes));
    }
    CatchClause& clause(size_t i) { return const_cast<CatchClause*>(clauses_of(head()))[i]; }
    TryRegion& region(size_t i) { return const_cast<TryRegion*>(regions_of(head()))[i]; }

    Module module;
    std::unique_ptr<ModuleCode> code;
    std::vector<uint64_t> copy;
};

constexpr std::string_view outside = "a slot is outside the frame";

// ---- What is right ----

constexpr std::string_view counting =
    R"((module (func (param $n i32) (result i32) (local $i i32) (local $sum i32)
  (loop $next
    (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $i) (local.get $i))))
    (br_if $next (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
  (local.get $sum))))";
constexpr std::string_view deciding = R"((module (memory 1) (global $g (mut i64) (i64.const 0))
  (func (param $n i32) (param $x f64) (result f64)
    (if (result f64) (i32.load offset=8 (i32.add (local.get $n) (i32.const 4)))
      (then (f64.mul (f64.add (local.get $x) (f64.const 1)) (local.get $x)))
      (else (global.set $g (i64.extend_i32_s (local.get $n))) (f64.neg (local.get $x)))))))";
constexpr std::string_view calling = R"((module
  (type $t (func (param i32 i64) (result i64)))
  (import "e" "f" (func $f (type $t)))
  (table 3 funcref)
  (func (param $a i32) (param $b i64) (result i64)
    (i64.add (call $g (local.get $a) (local.get $b))
             (i64.xor (call $f (local.get $a) (local.get $b))
                      (call_indirect (type $t) (local.get $a) (local.get $b) (local.get $a)))))
  (func $g (type $t) (return_call $f (local.get 0) (local.get 1)))))";
constexpr std::string_view catching = R"((module
  (tag $a (param i32 v128)) (tag $b)
  (func (param $n i32) (result i32) (local $v v128)
    (block $caught (result i32 v128 exnref)
      (block $all
        (try_table (catch_ref $a $caught) (catch_all $all)
          (throw $a (local.get $n) (local.get $v)))
        (return (i32.const 1)))
      (block $again (try_table (catch_all $again) (throw $b)))
      (unreachable))
    (drop) (drop))))";
constexpr std::string_view choosing = R"((module (func (param $n i32) (result i32)
  (block $c (block $b (block $a (br_table $a $b $c (local.get $n))) (return (i32.const 10))) (return (i32.const 20)))
  (i32.const 30))))";
constexpr std::string_view moving =
    R"((module (func (param $v v128) (param $w v128) (param $n i32) (result v128 v128)
  (local.get $w)
  (v128.bitselect (local.get $v) (i32x4.add (local.get $w) (v128.const i32x4 1 2 3 4))
    (i8x16.replace_lane 3 (local.get $v) (i32.add (local.get $n) (i32x4.extract_lane 1 (local.get $w)))))
)))";
constexpr std::string_view objects = R"((module
  (type $p (struct (field (mut i32)) (field (mut (ref null $p)))))
  (type $v (array (mut v128)))
  (memory 1) (data $d "abc") (table $t 1 funcref)
  (func (param $n i32) (result i32) (local $p (ref null $p)) (local $v (ref null $v))
    (local.set $p (struct.new $p (local.get $n) (local.get $p)))
    (local.set $v (array.new $v (v128.const i64x2 1 2) (local.get $n)))
    (array.fill $v (local.get $v) (i32.const 0) (v128.const i64x2 1 2) (local.get $n))
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3))
    (drop (table.grow $t (ref.null func) (local.get $n)))
    (struct.set $p 0 (local.get $p) (i32.const 3))
    (block $out (result (ref null $p))
      (br_on_cast $out anyref (ref null $p) (local.get $p)) (unreachable))
    (i32.add (struct.get $p 0) (ref.test (ref $v) (local.get $v))))))";
constexpr std::string_view resuming = R"((module (type $f (func)) (type $k (cont $f)) (tag $t)
  (func (param $k (ref $k))
    (block $on (result (ref $k)) (resume $k (on $t $on) (local.get $k)) (return))
    (drop))))";
constexpr std::string_view all_modules[] = {counting, deciding, calling, catching,
                                            choosing, moving,   objects, resuming};

TEST_F(VerifierTest, finds_nothing_in_what_the_lowering_makes) {
    for (const std::string_view wat : all_modules) {
        for (const bool observed : {false, true}) {
            lower(wat, observed);
            EXPECT_EQ(verify(), "") << wat;
        }
    }
}

TEST_F(VerifierTest, wants_known_events_inside_of_the_frame) {
    const auto spoilt = [&](Field field, uint64_t value) {
        lower(counting, true);
        EXPECT_EQ(find(Form::observe).get(Field::event), 0U);
        set(Form::observe, field, value);
        return verify();
    };
    EXPECT_EQ(spoilt(Field::event, 3), "");
    EXPECT_EQ(spoilt(Field::event, 4), "event: unknown event");
    EXPECT_EQ(spoilt(Field::far, UINT32_MAX), "far: a slot is outside the frame");
    lower(counting, true);
    EXPECT_EQ(spoilt(Field::far, head().frame_slots), "far: a slot is outside the frame");
}

TEST_F(VerifierTest, every_handler_is_found_by_what_it_stands_for) {
    size_t handlers = 0;
    std::array<bool, form_count> forms{};
    for (const HandlerGroup& group : handler_groups())
        for (size_t i = 0; i < group.count; ++i)
            for (size_t number = 0; group.rows[i].handlers != nullptr && number < combinations(group.form);
                 ++number) {
                const Choice choice{group.form, op_at(group.family, i), variant_of(group.form, number)};
                const Handler handler = find_handler(choice);
                if (handler == nullptr)
                    continue;
                ++handlers;
                forms[static_cast<size_t>(choice.form)] = true;
                const Choice* const found = HandlerIndex::get()->find(handler);
                ASSERT_NE(found, nullptr);
                // Instructions may share a handler, but then it is of the same form and variant.
                EXPECT_EQ(found->form, choice.form);
                EXPECT_EQ(found->variant, choice.variant);
                EXPECT_EQ(find_handler(*found), handler);
                Vec<char> text;
                Disassembler{text}.variant(choice);
                EXPECT_FALSE(text.empty());
            }
    EXPECT_GT(handlers, 1000u);
    for (size_t i = 0; i < form_count; ++i)
        EXPECT_TRUE(forms[i]) << form_names[i] << " has no handlers";
    EXPECT_EQ(HandlerIndex::get()->find(nullptr), nullptr);
}

// ---- Instructions and where they lie ----

TEST_F(VerifierTest, wants_known_instructions_one_after_the_other) {
    lower(counting);
    copy[sizeof(Code) / 8] += 1;
    EXPECT_EQ(verify(), "the instruction is incomplete");
    lower(counting);
    head().size -= 8;
    EXPECT_EQ(verify(), "the instruction is incomplete");
    lower(counting);
    head().size = 0;
    EXPECT_EQ(verify(), "there are no instructions");
    lower(counting);
    head().size -= find(Form::return_value).size;
    EXPECT_EQ(verify(), "execution runs past the end of the code");
    lower(counting);
    become(find(Form::return_value), {Form::exit_run});
    EXPECT_EQ(verify(), "the instruction is not allowed in a function");
}

TEST_F(VerifierTest, reads_nothing_after_the_end_of_the_code) {
    lower(counting);
    const auto bytes = instructions_of(head());
    const size_t last = find(Form::return_value).position;
    for (const size_t room : {size_t{0}, sizeof(Instr) - 8}) {
        // In memory of its own, after whose end AddressSanitizer looks.
        const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(last + room));
        EXPECT_FALSE(read_instr(*HandlerIndex::get(), cut, last)) << room;
    }
    EXPECT_TRUE(read_instr(*HandlerIndex::get(), bytes, last));
}

TEST_F(VerifierTest, wants_jumps_to_go_to_instructions) {
    for (const int bytes : {8, -8, 1, 1 << 20, -(1 << 20)}) {
        lower(counting);
        move_target(Form::latch, bytes);
        EXPECT_EQ(verify(), "a jump target is not an instruction") << bytes;
    }
    lower(choosing);
    const CodeInstr table = find(Form::jump_table);
    const int32_t distance = 4;
    std::memcpy(const_cast<char*>(table.at) + table.shape.size() + 4, &distance, sizeof distance);
    EXPECT_EQ(verify(), "a jump target is not an instruction");
    lower(choosing);
    set(Form::jump_table, Field::count, UINT32_MAX);
    EXPECT_EQ(verify(), "the instruction is incomplete");
}

TEST_F(VerifierTest, wants_far_slots_inside_of_the_frame) {
    std::string locals;
    for (int i = 0; i < 31'000; ++i)
        locals += "v128 ";
    const std::string large = "(module (func $f (param i64) (local " + locals +
                              ") (local.set 1 (v128.const i64x2 1 2)) (local.set 31000 (local.get 1))"
                              "(return_call $f (i64.const 1))))";
    // The first local is near, the last one far, so that the frame begins 2 slots or more below.
    const auto spoilt = [&](Form form, Field field, uint64_t value) {
        lower(large);
        set(form, field, value);
        return verify();
    };
    lower(large);
    EXPECT_EQ(verify(), "");
    const auto far = static_cast<uint32_t>(find(Form::open_frame).get(Field::count));
    const uint32_t near = head().frame_slots - far;
    EXPECT_EQ(spoilt(Form::open_frame, Field::count, head().frame_slots),
              "more slots are below the frame pointer than the frame has");
    EXPECT_EQ(spoilt(Form::open_frame, Field::zeros, head().frame_slots), "locals are outside the frame");
    EXPECT_EQ(spoilt(Form::far_set, Field::far, 0 - far - 1), "far: " + std::string(outside));
    EXPECT_EQ(spoilt(Form::far_set, Field::far, near - 1), "far: " + std::string(outside));
    EXPECT_EQ(spoilt(Form::far_set, Field::far, near - 2), "");
    EXPECT_EQ(spoilt(Form::far_set, Field::from, near - 1), "from: " + std::string(outside));
    EXPECT_EQ(spoilt(Form::close_frame, Field::count, far - 1), "a frame is closed without a tail call");
    lower(large);
    become(find(Form::close_frame), {Form::open_frame});
    EXPECT_NE(verify(), "");
    lower(large);
    become(find(Form::set_pins), {Form::close_frame});
    EXPECT_EQ(verify(), "a frame is closed without a tail call");
}

TEST_F(VerifierTest, wants_slots_inside_of_the_frame) {
    lower(counting);
    head().frame_slots = 1;
    EXPECT_NE(verify(), "");
    lower(counting);
    head().zero_count = 100;
    EXPECT_EQ(verify(), "locals are outside the frame");
    lower(counting);
    head().pins.l1 = 100;
    EXPECT_EQ(verify(), "locals pinned at entry are outside the frame");
    lower(counting);
    set(Form::latch, Field::local, 100);
    EXPECT_EQ(verify(), "local: " + std::string(outside));
    lower(calling);
    const auto frame = static_cast<uint16_t>(head().frame_slots);
    set(Form::call, Field::frame, frame - 1);
    EXPECT_EQ(verify(), "frame: " + std::string(outside)) << "two arguments";
    lower(calling);
    set(Form::call_indirect, Field::pins, std::bit_cast<uint64_t>(Pins{0, 1, 0, frame}));
    EXPECT_EQ(verify(), "pins: " + std::string(outside));
    lower(moving);
    set(Form::ternary, Field::result, head().frame_slots - 1);
    EXPECT_EQ(verify(), "result: " + std::string(outside)) << "a vector has two";
    lower(moving);
    set(Form::copy_range, Field::count, head().frame_slots);
    EXPECT_NE(verify(), "");
    lower(moving);
    set(Form::extract_lane, Field::from, head().frame_slots - 1);
    EXPECT_EQ(verify(), "from: " + std::string(outside));
    lower(objects);
    set(Form::struct_new, Field::operands, head().frame_slots);
    EXPECT_EQ(verify(), "operands: " + std::string(outside));
    lower(objects);
    set(Form::general1, Field::operands, head().frame_slots - 2, 1);
    EXPECT_EQ(verify(), "operands: " + std::string(outside));
    lower(catching);
    set(Form::throw_, Field::operands, head().frame_slots - 2);
    EXPECT_EQ(verify(), "operands: " + std::string(outside));
}

TEST_F(VerifierTest, wants_indices_inside_of_the_module) {
    lower(calling);
    const uint64_t type = find(Form::call_indirect).get(Field::type);
    const auto spoilt = [&](std::string_view wat, Form form, Field field, uint64_t value, size_t others = 0) {
        lower(wat);
        set(form, field, value, others);
        return verify();
    };
    EXPECT_EQ(spoilt(deciding, Form::global_set, Field::global, 1), "global: index out of range");
    EXPECT_EQ(spoilt(catching, Form::throw_, Field::tag, 2), "tag: index out of range");
    EXPECT_EQ(spoilt(catching, Form::trap, Field::code, 200), "code: unknown trap");
    EXPECT_EQ(spoilt(catching, Form::trap, Field::code, 0), "code: unknown trap");
    EXPECT_EQ(spoilt(calling, Form::call_import, Field::function, 1), "function: index out of range");
    EXPECT_EQ(spoilt(calling, Form::call, Field::callee, 0), "callee: unknown function");
    EXPECT_EQ(spoilt(calling, Form::call, Field::callee, 8), "callee: unknown function");
    EXPECT_EQ(spoilt(calling, Form::call_indirect, Field::type, 12345), "type: unknown function type");
    EXPECT_EQ(spoilt(calling, Form::call_indirect, Field::type, type + (uint64_t{1} << 32)),
              "type: unknown table");
    EXPECT_EQ(spoilt(objects, Form::struct_new, Field::layout, 64), "layout: unknown object type");
    EXPECT_EQ(spoilt(objects, Form::general1, Field::first, 64), "first: unknown object type");
    EXPECT_EQ(spoilt(objects, Form::br_on_cast, Field::type, 0), "type: unknown object type");
    EXPECT_EQ(spoilt(objects, Form::general2, Field::first, 1), "first: index out of range");
    EXPECT_EQ(spoilt(objects, Form::general2, Field::second, 1), "second: index out of range");
    EXPECT_EQ(spoilt(objects, Form::general1, Field::first, 1, 2), "first: index out of range");
    lower(resuming);
    const uint64_t place = uint64_t{find(Form::resume).position} << 32;
    EXPECT_EQ(spoilt(resuming, Form::resume, Field::first, place | CatchClause::none), "");
    EXPECT_EQ(spoilt(resuming, Form::resume, Field::first, place | 1), "first: unknown clause");
    EXPECT_EQ(spoilt(resuming, Form::resume, Field::first, place + (uint64_t{16} << 32)),
              "first: not the position of the instruction");
}

// ---- What the registers hold ----

TEST_F(VerifierTest, wants_accumulators_written_before_they_are_read) {
    lower("(module (func (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))");
    become(find(Form::binary),
           {Form::binary, Op::i32_add, {.result = Dst::acc, .a = Src::acc, .b = Src::slot}});
    EXPECT_EQ(verify(), "left: the accumulator is read but may be empty")
        << "at entry it is a cell's address";
    // Of two ways to a place only one writes it.
    lower("(module (func (param i32 i32 i32) (result i32) (local i32)"
          "(if (local.get 0) (then (local.set 3 (i32.mul (local.get 1) (local.get 2)))))"
          "(i32.mul (local.get 3) (i32.mul (local.get 3) (i32.const 5)))))");
    EXPECT_EQ(verify(), "");
    become(Form::binary, [](Variant& v) { v.a = Src::acc; }, 1);
    EXPECT_EQ(verify(), "left: the accumulator is read but may be empty");
    // The other bank, and the other kind of it.
    lower("(module (func (param f64 i32) (result f64) (f64.neg (f64.convert_i32_s (local.get 1)))))");
    EXPECT_EQ(verify(), "");
    become(find(Form::return_value), {Form::return_value, Op::nop, {.a = Src::acc, .option = 0}});
    EXPECT_EQ(verify(), "value: the accumulator is read but may be empty");
    lower("(module (func (param f64 v128) (result f64) (local v128)"
          "(local.set 2 (f64x2.splat (f64.neg (local.get 0)))) (f64.neg (local.get 0))))");
    become(Form::unary, [](Variant& v) { v.a = Src::acc; }, 2);
    EXPECT_EQ(verify(), "operand: the accumulator holds a value of another kind");
}

TEST_F(VerifierTest, knows_what_calls_leave) {
    constexpr std::string_view wat =
        R"((module (func (param f64) (result f64) (f64.neg (call $f (local.get 0))))
      (func $f (param f64) (result f64) (local.get 0)) (func $g (param f64) (result i32) (i32.const 1))))";
    lower(wat);
    EXPECT_EQ(verify(), "");
    set(Form::call, Field::callee, find(Form::call).get(Field::callee) + sizeof(CodeCell));
    EXPECT_EQ(verify(), "operand: the accumulator is read but may be empty") << "the result is an i32";
    lower("(module (memory 1) (func (result i32) (i32.add (memory.grow (i32.const 1)) (i32.const 1))))");
    EXPECT_EQ(verify(), "");
    become(find(Form::general1), {Form::general1, Op::data_drop});
    EXPECT_NE(verify(), "");
}

TEST_F(VerifierTest, wants_pinned_locals_where_they_are_looked_for) {
    lower(counting);
    std::swap(head().pins.l0, head().pins.l1);
    EXPECT_NE(verify(), "");
    lower(counting);
    become(Form::latch, [](Variant& v) { v.a = v.a == Src::l0 ? Src::l1 : Src::l0; });
    EXPECT_NE(verify().find("the register is read but may not hold that local"), std::string::npos);
    // A result for another register, or for no local that is pinned.
    constexpr std::string_view setting = "(module (func (param $a i32) (param $b i32) (result i32)"
                                         "(local.set $a (i32.mul (local.get $a) (i32.const 3))) (local.set "
                                         "$b (i32.mul (local.get $b) (i32.const 5)))"
                                         "(i32.xor (local.get $a) (local.get $b))))";
    lower(setting);
    EXPECT_EQ(verify(), "");
    EXPECT_TRUE(is_pin(find(Form::binary).result()));
    become(Form::binary, [](Variant& v) {
        v.result = v.result == Dst::l0 ? Dst::l1 : Dst::l0;
        v.a = Src::slot;
    });
    EXPECT_EQ(verify(), "result: the register is written but may not belong to that local");
    // What is pinned is written to its slot alone.
    lower(setting);
    become(Form::binary, [](Variant& v) { v.result = Dst::slot; });
    EXPECT_NE(verify().find("the register is read but may not hold that local"), std::string::npos);
    // Another set of pins.
    lower("(module (func (param i32 i32 i32 i32)"
          "(loop (local.set 0 (i32.mul (local.get 0) (local.get 1))) (br_if 0 (local.get 0)))"
          "(loop (local.set 2 (i32.mul (local.get 2) (local.get 3))) (br_if 0 (local.get 2)))))");
    EXPECT_EQ(verify(), "");
    set(Form::set_pins, Field::pin0, 1);
    EXPECT_NE(verify(), "");
}

// ---- Where exceptions are caught ----

TEST_F(VerifierTest, wants_a_good_catch_table) {
    const auto spoilt = [&](const std::function<void()>& spoil) {
        lower(catching);
        spoil();
        return verify();
    };
    EXPECT_EQ(spoilt([&] { clause(0).target += 4; }), "the target of a catch clause is not an instruction");
    EXPECT_EQ(spoilt([&] { clause(1).target = head().size; }),
              "the target of a catch clause is not an instruction");
    EXPECT_EQ(spoilt([&] { clause(0).next = 100; }), "a catch clause has no successor");
    EXPECT_EQ(spoilt([&] { clause(1).next = 0; }), "the clauses of a try region form a cycle");
    EXPECT_EQ(spoilt([&] { clause(0).tag = 7; }), "a catch clause has no tag");
    EXPECT_EQ(spoilt([&] { clause(0).payload = static_cast<uint16_t>(head().frame_slots - 2); }),
              "the values of a catch clause are outside the frame");
    EXPECT_EQ(spoilt([&] { clause(0).exception = static_cast<uint16_t>(head().frame_slots); }),
              "a caught exception is outside the frame");
    EXPECT_EQ(spoilt([&] { clause(1).pins.f0 = 999; }), "a catch clause pins a slot outside the frame");
    EXPECT_EQ(spoilt([&] { region(0).begin += 4; }), "a try region begins inside an instruction");
    EXPECT_EQ(spoilt([&] { region(0).begin = head().size + 16; }),
              "a try region begins inside an instruction");
    EXPECT_EQ(spoilt([&] { region(0).clause = 100; }), "a try region has no clause");
    EXPECT_EQ(spoilt([&] { std::swap(region(0).begin, region(1).begin); }), "try regions are not in order");
    EXPECT_EQ(spoilt([&] { clause(0).pins.l0 = static_cast<uint16_t>(clause(0).pins.l0 + 1); }), "")
        << "nothing reads the register there";
}

TEST_F(VerifierTest, knows_nothing_of_accumulators_where_exceptions_are_caught) {
    lower("(module (tag $t) (func (param i32) (result i32)"
          "(block (try_table (catch_all 0) (throw $t)))"
          "(i32.mul (local.get 0) (i32.const 3))))");
    EXPECT_EQ(verify(), "");
    become(Form::binary, [](Variant& v) { v.a = Src::acc; });
    EXPECT_EQ(verify(), "left: the accumulator is read but may be empty");
}

// ---- Anything at all ----

TEST_F(VerifierTest, survives_whatever_code_is_made_of) {
    std::mt19937 random{1};
    for (const std::string_view wat : all_modules) {
        lower(wat);
        const std::vector<uint64_t> good = copy;
        const size_t words = bytes_of(head()) / 8;
        size_t found = 0;
        for (int i = 0; i < 3000; ++i) {
            copy = good;
            for (int changes = 1 + static_cast<int>(random() % 3); changes != 0; --changes) {
                // The sizes of what lies in the memory stay true.
                constexpr size_t first = (sizeof(Code) + 7) / 8;
                const size_t word = first + random() % (words - first);
                copy[word] = random() % 2 == 0 ? copy[word] ^ uint64_t { 1 } << random() % 64
                                               : copy[first + random() % (words - first)];
            }
            found += !verify().empty();
        }
        EXPECT_GT(found, 1000u);
    }
}

// ---- Those who ask ----

TEST_F(VerifierTest, a_listing_tells_of_the_code) {
    const auto wasm = load(counting);
    const auto listing = list_code(engine, wasm, 0);
    ASSERT_TRUE(listing);
    EXPECT_EQ(listing->finding(), "");
    ASSERT_GT(listing->lines().size(), 3u);
    EXPECT_EQ(listing->lines()[0].offset, Error::no_offset);
    EXPECT_GT(listing->lines()[1].offset, wasm.bodies()[0].code_offset);
    const auto again = list_code(engine, wasm, 0);
    ASSERT_TRUE(again);
    EXPECT_EQ(listing->lines().back().text, again->lines().back().text);
}

#ifdef WARPBEAM_VERIFY_CODE
/// Spoils code between its making and its verification: when memory is asked for after a block was given that
/// is of the size wanted.
class Spoiler final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        if (last_ != nullptr)
            std::memset(std::exchange(last_, nullptr), 0xff, sizeof(Handler));
        void* const block = Allocator::standard().allocate(size, alignment);
        if (armed && size == wanted)
            last_ = static_cast<char*>(block) + size - sizeof(Instr); // the return
        return block;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        Allocator::standard().deallocate(block, size, alignment);
    }
    bool armed = false;
    size_t wanted = 0;

private:
    char* last_ = nullptr;
};

TEST(Verifying, a_function_with_bad_code_is_not_run) {
    Spoiler allocator;
    Config config;
    config.allocator = &allocator;
    Engine engine{config};
    Store store{engine};
    Linker linker{engine};
    const Vec<uint8_t> bytes = assemble(R"((module (func (export "f") (result i32)
        (i32.add (i32.mul (i32.const 3) (i32.const 4)) (i32.const 5)))))");
    // The size is that of the same code elsewhere.
    {
        Engine other;
        const auto module = other.load(bytes);
        ASSERT_TRUE(module);
        ModuleCode code{*module,
                        {.layouts = vm::Internal::layouts(other), .allocator = &Allocator::standard()}};
        ASSERT_TRUE(code.prepare());
        ASSERT_EQ(code.lower(0), Exit::none);
        allocator.wanted = bytes_of(code.code(0));
    }
    const auto module = engine.load(bytes);
    ASSERT_TRUE(module);
    const auto instance = linker.instantiate(store, *module);
    ASSERT_TRUE(instance);
    const auto f = instance->func<int32_t()>("f");
    ASSERT_TRUE(f);
    allocator.armed = true;
    const auto refused = (*f)();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), TrapCode::invalid_code);
    EXPECT_TRUE(
        refused.error().message().starts_with("the engine generated invalid code for function 0: at 0x00"));
    EXPECT_TRUE(refused.error().message().ends_with(": the instruction is incomplete"));
    const auto listing = list_code(engine, *module, 0);
    ASSERT_FALSE(listing);
    EXPECT_EQ(listing.error().function(), 0u);
    allocator.armed = false;
    EXPECT_EQ((*f)().value_or(0), 17);
}
#endif

} // namespace
} // namespace warpbeam
