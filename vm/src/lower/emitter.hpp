#pragma once

#include "handlers/handler_table.hpp"
#include "isa/encoder.hpp"
#include "lower/code_mark.hpp"
#include "lower/kind.hpp"
#include "lower/pin_choice.hpp"

#include <warpbeam/memory/vec.hpp>

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
/// constants emit nothing until somebody needs them at home.
struct Operand {
    enum Where : uint8_t {
        home, ///< in its home, unless it is in an accumulator (see Emitter) and `stored` is false
        local,
        constant,
    };
    Where where;
    Kind kind;
    bool stored;    ///< for `home`: the frame has the value
    uint32_t slot;  ///< of its home
    uint32_t index; ///< of the local
    uint64_t value; ///< of the constant; of a local, the next operand below that is the same one
    uint64_t high;  ///< the upper half of a v128; of a local, the next operand above that is the same one
};

/// An instruction whose destination can still be chosen anew, since a result in the accumulator is stored
/// only when it turns out that it must be.
struct Producer {
    Choice choice;
    Kind result{};
    bool exists = false;
    bool born_stored = false; ///< there is no variant that leaves the result in the accumulator alone
    size_t begin = 0;         ///< where the instruction is
    size_t end = 0;
    uint64_t serial = 0; ///< which instruction it is, counted over all that were ever emitted
    // What the accumulator of its class held before, for when the instruction is taken back.
    uint32_t before_local = UINT32_MAX;

    [[nodiscard]] Choice to(Dst d) const noexcept { return {choice.form, choice.op, choice.variant.with(d)}; }
    [[nodiscard]] bool is(Form form, Op op) const noexcept { return choice.form == form && choice.op == op; }
};

/// A copy of an instruction that was taken back.
struct Taken {
    Shape shape;
    std::array<uint64_t, 8> bytes;
    [[nodiscard]] uint64_t get(Field name) const noexcept {
        return Fields{const_cast<uint64_t*>(bytes.data()), shape}.get(name);
    }
};

/// Writes threaded code and keeps the symbolic state: operand stack, accumulators, pinned locals.
/// When memory or the frame's slots run out, `failure` says so and what is emitted from then on is void.
class Emitter {
public:
    explicit Emitter(Allocator& allocator) noexcept
        : code_{allocator}, stack_{allocator}, locals_{allocator} {}

    [[nodiscard]] Exit failure() const noexcept { return failure_; }
    [[nodiscard]] const Vec<uint8_t>& code() const noexcept { return code_; }
    [[nodiscard]] size_t here() const noexcept { return code_.size(); }
    [[nodiscard]] uint32_t frame_slots() const noexcept { return far_slots_ + max_height_; }

protected:
    static constexpr size_t no_operand = SIZE_MAX;
    struct LocalInfo {
        Kind kind;
        uint32_t slot;
        size_t last = no_operand; ///< the uppermost operand on the stack that is this local
    };
    static constexpr uint32_t no_local = UINT32_MAX;

    /// An accumulator: the operand whose value it holds, or the local. An operand that is not stored yet must
    /// be before the accumulator is written again.
    struct Accumulator {
        size_t operand = no_operand;
        uint32_t local = no_local;
        Producer producer;
    };

    /// An operand taken off the stack, and whether its accumulator has it.
    struct Popped {
        Operand operand;
        bool in_acc;
    };

    void fail(Exit exit) noexcept {
        if (failure_ == Exit::none)
            failure_ = exit;
    }

    // ---- The operand stack ----
    Operand& push(Operand::Where where, Kind kind) noexcept;
    void push_home(Kind kind) noexcept { push(Operand::home, kind).stored = true; }
    void push_const(Kind kind, uint64_t value, uint64_t high = 0) noexcept {
        Operand& operand = push(Operand::constant, kind);
        operand.value = value;
        operand.high = high;
    }
    /// What an instruction left in its accumulator and, unless that is far, its home.
    void push_in_acc(Kind kind) noexcept {
        acc(is_float_kind(kind)) = {stack_.size(), no_local, {}};
        Operand& operand = push(Operand::home, kind);
        operand.stored = !is_far(operand.slot);
    }
    void push_local(uint32_t local) noexcept;
    Popped pop() noexcept;
    /// The same for an operand that is not used.
    Popped discard() noexcept;
    /// The operand that `pop` would return, which stays.
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
    /// Makes the stack as high as at the entry of a block whose operands are at home.
    void truncate_stack(size_t operands) noexcept;

