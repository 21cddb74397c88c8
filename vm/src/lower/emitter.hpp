#pragma once

#include "handlers/joined_table.hpp"
#include "isa/encoder.hpp"
#include "isa/stop_table.hpp"
#include "lower/code_mark.hpp"
#include "lower/frame_state.hpp"
#include "lower/kind.hpp"
#include "lower/known_fields.hpp"
#include "lower/op_handlers.hpp"
#include "lower/pin_choice.hpp"
#include "lower/scratch.hpp"

#include <warpbeam/memory/vec.hpp>

// For what short and frequent functions seldom call: they then need not save registers for it.
// Not on every machine where clang knows the attribute can it generate such calls.
#if defined(__clang__) && __has_cpp_attribute(clang::preserve_most) &&                                       \
    (defined(__x86_64__) || defined(__aarch64__))
#define WARPBEAM_PRESERVE_MOST [[clang::preserve_most]]
#else
#define WARPBEAM_PRESERVE_MOST
#endif

namespace warpbeam::vm {

/// How many slots instructions reach, with a vector in the last one. A build may say less, so that ordinary
/// functions are lowered as large ones (large_frame.cpp); 24 is the least.
#ifdef WARPBEAM_SLOT_REACH
inline constexpr uint32_t slot_reach = WARPBEAM_SLOT_REACH;
#else
inline constexpr uint32_t slot_reach = UINT16_MAX - 1;
#endif

/// So that far slots are distances of 32 bits.
inline constexpr uint32_t max_frame_slots = 1u << 30;

/// A value on the symbolic operand stack. Every operand has a home: the frame slots at its height. Locals and
/// constants emit nothing until they are needed at home.
struct Operand {
    enum Where : uint8_t {
        home, ///< in its home, unless it is in an accumulator (see Emitter) and `stored` is false
        local,
        constant,
    };
    Where where;
    Kind kind;
    bool stored;             ///< for `home`: the frame has the value
    Src src;                 ///< its class as an operand, unless an accumulator has it
    uint32_t slot;           ///< of its home
    uint32_t index;          ///< of the local; otherwise Emitter::blank_
    uint32_t references = 0; ///< the node of the topmost reference up to this operand
    uint64_t field;          ///< what instructions name: the constant, or the slot where it is
    uint64_t high; ///< the upper half of a v128; for a local, the next lower operand that is the same, plus 1

    /// It is in its home now.
    void move_home(uint32_t blank) noexcept {
        where = home;
        stored = true;
        src = Src::slot;
        index = blank;
        field = slot;
    }
};

/// An instruction whose destination can still be changed, since a result in the accumulator is stored only if
/// it turns out that it must be.
struct Producer {
    Choice choice;
    Kind result{};
    bool exists = false;
    bool born_stored = false; ///< every variant also stores the result
    uint32_t number = 0;      ///< among the instructions that are left: in Emitter::instrs_
    uint32_t begin = 0;       ///< the position of the instruction
    uint32_t end = 0;
    uint64_t serial = 0; ///< the instruction's number among all that were ever emitted
    // The previous contents of its accumulator, in case the instruction is removed.
    uint32_t before_local = UINT32_MAX;

    [[nodiscard]] Choice to(Dst d) const noexcept { return {choice.form, choice.op, choice.variant.with(d)}; }
    [[nodiscard]] bool is(Form form, Op op) const noexcept { return choice.form == form && choice.op == op; }
};

/// A copy of an instruction that was removed.
struct Taken {
    Shape shape;
    std::array<uint64_t, 8> bytes;
    [[nodiscard]] uint64_t get(Field name) const noexcept {
        return Fields{const_cast<uint64_t*>(bytes.data()), shape}.get(name);
    }
};

/// Writes threaded code and keeps the symbolic state: operand stack, accumulators, pinned locals.
/// If memory or the frame's slots run out, `failure` says so and everything emitted from then on is
/// discarded.
class Emitter {
public:
    explicit Emitter(Allocator& allocator) noexcept
        : scratch_{allocator}, code_{scratch_}, instrs_{scratch_}, stack_{scratch_}, locals_{scratch_},
          reference_runs_{scratch_}, reference_nodes_{scratch_}, safepoints_{scratch_},
          stop_points_{scratch_}, lazy_references_{scratch_} {}

