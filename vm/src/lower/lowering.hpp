#pragma once

#include "handlers/joined_table.hpp"
#include "isa/catch_table.hpp"
#include "lower/emitter.hpp"
#include "lower/module_code.hpp"
#include "semantics/nans.hpp"

#include <warpbeam/loader/instr_reader.hpp>
#include <warpbeam/vm/observed.hpp>

/// Lowers the body of one function from validated WebAssembly to threaded code.
///
/// One pass over the instructions with a symbolic operand stack: locals, constants, blocks and drops emit
/// nothing; an operator emits one instruction, whose handler is specialised for the locations of its
/// operands. At every jump target the operands are at home, so paths agree at merges by construction.

namespace warpbeam::vm {

struct Layout;
struct Settled;

class Lowering : private Emitter {
public:
    Lowering(const Module& module, const CodeOptions& options, std::span<CodeCell> cells,
             const FuncBody& body, Allocator& allocator) noexcept
        : Emitter{allocator}, module_{module}, options_{options}, cells_{cells}, body_{body},
          reader_{module, body.code}, choice_{scratch_}, control_{scratch_}, fixups_{scratch_},
          regions_{scratch_}, clauses_{scratch_} {}

    /// Lowers a part of the function, which takes about a millisecond; true when it is done. The code is
    /// allocated with the allocator, and belongs to the caller; it is null after a failure, see `failure()`.
    [[nodiscard]] bool step(uint32_t func) noexcept;
    [[nodiscard]] Code* code() const noexcept { return result_; }
    Lowering(const Lowering&) = delete;
    Lowering& operator=(const Lowering&) = delete;
    ~Lowering();
    /// Lowers and discards the code; returns where its instructions come from, by position. The code is the
    /// same every time.
    [[nodiscard]] Exit locate(Vec<CodeMark>& marks) noexcept;
    /// The same for a stop of the function, whose position or point the search has; without its number, that
    /// is found. None if there is no such stop.
    [[nodiscard]] Exit find_stop(StopSearch& search) noexcept;
    using Emitter::failure;

private:
    /// `try_` and `catch_` are the parts of a legacy `try`; a try_table is a block.
    enum class ControlKind : uint8_t { func, block, loop, if_, else_, try_, catch_ };

    static constexpr size_t no_jump = SIZE_MAX;
    /// A branch that is the first instruction of a loop, or of a function that calls itself at its end.
    struct HeadTest {
        Choice branch;
        size_t label = 0;  ///< the block at whose end, or else part, it goes: its index in `control_`
        size_t end = 0;    ///< the position after it; 0 if there is none
        size_t target = 0; ///< where it goes, if that is in the loop and known; otherwise 0
    };
    struct Control {
        ControlKind kind;
        BlockType type;
        size_t operands;             ///< on the stack below the parameters
        uint32_t height;             ///< below the parameters
        PinSet pins;                 ///< at the label
        size_t head = 0;             ///< of a loop, after its set_pins, or of the function
        size_t entry = 0;            ///< of a loop, including its set_pins
        size_t jumps = no_jump;      ///< the last fixup to the end's label
        size_t else_jump = no_jump;  ///< the instruction that jumps to the else part
        size_t else_jumps = no_jump; ///< the last fixup of others that do
        HeadTest test = {};          ///< the same
        uint32_t params = no_local;  ///< of a loop with parameters in registers: the number of the first
        bool reachable = true;
        uint32_t handler = CatchClause::none; ///< the first clause to try for exceptions thrown inside
        uint32_t catches =
            CatchClause::none;            ///< the last clause whose label is the end's, linked by `target`
        uint32_t own = CatchClause::none; ///< of a legacy `try`: its last clause
        size_t way = 0; ///< after a br_table that needs it: the code that branches to the label
    };
    /// A forward jump whose target is not known yet.
    struct Fixup {
        size_t instr; ///< jumps are relative to it
        size_t field; ///< the position of the 32-bit distance
        size_t next;  ///< the previous jump to the same label
        bool other_pins;
    };

