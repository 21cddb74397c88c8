#include "handlers/families.hpp"
#include "handlers/frame.hpp"

/// Throwing.
/// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions

namespace warpbeam::vm {

namespace {

struct Throw {
    static Exit run(Regs& r) noexcept {
        Execution& execution = *r.inst->execution;
        save(execution, r);
        Slot exception;
        const Exit made = make_exception(execution, *r.inst->tags[r.ip->uimm], r.fp + r.ip->a, exception);
        return made == Exit::none ? raise(r, execution, exception) : made;
    }
};

struct ThrowRef {
    static Exit run(Regs& r) noexcept {
        const Slot exception = r.fp[r.ip->a];
        if (exception == 0)
            return Exit::null_exception_reference;
        Execution& execution = *r.inst->execution;
        save(execution, r);
        return raise(r, execution, exception);
    }
};

} // namespace

Handler throw_() noexcept { return &handler<Throw>; }
Handler throw_ref() noexcept { return &handler<ThrowRef>; }

} // namespace warpbeam::vm