    [[nodiscard]] Exit failure() const noexcept { return failure_; }
    [[nodiscard]] const Vec<uint8_t>& code() const noexcept { return code_; }
    [[nodiscard]] size_t here() const noexcept { return code_.size(); }
    [[nodiscard]] uint32_t frame_slots() const noexcept { return far_slots_ + max_height_; }

protected:
    static constexpr size_t no_operand = SIZE_MAX;
    struct LocalInfo {
        // As in Operand, so that an operand that is this local is made of one word.
        Operand::Where where = Operand::local;
        Kind kind;
        bool stored = false;
        Src src; ///< its class as an operand: where it is pinned
        uint32_t slot;
        uint64_t last = 0; ///< the highest operand on the stack that is this local, plus 1; 0: none is

        LocalInfo(Kind type, Src place, uint32_t at) noexcept : kind{type}, src{place}, slot{at} {}
    };
    static constexpr uint32_t no_local = UINT32_MAX;

    /// An accumulator: the operand or local whose value it holds. An operand that is not stored yet must be
    /// stored before the accumulator is written again.
    struct Accumulator {
        size_t operand = no_operand;
        uint32_t local = no_local;
        Producer producer;

        /// From now on it holds this, made by no instruction that is known.
        void hold(size_t new_operand, uint32_t new_local) noexcept {
            operand = new_operand;
            local = new_local;
            producer.exists = false;
        }
        void forget() noexcept { hold(no_operand, no_local); }
    };

    /// An operand popped from the stack, and whether its accumulator has it.
    struct Popped {
        Operand operand;
        bool in_acc;
    };

    void fail(Exit exit) noexcept {
        if (failure_ == Exit::none)
            failure_ = exit;
    }

    // ---- The operand stack ----
    /// `src`, `index`, `field` and `high` are as in Operand.
    /// False if memory runs out. A reference also has to be noted, unless it stays null: `has_references_`.
    inline bool push(Operand::Where where, Kind kind, bool stored, Src src, uint32_t index, uint64_t field,
                     uint64_t high) noexcept;
    inline void push_home(Kind kind, bool stored = true) noexcept;
    inline void push_const(Kind kind, uint64_t value, uint64_t high = 0) noexcept;
    /// What an instruction left in its accumulator and, unless that is far, its home.
    void push_in_acc(Kind kind) noexcept;
    inline void push_local(uint32_t local) noexcept;
    /// One that is far, a vector or a reference.
    void push_rare_local(uint32_t local) noexcept WARPBEAM_PRESERVE_MOST;
    inline Popped pop() noexcept;
    /// The same for an operand that is not used.
    inline Popped discard() noexcept;
    /// The operand that `pop` would return; it stays on the stack.
    [[nodiscard]] Popped top() const noexcept {
        const Operand& operand = stack_.back();
        return {operand, acc(is_float_kind(operand.kind)).operand == stack_.size() - 1};
    }
    /// The same, for an instruction.
    [[nodiscard]] Popped near_top() noexcept {
        Popped popped = top();
        if (is_far(popped.operand.slot))
            come_near(popped);
        return popped;
    }
    [[nodiscard]] uint32_t height() const noexcept { return height_; }
    inline void forget_operands(const Operand* first, size_t place, size_t count) noexcept;
    /// The same without the accumulators.
    inline void forget_locals(const Operand* first, size_t place, size_t count) noexcept;
    /// Sets the stack to its height at the entry of a block whose operands are at home.
    void truncate_stack(size_t operands) noexcept;

