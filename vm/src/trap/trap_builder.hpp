#pragma once

#include "handlers/entry_points.hpp"
#include "trap/trap_details.hpp"

namespace warpbeam {

/// Turns the end of a failed run into a trap: what went wrong with its numbers, and where.
class TrapBuilder {
public:
    /// `execution` stands where the run failed, and its records from `base` on are those of the run. For
    /// `host_trap`, `held` is the trap of the host function, whose backtrace this run's frames are added to.
    [[nodiscard]] static Trap build(vm::Exit exit, vm::Execution& execution, const vm::Record* base,
                                    std::optional<Trap> held, Allocator& allocator) noexcept;

private:
    /// A stack may be a hundred thousand frames deep; the innermost ones tell enough.
    static constexpr size_t most_frames = 64;

    TrapBuilder(Trap::Details& details, const vm::Execution& execution) noexcept
        : details_{details}, execution_{execution} {}
    void walk(const vm::Record* base) noexcept;
    void add_frame(const vm::InstanceData& inst, const vm::Instr* ip, bool after) noexcept;

    Trap::Details& details_;
    const vm::Execution& execution_;
};

/// Adds the numbers that matter to the words of a trap: addresses, indices and sizes, which are found by
/// decoding the instruction at `offset` of the module. Nothing is added where there are none.
void add_numbers(Text& text, vm::Exit exit, const vm::Execution& execution, size_t offset) noexcept;

} // namespace warpbeam