    /// A comparison that a branch does itself.
    struct Side {
        Src src;
        uint64_t value; ///< slot or constant
    };
    struct Comparison {
        Op op;
        Side left;
        Side right;
        uint32_t before_local; ///< as Producer: what the accumulator has without it
        uint64_t serial;       ///< that it has, or would have
        size_t begin;
        bool has_step = false; ///< the branch may also do the step before it
    };

    [[nodiscard]] bool prepare() noexcept;
    void begin() noexcept;
    [[nodiscard]] bool join_instrs() noexcept;
    void allocate_code(uint32_t func) noexcept;
    [[nodiscard]] bool copy_code() noexcept;

    // rules.cpp
    struct Rules;
    /// Lowers up to `count` instructions; true at the end, or after a failure.
    [[nodiscard]] bool lower(size_t count) noexcept;

    // lower_numeric.cpp
    void lower_nothing() noexcept {}
    void lower_drop() noexcept;
    void lower_select_typed() noexcept;
    void lower_extend() noexcept;
    WARPBEAM_LOWER_INLINE void lower_local_get() noexcept { push_local(reader_.u32()); }
    void lower_local_set(bool tee) noexcept;
    [[nodiscard]] int64_t read_constant() noexcept;
    void lower_i32_const() noexcept;
    void lower_i64_const() noexcept;
    void lower_f32_const() noexcept;
    void lower_f64_const() noexcept;
    void lower_v128_const() noexcept;
    void lower_ref_null() noexcept;
    void lower_any_binary(Op op) noexcept;
    void lower_unary(Op op, Kind result) noexcept;
    void lower_eqz(Op equal) noexcept;
    bool fold_add_shl(Popped& l, Popped& r) noexcept;
    void lower_select(Kind kind) noexcept;
    void lower_wide(Op op) noexcept;

    // lower_frequent.cpp
    void lower_integer_binary(Op op) noexcept;
    void lower_float_binary(Op op) noexcept;
    void lower_subtraction(Op op) noexcept;
    void lower_integer_load(Op op) noexcept;
    void lower_float_load(Op op) noexcept;
    void lower_store(Op op) noexcept;
    template <bool is_float>
    [[nodiscard]] bool lower_frequent_binary(Op op) noexcept;
    [[nodiscard]] bool lower_compare_branch(Op op, const Settled& settled, const Operand* operands) noexcept;
    template <bool is_float>
    [[nodiscard]] bool lower_frequent_load(Op op, const MemArg& arg) noexcept;
    /// Where the result of an instruction goes at once, if the next one is local.set or local.tee.
    struct Destination {
        uint32_t local = no_local;
        Dst where{};
        bool tee = false;
        [[nodiscard]] bool exists() const noexcept { return local != no_local; }
    };
    [[nodiscard]] Destination destination(const OpHandlers& handlers, size_t number, size_t stride) noexcept;
    template <Form form>
    void emit_to_local(const OpHandlers& handlers, Op op, Variant variant, size_t number, size_t place,
                       Accumulator& accumulator, Words words, const Destination& to) noexcept;
    template <Form form>
    void emit_frequent_result(const OpHandlers& handlers, Op op, Variant variant, size_t number, size_t place,
                              Accumulator& accumulator, const Words& words) noexcept;
    template <Form form>
    void finish_frequent(const OpHandlers& handlers, Op op, Variant variant, size_t number, size_t place,
                         Accumulator& accumulator, const Words& words) noexcept;
    /// The byte after the next one.
    [[nodiscard]] uint8_t second_byte() const noexcept {
        ValidBytes ahead = reader_;
        ahead.pass(1);
        return ahead.peek();
    }
    [[nodiscard]] bool lower_displaced_load(Op op, const MemArg& arg, const Operand& address) noexcept;
    [[nodiscard]] bool lower_frequent_store(Op op, const MemArg& arg) noexcept;

    // canonical_nans.cpp
    void make_canonical(Floats result) noexcept;
    void leave_nans(Floats of, size_t operands) noexcept;