    /// Moves the operands from `first` on to their homes.
    void flush_from(size_t first) noexcept;
    /// The same, but constants stay constants.
    void flush_variable(size_t count) noexcept;
    void flush(size_t index) noexcept;
    /// Stores operands whose values are only in the accumulators.
    void spill_accs() noexcept {
        spill(acc(false));
        spill(acc(true));
    }
    /// The same for an accumulator that has an operand of the stack.
    void spill_operand(Accumulator& accumulator) noexcept;
    /// At a jump target, nothing is known about the accumulators.
    void forget_accs() noexcept {
        acc(false).forget();
        acc(true).forget();
    }

    // ---- Slots that instructions can't name (large_frame.cpp) ----
    /// Those below the frame pointer, whose numbers are as those of negative ones, and those far above. A
    /// vector that begins in a near slot is near.
    [[nodiscard]] static constexpr bool is_far(uint32_t slot) noexcept { return slot >= slot_reach; }
    /// Whether an instruction can be changed to leave its result there.
    [[nodiscard]] bool is_lasting(uint32_t slot) const noexcept {
        return !is_far(slot) && slot - transit_ >= transit_slots;
    }
    /// A slot for what is copied to or from a far one at once.
    [[nodiscard]] uint32_t near_or_transit(uint32_t slot) const noexcept {
        return is_far(slot) ? transit_ : slot;
    }
    /// Gives an operand whose home is far a near slot for a while.
    void come_near(Popped& popped) noexcept;
    void copy_far(uint32_t to, uint32_t from, uint32_t slots) noexcept;
    void copy_range(uint32_t to, uint32_t from, uint32_t count) noexcept;
    void set_far_local(uint32_t local, bool tee) noexcept;

    // ---- Operands of instructions ----
    [[nodiscard]] inline Src classify(const Popped& popped) const noexcept;
    /// The frame slot of an operand that is in a slot: a local's, or its home.
    [[nodiscard]] static uint32_t slot_of(const Operand& operand) noexcept {
        return static_cast<uint32_t>(operand.field);
    }
    /// Makes sure that the frame has the operand.
    void force_slot(Popped& popped) noexcept;
    /// The cost of having an operand of a class in its slot: nothing, a store by the instruction that made
    /// it, or an instruction.
    [[nodiscard]] unsigned cost_of_slot(const Popped& popped, Src src) const noexcept;
    static constexpr unsigned no_handler = UINT32_MAX;
    /// Sets the classes of a choice's operands, in the order of its form, to those that they have, or if
    /// there is no such handler, to the nearest ones that have a handler. Returns the cost, 0 or more, or
    /// `no_handler`; emits nothing yet.
    template <typename... Operands>
    [[nodiscard]] WARPBEAM_LOWER_INLINE unsigned settle(Choice& choice,
                                                        Operands&... operands) const noexcept {
        size_t i = 0;
        (choice.variant.set_operand(i++, classify(operands)), ...);
        if (is_available(choice)) [[likely]]
            return 0;
        // Its address goes nowhere else, so it can stay in registers.
        Choice other = choice;
        const unsigned cost = settle_in_slots(other, {&operands...});
        choice = other;
        return cost;
    }
    /// The second half of that, for the case that there is no handler for the operands' classes.
    [[nodiscard]] unsigned settle_in_slots(Choice& choice,
                                           std::initializer_list<Popped*> operands) const noexcept;
    /// The handlers of a form for an instruction. Those of the last rare one are kept, since several variants
    /// are looked for in a row.
    [[nodiscard]] WARPBEAM_LOWER_INLINE const OpHandlers& select(Form form, Op op) const noexcept {
        if (const OpHandlers* const frequent = frequent_->find(form, op); frequent != nullptr) [[likely]]
            return *frequent;
        if (form != rare_.form || op != rare_.op)
            rare_ = {form, op, {find_handlers(form, op), form, op}};
        return rare_.handlers;
    }
    [[nodiscard]] Handler find(const Choice& choice) const noexcept {
        return select(choice.form, choice.op).row.of(choice.form, choice.variant);
    }
    [[nodiscard]] bool exists(const Choice& choice) const noexcept;
    /// Whether there is a handler whose result is in the accumulator, and perhaps in a slot too.
    [[nodiscard]] WARPBEAM_LOWER_INLINE bool is_available(const Choice& choice) const noexcept {
        const OpHandlers& handlers = select(choice.form, choice.op);
        const size_t number = number_of(choice.form, choice.variant);
        return handlers.has(number) ||
               (facts_of(choice.form).has_result && choice.variant.result == Dst::acc &&
                handlers.has(number + to_slot(choice.form)));
    }
    /// How far the number of a variant with its result in a slot is from that with the accumulator.
    [[nodiscard]] static size_t to_slot(Form form) noexcept { return strides_of(form).result; }
    /// Moves the operands into their slots that a settled choice needs there.
    template <typename... Operands>
    WARPBEAM_LOWER_INLINE void put_in_slots(const Choice& choice, Operands&... operands) noexcept {
        size_t i = 0;
        bool any = false;
        ((any |= choice.variant.operand(i++) == Src::slot && !is_in_slot(operands.operand)), ...);
        if (any)
            move_to_slots(choice, {&operands...});
    }
    [[nodiscard]] WARPBEAM_LOWER_INLINE static bool is_in_slot(const Operand& operand) noexcept {
        return operand.where == Operand::local || (operand.where == Operand::home && operand.stored);
    }
    void move_to_slots(const Choice& choice, std::initializer_list<Popped*> operands) noexcept;
    template <typename... Operands>
    WARPBEAM_LOWER_INLINE void settle_and_prepare(Choice& choice, Operands&... operands) noexcept {
        (void)settle(choice, operands...);
        put_in_slots(choice, operands...);
    }

