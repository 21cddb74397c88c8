#pragma once

#include "handlers/instance_data.hpp"

#include <warpbeam/vm/trap.hpp>

#include <optional>

namespace warpbeam::vm {

/// The trap of a host function on its way through the interpreter, which carries no more than an Exit.
class PendingTrap {
public:
    /// Keeps it until it is taken. What the interpreter then ends with: `host_trap`, or `uncaught_exception`
    /// when it carries an exception of the store, which the execution has as its `detail`.
    [[nodiscard]] Exit hold(Execution& execution, Trap trap) noexcept;
    /// Code has caught the exception, so that it is a trap no longer.
    void forget() noexcept { trap_.reset(); }
    [[nodiscard]] std::optional<Trap> take() noexcept { return std::exchange(trap_, std::nullopt); }

private:
    std::optional<Trap> trap_;
};

} // namespace warpbeam::vm
