#include "handlers/branch.hpp"
#include "handlers/fuel.hpp"
#include "handlers/instance_data.hpp"
#include "handlers/run.hpp"

/// Jumps without a comparison, polls and traps.
/// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions

namespace warpbeam::vm {

namespace {

template <Variant v>
struct JumpTable {
    using In = Decoder<Form::jump_table, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto addend = static_cast<int16_t>(In::template get<Field::addend>(r.ip));
        const uint32_t index = In::template read<Field::index, uint32_t>(r) + static_cast<uint32_t>(addend);
        const uint32_t count = In::template get<Field::count>(r.ip);
        const size_t entry = index < count ? index : count;
        int32_t distance;
        std::memcpy(&distance,
                    r.ip->bytes() + In::template bits<Field::targets>.byte + entry * sizeof distance,
                    sizeof distance);
        r.ip = r.ip->jump(distance);
        return Exit::none;
    }
};

template <Variant v>
struct JumpIfNull {
    using In = Decoder<Form::jump_if_null, v>;
    [[gnu::always_inline]] static bool test(Regs& r) noexcept {
        return (In::template slot<Field::operand, Slot>(r) == 0) != (v.option != 0);
    }
    [[gnu::always_inline]] static const Instr* taken(Regs& r) noexcept { return In::target(r); }
    [[gnu::always_inline]] static const Instr* next(Regs& r) noexcept { return In::next(r); }
};

template <Variant v>
struct Poll {
    using In = Decoder<Form::poll, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        Execution& execution = *r.inst->execution;
        // An interrupt takes no fuel, since the same poll comes again.
        if constexpr (v.option != 0)
            if (execution.is_interrupted()) [[unlikely]]
                return Exit::interrupted;
        if constexpr (v.option != 1) {
            if (execution.fuel < fuel_unit) [[unlikely]]
                return Exit::out_of_fuel;
            execution.fuel -= fuel_unit;
        }
        return In::proceed(r);
    }
};

/// Takes fuel for what comes next, even if there is not enough: code stops at the next poll or collection.
template <Variant>
struct Charge {
    using In = Decoder<Form::charge>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.inst->execution->fuel -= In::get<Field::count>(r.ip);
        return In::proceed(r);
    }
};

template <Variant>
struct CheckStack {
    using In = Decoder<Form::check_stack>;
    static Exit run(Regs& r) noexcept {
        Execution& execution = *r.inst->execution;
        const uint64_t slots =
            static_cast<uint64_t>(r.fp - execution.stack) - execution.excess + In::get<Field::count>(r.ip);
        const auto records = static_cast<uint64_t>(execution.stack_end - r.rp);
        if (slots * sizeof(Slot) + records * sizeof(Record) > execution.max_stack) [[unlikely]]
            return Exit::call_stack_exhausted;
        execution.excess += In::get<Field::excess>(r.ip);
        return In::proceed(r);
    }
};
template <Variant>
struct ReturnExcess {
    using In = Decoder<Form::return_excess>;
    static Exit run(Regs& r) noexcept {
        r.inst->execution->excess -= In::get<Field::count>(r.ip);
        return In::proceed(r);
    }
};

template <Variant>
struct TrapNow {
    static Exit run(Regs& r) noexcept {
        return static_cast<Exit>(Decoder<Form::trap>::get<Field::code>(r.ip));
    }
};

constexpr HandlerGroup control_group_list[] = {group<Form::jump, Jump>(),
                                               group<Form::jump_table, JumpTable>(),
                                               group<Form::jump_if_null, JumpIfNull>(),
                                               group<Form::poll, Poll>(),
                                               group<Form::charge, Charge>(),
                                               group<Form::trap, TrapNow>(),
                                               group<Form::check_stack, CheckStack>(),
                                               group<Form::return_excess, ReturnExcess>()};

} // namespace

bool checks_stack(const Instr& instr) noexcept { return instr.handler == &handler<CheckStack<Variant{}>>; }
uint64_t excess_of(const Code& code) noexcept {
    const Instr& entry = *code.entry();
    return checks_stack(entry) ? Decoder<Form::check_stack>::get<Field::excess>(&entry) : 0;
}

constinit const HandlerGroups control_groups{control_group_list};

} // namespace warpbeam::vm