    /// The class of an instruction's operand; if it is in a pinned local's slot, the register, so that a
    /// replacing instruction can use the register.
    [[nodiscard]] Src from_pin(Src src, uint64_t slot, bool is_float) const noexcept;
    /// The operands of an integer instruction. Those of `add_shl` are there already: the base has to be in a
    /// slot, and what is shifted was made one of these when the shift was taken in.
    [[nodiscard]] Variant operands_from_pins(const Producer& producer) noexcept;
    /// If a choice does not exist, tries it with pinned locals in their slots, for the operands from `first`
    /// on; this costs nothing. False if there is no handler.
    [[nodiscard]] bool settle_pins(Choice& choice, size_t first = 0) noexcept;
    [[nodiscard]] bool settles(Choice choice) noexcept { return settle_pins(choice); }

    // ---- The map of references (isa/frame_map.hpp) ----
    void note_local(const LocalInfo& local) noexcept;
    /// To be called before an instruction at which the function may stop, while the operand stack is as it
    /// is then: brings references into their slots, except those in an accumulator. Returns their list.
    [[nodiscard]] uint32_t list_references() noexcept {
        const uint32_t references = has_references_ ? list_all() : 0;
        if (search_ != nullptr && ++stops_ == search_->stop) [[unlikely]]
            observe();
        return references;
    }
    /// This operand and those above it may be references, whatever they were known to be.
    void relist_from(size_t operand) noexcept {
        has_references_ = true;
        listed_ = std::min(listed_, operand);
        note_marks();
    }
    /// The function may stop at `position` with these references. Values are in their slots by then, and the
    /// accumulators are not used before they are written again.
    void note_safepoint(size_t position, uint32_t references) noexcept {
        if (search_ != nullptr) [[unlikely]]
            compare(position);
        if (references != 0 && !safepoints_.push({static_cast<uint32_t>(position), references}))
            fail(Exit::out_of_memory);
    }