    /// Puts the operands from `first` on into their homes.
    void flush_from(size_t first) noexcept;
    /// The same, except that constants stay what they are.
    void flush_variable(size_t count) noexcept;
    void flush(size_t index) noexcept;
    /// Stores what the accumulators hold for the stack.
    void spill_accs() noexcept {
        spill(int_acc_);
        spill(float_acc_);
    }
    /// At a place that is reached by a jump nothing is known of the accumulators.
    void forget_accs() noexcept {
        int_acc_ = {};
        float_acc_ = {};
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
    [[nodiscard]] Src classify(const Popped& popped) const noexcept;
    /// The frame slot of an operand that is in one: a local's, or its home.
    [[nodiscard]] uint32_t slot_of(const Operand& operand) const noexcept {
        return operand.where == Operand::local ? locals_[operand.index].slot : operand.slot;
    }
    /// Makes sure that the frame has the operand.
    void force_slot(Popped& popped) noexcept;
    /// What it takes to have an operand of a class in its slot: nothing, a store by the instruction that made
    /// it, or an instruction.
    [[nodiscard]] unsigned cost_of_slot(const Popped& popped, Src src) const noexcept;
    static constexpr unsigned no_handler = UINT32_MAX;
    /// Gives the operands of a choice, in the order of its form, the classes that they have, or where there
    /// is no such handler, the nearest ones for which there is one. Returns what that costs, 0 or more, or
    /// `no_handler`; nothing is emitted yet.
    [[nodiscard]] unsigned settle(Choice& choice, std::initializer_list<Popped*> operands) const noexcept;
    /// The second half of that: where there is no handler for the classes that the operands have.
    [[nodiscard]] unsigned settle_in_slots(Choice& choice,
                                           std::initializer_list<Popped*> operands) const noexcept;
    /// `find_handler`, which is asked several times in a row for variants of the same.
    [[nodiscard]] Handler find(const Choice& choice) const noexcept {
        if (choice.form != found_.form || choice.op != found_.op)
            found_ = {choice.form, choice.op, find_handlers(choice.form, choice.op)};
        return found_.handlers.of(choice.form, choice.variant);
    }
    [[nodiscard]] bool exists(const Choice& choice) const noexcept { return find(choice) != nullptr; }
    /// Whether there is a handler whose result is in the accumulator, and perhaps in a slot too.
    [[nodiscard]] bool is_available(const Choice& choice) const noexcept {
        return exists(choice) || (facts_of(choice.form).has_result &&
                                  exists({choice.form, choice.op, choice.variant.with(Dst::slot)}));
    }
    /// Puts those operands into their slots that a settled choice wants there.
    void put_in_slots(const Choice& choice, std::initializer_list<Popped*> operands) noexcept;
    void settle_and_prepare(Choice& choice, std::initializer_list<Popped*> operands) noexcept {
        (void)settle(choice, operands);
        put_in_slots(choice, operands);
    }

    /// The class of an operand that an instruction has in a slot or elsewhere, if that slot is a pinned
    /// local's: then an instruction that takes its place can have it from the register.
    [[nodiscard]] Src from_pin(Src src, uint64_t slot, bool is_float) const noexcept;
    /// The operands of an integer instruction with fields `left` and `right`.
    [[nodiscard]] Variant operands_from_pins(const Producer& producer) noexcept;
    /// Where a choice does not exist, tries it with pinned locals in their slots, which costs nothing; those
    /// of the operands from `first` on. False when there is no handler.
    [[nodiscard]] bool settle_pins(Choice& choice, size_t first = 0) noexcept;
    [[nodiscard]] bool settles(Choice choice) noexcept { return settle_pins(choice); }

    // ---- Instructions ----
    /// Appends an instruction whose fields are zero.
    Fields emit(const Choice& choice) noexcept { return emit(choice, find(choice)); }
    Fields emit(const Choice& choice, Handler handler) noexcept;
    Fields emit(Form form, uint8_t option = 0) noexcept { return emit({form, Op::nop, {.option = option}}); }
    [[nodiscard]] Fields fields(const Producer& producer) noexcept {
        return {&at(producer.begin), shape_of(producer.choice)};
    }
    /// Encodes an operand: its slot, or its value where the variant says that it is a constant.
    void set(Fields& fields, Field name, const Popped& popped) const noexcept {
        if (fields.is_constant(name))
            fields.set(name, popped.operand.value, popped.operand.high);
        else
            fields.set(name, slot_of(popped.operand));
    }
    /// Appends an instruction that leaves a value of `kind` in its accumulator, and pushes that.
    Fields emit_result(const Choice& choice, Kind kind, bool keep_before = true) noexcept;
    /// Lets an instruction that is there be a variant with another destination.
    void retarget(const Producer& producer, const Choice& choice, uint32_t slot) noexcept;
    /// The producer of a popped operand if it is the last instruction and nothing jumps behind it; else null.
    [[nodiscard]] const Producer* last_producer(const Popped& popped) const noexcept;
    /// Removes the last instruction, and gives the accumulator back what it held before.
    Taken take_back(const Producer& producer) noexcept;

    /// local = the operand.
    void set_local(uint32_t local, Popped value) noexcept;
    /// Frame slot `to` = the operand, whatever else is in there.
    void store_to(uint32_t to, Popped& value) noexcept;
    void copy_slot(uint32_t to, uint32_t from) noexcept;
    void copy_slots(Kind kind, uint32_t to, uint32_t from) noexcept;
    void copy_constant(uint32_t to, const Operand& constant) noexcept;
    /// Stores an accumulator.
    void copy_acc_to(Kind kind, uint32_t to) noexcept;

    [[nodiscard]] Accumulator& acc(bool is_float) noexcept { return is_float ? float_acc_ : int_acc_; }
    [[nodiscard]] const Accumulator& acc(bool is_float) const noexcept {
        return is_float ? float_acc_ : int_acc_;
    }
    [[nodiscard]] Instr& at(size_t position) noexcept {
        if (position + sizeof(Instr) > code_.size()) [[unlikely]]
            return *reinterpret_cast<Instr*>(scratch_.data()); // only after a failure
        return *reinterpret_cast<Instr*>(code_.data() + position);
    }
    void bind_here() noexcept { last_label_ = here(); }
    void raise_height(uint32_t slots) noexcept;

    // ---- For locating instructions ----
    Vec<CodeMark>* marks_ = nullptr; ///< filled when somebody wants to know
    size_t offset_ = 0;              ///< of the instruction being lowered

    Vec<uint8_t> code_;
    Vec<Operand> stack_;
    Vec<LocalInfo> locals_;
    Accumulator int_acc_;
    Accumulator float_acc_;
    PinSet pins_;
    uint32_t height_ = 0;
    size_t settled_ = 0; ///< the operands below are at home or constants
    /// Operands that are at home, so that branches with many operands need not look at each of them again.
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
    /// Counts every instruction emitted, also those taken back, so that what is remembered of one can't be
    /// mistaken for another that came to stand in the same place.
    uint64_t serial_ = 0;
    uint64_t call_serial_ = 0; ///< of the last call that returned one value
    /// The last addition to a local, which a latch may take in.
    struct Step {
        size_t begin = SIZE_MAX;
        size_t end = SIZE_MAX;
        uint32_t local = no_local;
        Src src{};  ///< l0, l1 or slot: where the local is
        Src step{}; ///< imm or slot
        bool is_64 = false;
        uint16_t value = 0; ///< a 16-bit constant, or a slot
        uint64_t serial = 0;
    } step_;

private:
    void spill(Accumulator& accumulator) noexcept;
    void store_acc(const Accumulator& accumulator, Operand& operand) noexcept;
    void flush_pending(uint32_t local) noexcept;
    void unlink(const Operand& local) noexcept;
    void note_step(const Producer& producer, Dst d, uint32_t local) noexcept;

    struct Found {
        Form form{};
        Op op = Op::nop;
        HandlerRow handlers = find_handlers(Form{}, Op::nop);
    };
    mutable Found found_;
    Exit failure_ = Exit::none;
    // Written to after a failure.
    alignas(Instr) std::array<uint64_t, 8> scratch_{};
    Operand nowhere_{};
    uint64_t last_copy_ = 0; ///< the serial of the last copy
};

} // namespace warpbeam::vm
