#include "store/pending_trap.hpp"

#include "store/store_impl.hpp"
#include "trap/trap_builder.hpp"

namespace warpbeam::vm {

Exit PendingTrap::hold(Execution& execution, Trap trap) noexcept {
    const Ref<ExceptionRoot> exception = TrapBuilder::exception_of(trap);
    trap_ = std::move(trap);
    if (!exception || exception->store == nullptr)
        return Exit::host_trap;
    if (exception->store != execution.store) {
        trap_ = Trap::with_message(execution.store->allocator(), TrapCode::usage,
                                   "a host function threw an exception that belongs to another store");
        return Exit::host_trap;
    }
    execution.detail = exception->exception;
    return Exit::uncaught_exception;
}

} // namespace warpbeam::vm