    struct StopPlace {
        uint32_t position;
        uint32_t bypass; ///< 0 if it is an instruction; otherwise see note_bypass
    };
    void add_stop_point(size_t position, size_t bypass) noexcept {
        const StopPlace place{static_cast<uint32_t>(position), static_cast<uint32_t>(bypass)};
        if ((stop_points_.empty() || stop_points_.back().position != place.position) &&
            !stop_points_.push(place))
            fail(Exit::out_of_memory);
    }
    /// The next instruction is one at which code can be stopped by changing it. Nothing before it is joined
    /// with it.
    void note_stop_point() noexcept {
        bind_here();
        add_stop_point(here(), 0);
    }
    /// The jump whose distance is at `field` goes past one, by `distance`.
    void note_bypass(size_t field, size_t distance) noexcept { add_stop_point(field, distance); }
    [[nodiscard]] bool is_stop_point(size_t position) const noexcept {
        return std::ranges::binary_search(stop_points_, position, {}, &StopPlace::position);
    }

    // ---- Instructions ----
    /// Makes room for code of a size.
    [[nodiscard]] bool reserve_code(size_t size) noexcept;
    /// Appends an instruction whose fields are zero.
    Fields emit(const Choice& choice) noexcept;
    /// The same with the handlers for it, and the number of its variant.
    Fields emit_selected(const OpHandlers& handlers, const Choice& choice, size_t number) noexcept;
    /// The same in the place of the call, for forms that are known there and frequent.
    template <Form form>
    KnownFields<form> emit_known(Op op, Variant variant) noexcept;
    template <Form form>
    KnownFields<form> emit_known(const OpHandlers& handlers, Op op, Variant variant, size_t number,
                                 Handler handler) noexcept;
    template <size_t max_size>
    uint8_t* append(size_t size, ChoiceKey choice, Handler handler) noexcept;
    uint8_t* add_instr(size_t size, ChoiceKey choice, Handler handler) noexcept;

    // lower_frequent.cpp
    [[nodiscard]] static uint8_t spot_of(const Operand& operand, size_t place,
                                         const Accumulator& accumulator) noexcept;
    [[nodiscard]] static bool is_made(size_t place, const Accumulator& accumulator) noexcept;
    [[nodiscard]] bool set_by_last(uint32_t local) noexcept;
    /// What comes after the handler in a frequent instruction.
    struct Words {
        uint64_t head;
        uint64_t word;
        bool has_word;
    };
    void emit_frequent(const OpHandlers& handlers, size_t number, const Words& words) noexcept;
    [[nodiscard]] const OpHandlers& frequent(Form form, Op op) const noexcept {
        return *frequent_->find(form, op);
    }

    Fields emit(Form form, uint8_t option = 0) noexcept { return emit({form, Op::nop, {.option = option}}); }
    [[nodiscard]] Fields fields(const Producer& producer) noexcept {
        return {&at(producer.begin), shape_of(producer.choice)};
    }
    /// The operand of an instruction of that form: its slot, or its value if it is a constant.
    template <Form form, Field name>
    [[nodiscard]] uint64_t operand_of(const Producer& producer) noexcept {
        return known_field<form, name>(at(producer.begin), producer.choice.variant,
                                       select(form, producer.choice.op).widths);
    }
    /// Encodes an operand: its slot, or its value if it is a constant in the variant.
    void set(Fields& fields, Field name, const Popped& popped) const noexcept {
        fields.set(name, popped.operand.field, popped.operand.high);
    }
    template <Field name, Form form>
    void set(KnownFields<form>& fields, const Popped& popped) const noexcept {
        if (fields.template is_constant<name>())
            fields.template set_constant<name>(popped.operand.field);
        else
            fields.template set<name>(slot_of(popped.operand));
    }
    /// Appends an instruction that leaves a value of `kind` in its accumulator, and pushes that.
    Fields emit_result(const Choice& choice, Kind kind, bool keep_before = true) noexcept;
    template <Form form>
    KnownFields<form> emit_result_known(Op op, Variant variant, Kind kind) noexcept;
    /// Changes the slot of an instruction's result, which is the first field in the head if there is one.
    static void write_result(Instr& instr, uint32_t slot) noexcept {
        const auto result = static_cast<uint16_t>(slot);
        std::memcpy(reinterpret_cast<char*>(&instr) + head_offset, &result, sizeof result);
    }
    /// Changes an existing instruction to a variant with another destination. False if there is none.
    bool retarget(const Producer& producer, const Choice& choice, uint32_t slot) noexcept;
    /// The producer of a popped operand if it is the last instruction and nothing jumps to the position after
    /// it; else null.
    [[nodiscard]] inline const Producer* last_producer(const Popped& popped) const noexcept;
    /// Removes the instructions from a position on.
    void remove_from(size_t position) noexcept {
        code_.truncate(position);
        while (!instrs_.empty() && instrs_.back().begin >= position)
            instrs_.pop();
    }
    /// Removes the last instruction, and restores the accumulator's previous contents.
    void remove(const Producer& producer) noexcept;
    /// The same, with a copy of it.
    Taken take_back(const Producer& producer) noexcept;