    // lower_memory.cpp
    void lower_load(Op op) noexcept;
    void lower_other_load(Op op, MemArg arg) noexcept;
    void lower_other_store(Op op, MemArg arg) noexcept;
    void lower_load_any(Op op, MemArg arg, Popped address) noexcept;
    bool fold_into_load(Op op, MemArg arg, const Popped& address, uint8_t option) noexcept;
    bool fold_into_store(Op op, MemArg arg, const Popped& address, Popped& value, uint8_t option) noexcept;
    /// Whether the fast atomic accesses of memory 0 can be used for this one.
    [[nodiscard]] static bool is_first(const MemoryType& memory, uint32_t index) noexcept {
        return index == 0 && !memory.limits.is_64;
    }
    /// Whether the fast accesses of memory 0 can be used for this one, and with which option.
    [[nodiscard]] WARPBEAM_LOWER_INLINE bool is_fast(Form form, Op op, const MemArg& arg,
                                                     const Popped& address, uint8_t& option) const noexcept {
        option = first_option_;
        return arg.memory == 0 && (first_is_32_ || is_fast_64(form, op, arg, address));
    }
    [[nodiscard]] bool is_fast_64(Form form, Op op, const MemArg& arg, const Popped& address) const noexcept;
    /// The option of a fast access.
    [[nodiscard]] uint8_t access_option(const MemoryType& memory) const noexcept {
        return memory.limits.is_64                                   ? detail::option_wide
               : options_.guard_pages && memory.page_size_log2 == 16 ? detail::option_guarded
                                                                     : 0;
    }
    void lower_atomic(Op op) noexcept;
    void lower_fence() noexcept;
    void lower_global_get() noexcept;
    void lower_global_set() noexcept;

    // lower_general.cpp
    // With as many immediates; others before them are skipped.
    void lower_general0(Op op, uint32_t operands, Kind result, Imm skipped) noexcept;
    void lower_general1(Op op, uint32_t operands, Kind result, Imm skipped) noexcept;
    void lower_general2(Op op, uint32_t operands) noexcept;
    void lower_memory_size(Op op, uint32_t operands) noexcept;
    void lower_table_size(Op op, uint32_t operands) noexcept;
    void lower_wait(Op op) noexcept;
    /// The operands go home; a result is put where they were, and in the accumulator.
    void emit_general(Op op, uint32_t operands, Kind result, uint64_t first = 0,
                      uint64_t second = 0) noexcept;

    // observe.cpp
    void emit_observe(Observed event, uint32_t slot) noexcept;
    void observe_return() noexcept;
    void observe_instr(Op op) noexcept;

    // lower_simd.cpp
    void lower_ternary(Op op) noexcept;
    void lower_with_scalar(Form form, Op op, Popped vector, Popped scalar, uint8_t lane) noexcept;
    void lower_shuffle(Op op) noexcept;
    void lower_shift(Op op) noexcept;
    void lower_replace_lane(Op op) noexcept;
    void lower_extract_lane(Op op) noexcept;
    void emit_extract_lane(Op op, uint8_t lane) noexcept;
    void lower_lane_load(Op op) noexcept;
    void lower_lane_store(Op op) noexcept;

    // lower_gc.cpp
    [[nodiscard]] const Layout* read_layout() noexcept;
    void lower_struct_new(bool defaults) noexcept;
    void lower_struct_get(bool is_signed) noexcept;
    void lower_struct_set() noexcept;
    void lower_struct_new_desc(Op op, bool defaults) noexcept;
    void lower_array_new(Op op, uint32_t operands) noexcept;
    void lower_array_new_fixed(Op op) noexcept;
    /// From a segment.
    void lower_array_new_from(Op op) noexcept;
    void lower_array_fill(Op op) noexcept;
    void lower_array_get(bool is_signed) noexcept;
    void lower_array_set() noexcept;
    struct CastTarget {
        uint64_t word;
        bool to_layout;
        /// The option bits shared by all casts.
        [[nodiscard]] uint8_t option(bool nullable) const noexcept {
            return static_cast<uint8_t>((to_layout ? 1 : 0) | (nullable ? 2 : 0));
        }
    };
    [[nodiscard]] CastTarget read_target() noexcept;
    void lower_cast(Form form, bool nullable) noexcept;
    void lower_br_on_cast(bool fail, bool by_descriptor) noexcept;

