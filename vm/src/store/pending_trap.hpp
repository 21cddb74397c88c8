#pragma once

#include "handlers/instance_data.hpp"

#include <warpbeam/vm/trap.hpp>

#include <optional>

namespace warpbeam::vm {

/// The trap of a host function while the interpreter, which only returns an Exit, unwinds.
class PendingTrap {
public:
    /// Keeps the trap until it is taken. Returns how the interpreter must end: with `host_trap`, or if the
    /// trap carries an exception of the store, with `uncaught_exception` and the exception as the execution's
    /// `detail`.
    [[nodiscard]] Exit hold(Execution& execution, Trap trap) noexcept;
    /// Code has caught the exception, so it is no longer a trap.
    void forget() noexcept { trap_.reset(); }
    [[nodiscard]] std::optional<Trap> take() noexcept { return std::exchange(trap_, std::nullopt); }

private:
    std::optional<Trap> trap_;
};

} // namespace warpbeam::vm
