#pragma once

#include "handlers/instance_data.hpp"
#include "trap/trap_details.hpp"

namespace warpbeam {

/// Turns the end of a failed run into a trap: what went wrong, with its numbers, and where.
class TrapBuilder {
public:
    /// `execution` stands where the run failed. `held` is the trap of a host function that ended the run, to
    /// whose backtrace this run's frames are added; `uncaught` is the exception that ended it, if it could be
    /// kept alive.
    [[nodiscard]] static Trap build(vm::Exit exit, const vm::Execution& execution, std::optional<Trap> held,
                                    Ref<vm::ExceptionRoot> uncaught, Allocator& allocator) noexcept;
    /// A trap that carries an exception of the host. If memory runs out, it is another trap.
    [[nodiscard]] static Trap thrown(const Ref<vm::ExceptionRoot>& exception) noexcept;
    /// The exception that a trap carries, or null.
    [[nodiscard]] static Ref<vm::ExceptionRoot> exception_of(const Trap& trap) noexcept;

    /// A stack may be a hundred thousand frames deep; the innermost ones are enough.
    static constexpr size_t max_frames = 64;
    /// Adds the functions that are active in the host's last call into the store, the innermost first, up to
    /// `max` in all; returns how many were left out.
    static size_t walk(const vm::Execution& execution, Backtrace& frames, size_t max = max_frames) noexcept;

private:
    TrapBuilder(Trap::Details& details, const vm::Execution& execution) noexcept
        : details_{details}, execution_{execution} {}
    /// What a build that verifies code has found in the code of the function that was to be lowered.
    void add_refusal() noexcept;

    Trap::Details& details_;
    const vm::Execution& execution_;
};

/// Adds the relevant numbers to a trap's message: addresses, indices and sizes, found by decoding the
/// instruction at `offset` in the module. Adds nothing if there are none.
void add_numbers(Text& text, vm::Exit exit, const vm::Execution& execution, size_t offset) noexcept;

} // namespace warpbeam