    // lower_control.cpp
    void lower_unreachable() noexcept;
    void emit_poll() noexcept;
    void emit_charge(uint64_t bytes) noexcept;
    void emit_check_stack() noexcept;
    void emit_return_excess() noexcept;
    void begin_block(ControlKind kind, BlockType type) noexcept;
    void lower_block() noexcept;
    void begin_if() noexcept;
    void begin_if(Comparison& compare, const Choice& branch) noexcept;
    void end_if(size_t instr) noexcept;
    void end_block() noexcept;
    void begin_else() noexcept;
    void bind(Control& control) noexcept;
    void bind_else(Control& control) noexcept;
    [[nodiscard]] bool thread_jumps() noexcept;
    void skip_unreachable() noexcept;
    void become_unreachable() noexcept;
    [[nodiscard]] Control& target(uint32_t depth) noexcept { return control_[control_.size() - 1 - depth]; }
    [[nodiscard]] static size_t arity(const Control& control) noexcept {
        return control.kind == ControlKind::loop ? control.type.params() : control.type.results();
    }
    /// Whether anything goes to the label at a block's end.
    [[nodiscard]] static bool is_target(const Control& control) noexcept {
        return control.jumps != no_jump || control.catches != CatchClause::none;
    }
    /// Makes the instruction at `instr`, whose distance is at `field`, jump to a label.
    void jump_from(size_t instr, size_t field, uint32_t depth) noexcept;
    void jump_from(size_t instr, uint32_t depth) noexcept { jump_from(instr, instr + target_offset, depth); }
    void emit_jump(uint32_t depth) noexcept;
    /// Emits a jump, or the return, with the label's operands, which stay on the stack.
    void leave_to(uint32_t depth) noexcept;
    /// Completes the conditional instruction `instr`: with `direct` it jumps to the label itself, otherwise
    /// around the moves, or the return, that go to the label.
    void end_conditional_branch(size_t instr, bool direct, uint32_t depth) noexcept;
    /// Moves the top operands to where the label needs them; they stay on the stack.
    void move_to_label(uint32_t depth) noexcept;
    [[nodiscard]] bool in_place(uint32_t depth) noexcept;
    void lower_br() noexcept;
    void lower_br_if() noexcept;
    void lower_br_if(Comparison& compare, const Choice& branch) noexcept;
    void lower_br_table() noexcept;
    [[nodiscard]] bool fold_into_table(const Popped& index, Choice& choice, uint32_t& slot,
                                       uint64_t& addend) noexcept;
    void lower_br_on_null(bool on_null) noexcept;
    /// Emits an instruction that jumps if the condition holds (or does not), and returns its position.
    [[nodiscard]] size_t branch_on(Popped condition, bool negated) noexcept;
    [[nodiscard]] bool fuse_branch(const Producer& producer, bool negated, size_t& instr) noexcept;
    [[nodiscard]] bool plan_branch(Comparison& compare, bool negated, Choice& branch) noexcept;
    [[nodiscard]] size_t emit_branch(const Comparison& compare, const Choice& branch) noexcept;
    void set_distance(size_t instr, size_t field, size_t to) noexcept;
    void set_distance(size_t instr, size_t to) noexcept { set_distance(instr, instr + target_offset, to); }

    // lower_loop.cpp
    void begin_loop() noexcept;
    void note_head_test(size_t instr, size_t label) noexcept;
    [[nodiscard]] bool repeat_test(uint32_t depth) noexcept;
    [[nodiscard]] bool repeat_as_latch(Choice branch, uint64_t left, uint64_t right, size_t& instr) noexcept;
    void place_params(Control& loop, size_t set) noexcept;
    [[nodiscard]] bool assign_params(uint32_t depth, bool stay) noexcept;
    [[nodiscard]] bool fuse_latch(const Choice& branch, uint64_t right, size_t& instr) noexcept;

    // lower_exception.cpp
    void begin_try_table() noexcept;
    void begin_try() noexcept;
    void begin_catch(bool all) noexcept;
    void end_catch() noexcept;
    void end_delegate() noexcept;
    void add_clause(const CatchClause& clause) noexcept;
    /// One that branches to a label, with the values of the tag, if it has one, and the reference if that is
    /// wanted.
    void add_clause_to(uint32_t depth, uint32_t tag, bool by_reference, uint32_t next) noexcept;
    void bind_catches(Control& control) noexcept;
    void note_region() noexcept;
    [[nodiscard]] const FuncType& tag_type(uint32_t tag) const noexcept;
    void lower_throw() noexcept;
    void lower_throw_ref() noexcept;
    void lower_rethrow() noexcept;
    void emit_throw_ref(uint32_t slot) noexcept;