    void note_step(const Producer& producer, Dst d, uint32_t local) noexcept;
    /// local = the operand.
    void set_local(uint32_t local, Popped value) noexcept;
    void assign(uint32_t local, Popped value) noexcept;
    /// Frame slot `to` = the operand, overwriting the slot.
    void store_to(uint32_t to, Popped& value) noexcept;
    void copy_slot(uint32_t to, uint32_t from) noexcept;
    void copy_slots(Kind kind, uint32_t to, uint32_t from) noexcept;
    void copy_local(uint32_t to, const Operand& operand) noexcept;
    void copy_constant(uint32_t to, const Operand& constant) noexcept;
    /// Stores an accumulator.
    void copy_acc_to(Kind kind, uint32_t to) noexcept;

    [[nodiscard]] Accumulator& acc(bool is_float) noexcept { return accs_[is_float ? 1 : 0]; }
    [[nodiscard]] const Accumulator& acc(bool is_float) const noexcept { return accs_[is_float ? 1 : 0]; }
    [[nodiscard]] Instr& at(size_t position) noexcept {
        if (position + sizeof(Instr) > code_.size()) [[unlikely]]
            return *reinterpret_cast<Instr*>(discarded_.data()); // only after a failure
        return *reinterpret_cast<Instr*>(code_.data() + position);
    }
    void bind_here() noexcept { last_label_ = here(); }
    void raise_height(uint32_t slots) noexcept {
        height_ += slots;
        // The frame of a callee without arguments begins in the next slot.
        if (height_ >= max_height_) [[unlikely]]
            raise_max_height();
    }
    void raise_max_height() noexcept WARPBEAM_PRESERVE_MOST;
    /// From now on these are the pinned locals; no operand is a local now.
    void use_pins(const PinSet& pins) noexcept;
    /// The slots of pinned locals; `result` is the slot for a call's result.
    [[nodiscard]] Pins pins_word(uint32_t result) const noexcept { return pins_word(pins_, result); }
    [[nodiscard]] Pins pins_word(const PinSet& pins, uint32_t result) const noexcept;

    // ---- For frames in WebAssembly's terms (frame_state.cpp) ----
    void observe() noexcept;
    void observe_inside() noexcept;
    void compare(size_t position) noexcept;
    [[nodiscard]] FramePlace place_of(const Operand& operand) const noexcept;
    StopSearch* search_ = nullptr;
    uint64_t stops_ = 0; ///< the stops so far
    bool at_entry_ = false;

    Scratch scratch_; ///< for all tables, of which the code is one until it is copied

    // ---- For locating instructions ----
    Vec<CodeMark>* marks_ = nullptr; ///< filled if positions are requested
    size_t offset_ = 0;              ///< of the instruction being lowered

