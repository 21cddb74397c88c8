#include "handlers/families.hpp"
#include "handlers/instance_data.hpp"
#include "handlers/shapes.hpp"

/// Jumps without a comparison, polls and traps.

namespace warpbeam::vm {

namespace {

struct Jump {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.ip = r.ip->jump(r.ip->imm);
        return Exit::none;
    }
};

struct JumpTable {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const uint32_t index = load_slot<uint32_t>(r.fp, r.ip->a);
        const uint32_t entry = index < r.ip->uimm ? index : r.ip->uimm;
        int32_t target;
        std::memcpy(&target, reinterpret_cast<const char*>(r.ip + 1) + size_t{entry} * 4, 4);
        r.ip = r.ip->jump(target);
        return Exit::none;
    }
};

template <bool Null>
struct JumpIfNull {
    [[gnu::always_inline]] static bool test(Regs& r) noexcept { return (r.fp[r.ip->a] == 0) == Null; }
    [[gnu::always_inline]] static const Instr* taken(Regs& r) noexcept { return r.ip->jump(r.ip->imm); }
    [[gnu::always_inline]] static const Instr* next(Regs& r) noexcept { return r.ip->after(sizeof(Instr)); }
};

template <bool Fuel, bool Interrupt>
struct Poll {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        Execution& execution = *r.inst->execution;
        if constexpr (Fuel) {
            if (execution.fuel <= 0) [[unlikely]]
                return Exit::out_of_fuel;
            --execution.fuel;
        }
        if constexpr (Interrupt)
            if (execution.interrupt.load(std::memory_order_relaxed)) [[unlikely]]
                return Exit::interrupted;
        r.ip = r.ip->after(sizeof(Instr));
        return Exit::none;
    }
};

/// The reason is `uimm`.
struct TrapNow {
    static Exit run(Regs& r) noexcept { return static_cast<Exit>(r.ip->uimm); }
};

} // namespace

Handler jump() noexcept { return &handler<Jump>; }
Handler jump_table() noexcept { return &handler<JumpTable>; }
Handler jump_if_null(bool null) noexcept {
    return null ? &handler<JumpIfNull<true>> : &handler<JumpIfNull<false>>;
}
Handler poll(bool fuel, bool interrupt) noexcept {
    if (fuel)
        return interrupt ? &handler<Poll<true, true>> : &handler<Poll<true, false>>;
    return interrupt ? &handler<Poll<false, true>> : nullptr;
}
Handler trap() noexcept { return &handler<TrapNow>; }

} // namespace warpbeam::vm