    // lower_switching.cpp
    [[nodiscard]] const FuncType& read_cont_type() noexcept;
    void lower_cont_new() noexcept;
    void lower_cont_bind() noexcept;
    [[nodiscard]] std::pair<uint32_t, uint32_t> begin_stop(size_t operands) noexcept;
    void lower_suspend() noexcept;
    void lower_switch() noexcept;
    void emit_suspend(const FuncType& type, uint32_t tag, TypeId back, bool is_switch) noexcept;
    void lower_resume(Op op) noexcept;
    void add_handler(const HandlerCode& read, uint32_t next) noexcept;

    // lower_call.cpp
    void lower_return() noexcept;
    void emit_return() noexcept;
    void emit_pins() noexcept;
    uint32_t begin_call(size_t params) noexcept;
    void end_call(const FuncType& type) noexcept;
    void lower_direct_call(bool tail) noexcept;
    [[nodiscard]] bool jump_to_entry(size_t params) noexcept;
    void lower_indirect_call(bool by_ref, bool tail) noexcept;
    /// Moves the arguments to the beginning of the frame. The slot that holds the callee, if there is one, is
    /// moved out of their way.
    void begin_tail_call(const FuncType& type, uint32_t* callee) noexcept;

    // large_frame.cpp
    /// Gives each local its slot, and pushes its kind.
    [[nodiscard]] bool place_locals(const FuncType& type, Vec<Kind>& kinds) noexcept;
    void open_frame() noexcept;
    /// Before a tail call whose `width` slots of arguments are at the beginning of the frame.
    void close_frame(uint32_t width, uint32_t* callee) noexcept;
    /// Where the caller has put the arguments, and looks for results.
    [[nodiscard]] uint32_t first_slot() const noexcept { return 0 - far_slots_; }

    const Module& module_;
    const CodeOptions& options_;
    std::span<CodeCell> cells_;
    const FuncBody& body_;
    InstrReader reader_;
    PinChoice choice_;
    size_t next_loop_ = 1;
    bool unreachable_ = false;     ///< the innermost block's code is not reachable
    bool watched_ = false;         ///< each instruction is reported
    size_t skipped_blocks_ = 0;    ///< in unreachable code
    size_t loop_head_ = no_jump;   ///< of the last loop
    bool params_assigned_ = false; ///< those of the loop to which the next jump goes
    Choice last_branch_;           ///< the last comparison and branch
    Vec<Control> control_;
    Vec<Fixup> fixups_;
    Vec<TryRegion> regions_;
    Vec<CatchClause> clauses_;
    bool first_is_32_ = false; ///< memory 0 has addresses of 32 bits
    uint8_t first_option_ = 0; ///< of its fast accesses
    uint64_t excess_ = 0;      ///< the slots in front of a callee's frame that don't count
    uint32_t zero_from_ = 0;
    uint32_t zero_count_ = 0;
    bool large_ = false; ///< whether the frame is
    enum class Stage : uint8_t { begin, body, jumps, copy };
    Stage stage_ = Stage::begin;
    size_t next_fixup_ = 0;
    size_t next_joined_ = 0;
    Vec<JoinedNumber> parts_{scratch_}; ///< the numbers of the instructions
    Code* result_ = nullptr;
    bool complete_ = false; ///< the result is
    size_t copied_ = 0;     ///< of the result
    /// The comparison that the last `eqz` negated, so that a branch on it can use the comparison itself.
    struct {
        uint64_t eqz = 0; ///< its serial
        Producer compare;
    } negated_;
    /// What the last instruction that makes NaNs canonical has made them from.
    struct {
        uint64_t serial = 0;
        Floats floats{};
        bool stored = false; ///< the operand
        Producer producer;
    } raw_;
};

} // namespace warpbeam::vm