    Vec<uint8_t> code_;
    size_t code_room_ = 0; ///< there is room for an instruction that begins before this position
    Vec<PlacedChoice> instrs_;
    Vec<Operand> stack_;
    Vec<LocalInfo> locals_; ///< those of the function, then the parameters of loops, then a blank one
    size_t own_locals_ = 0; ///< of the function
    uint32_t blank_ = 0; ///< the last one, which operands that are no local have, so none is a special case
    Vec<ReferenceRun> reference_runs_;
    Vec<ReferenceNode> reference_nodes_;
    Vec<Safepoint> safepoints_;
    Vec<StopPlace> stop_points_;      ///< by increasing position
    std::array<Accumulator, 2> accs_; ///< for integers and for numbers with floating point
    PinSet pins_;
    uint32_t height_ = 0;
    /// When the stack gets lower than this, what follows must be corrected: `correct_marks`.
    size_t lowest_mark_ = 0;
    size_t settled_ = 0; ///< the operands below are at home or constants
    /// Operands that are known to be at home, so branches with many operands need not check each of them
    /// again.
    struct {
        size_t begin = 0;
        size_t end = 0;
    } at_home_;
    uint32_t max_height_ = 0;
    /// Below the frame pointer, in a large frame.
    uint32_t far_slots_ = 0;
    /// Where the slots begin through which far ones are copied: two that are free again at once, and in turn
    /// two for each of the last operands that were popped, of which no instruction has more than these.
    uint32_t transit_ = UINT32_MAX / 2;
    static constexpr uint32_t transit_operands = 8;
    static constexpr uint32_t transit_slots = 2 + 2 * transit_operands;
    uint32_t next_transit_ = 0;
    size_t last_label_ = 0;
    /// Counts every instruction emitted, including removed ones, so that data about one instruction can't be
    /// mistaken for that of another one at the same position.
    uint64_t serial_ = 0;
    uint64_t call_serial_ = 0; ///< of the last call that returned one value
    /// The last addition to a local, which a latch may fuse with.
    struct Step {
        size_t begin = SIZE_MAX;
        size_t end = SIZE_MAX;
        uint32_t local = no_local;
        Src src{};  ///< where the local is: l0, l1 or slot
        Src step{}; ///< imm or slot
        bool is_64 = false;
        uint16_t value = 0; ///< a 16-bit constant, or a slot
        uint64_t serial = 0;
    } step_;
    struct {
        uint32_t local = no_local;
        uint64_t serial = 0; ///< of the last instruction then
    } last_set_;

private:
    [[nodiscard]] uint32_t list_all() noexcept;
    void mark(size_t position) noexcept;
    void spill(Accumulator& accumulator) noexcept {
        if (accumulator.operand < stack_.size())
            spill_operand(accumulator);
    }
    void grow_code() noexcept;
    void grow_stack() noexcept WARPBEAM_PRESERVE_MOST;
    void store_acc(const Accumulator& accumulator, Operand& operand) noexcept;
    void flush_pending(uint32_t local) noexcept;
    void correct_marks(size_t size) noexcept;
    void note_marks() noexcept { lowest_mark_ = std::max({settled_, listed_, at_home_.end}); }
    void move_up(Producer& producer, uint32_t local) noexcept;

    const OpHandlerTable* frequent_ = &op_handlers();
    mutable struct {
        Form form{};
        Op op = Op::nop;
        OpHandlers handlers;
    } rare_;
    bool has_references_ = false; ///< as operands, at any time
    size_t listed_ = 0;           ///< the operands below have their node
    Vec<size_t> lazy_references_; ///< operands that are locals, or were when they were pushed
    Exit failure_ = Exit::none;
    // Written to after a failure.
    alignas(Instr) std::array<uint64_t, 8> discarded_{};
    uint64_t last_copy_ = 0; ///< the serial of the last copy
};

} // namespace warpbeam::vm

#include "lower/emitter_inline.hpp"
