#pragma once

#include "disassembly/verifier.hpp"
#include "isa/catch_table.hpp"

#include <warpbeam/memory/vec.hpp>

namespace warpbeam::vm {

/// Checks the registers on every path through a function with well-formed instructions: accumulators are
/// written before they are read, and pinned locals are where instructions expect them.
class CodeFlow {
public:
    CodeFlow(const CodeContext& context, const Code& code, std::span<const CodeInstr> instrs,
             Allocator& allocator) noexcept
        : context_{context}, code_{code}, instrs_{instrs}, states_{allocator}, work_{allocator} {}

    /// The first finding; an error if memory runs out.
    [[nodiscard]] std::expected<Finding, Exit> check() noexcept;

private:
    enum class Value : uint8_t { none, number, vector };
    static constexpr uint32_t no_slot = UINT32_MAX;
    /// A register: the slot to which it belongs, if that is known, and whether both have the same value. The
    /// home of a loop's parameter may be written alone, and gets its register again with the next value.
    struct Pin {
        uint32_t slot = no_slot;
        bool is_current = false;
        friend bool operator==(const Pin&, const Pin&) = default;
    };
    enum PinNumber : uint8_t { l0, l1, f0, pin_count };

    struct State {
        bool reached = false;
        Value acc = Value::none;
        Value facc = Value::none;
        std::array<Pin, pin_count> pins;
        friend bool operator==(const State&, const State&) = default;
    };

    [[nodiscard]] bool flow() noexcept;
    [[nodiscard]] bool join(size_t instr, const State& state) noexcept;
    [[nodiscard]] bool join_at(int64_t position, const State& state) noexcept;
    [[nodiscard]] State after(const CodeInstr& instr, State state) const noexcept;
    void write(State& state, const CodeInstr& instr, const FieldRow& field) const noexcept;
    void leave_result(State& state, Sig::Type type) const noexcept;
    [[nodiscard]] Finding check(const CodeInstr& instr, const State& state) const noexcept;

    static PinNumber pin_of(bool is_first, Bank bank) noexcept {
        return bank != Bank::integer ? f0 : is_first ? l0 : l1;
    }
    static void set_pins(State& state, const Pins& pins) noexcept {
        state.pins = {Pin{pins.l0, true}, Pin{pins.l1, true}, Pin{pins.f0, true}};
    }
    static void overwrite(State& state, uint64_t slot, uint64_t count) noexcept {
        for (Pin& pin : state.pins)
            if (pin.slot >= slot && pin.slot - slot < count)
                pin.is_current = false;
    }

    const CodeContext& context_;
    const Code& code_;
    std::span<const CodeInstr> instrs_;
    Vec<State> states_; ///< before each instruction
    Vec<size_t> work_;  ///< instructions whose states have changed
};

} // namespace warpbeam::vm
