#include "handlers/allocate.hpp"
#include "handlers/frame.hpp"
#include "handlers/generate.hpp"

/// Throwing.
/// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions

namespace warpbeam::vm {

namespace {

template <Variant>
struct ThrowTag {
    using In = Decoder<Form::throw_>;
    static Exit run(Regs& r) noexcept {
        Execution& execution = *r.inst->execution;
        const TagInst& tag = *r.inst->tags[In::get<Field::tag>(r.ip)];
        const size_t size = exception_size(slots_of(r.inst->registry->func(tag.type).params));
        if (const Exit exit = make_room(r, size); exit != Exit::none) // it records the position, too
            return exit;
        Slot exception;
        const Exit made = make_exception(execution, tag, r.fp + In::get<Field::operands>(r.ip), exception);
        return made == Exit::none ? raise(r, execution, exception) : made;
    }
};

template <Variant>
struct ThrowRef {
    static Exit run(Regs& r) noexcept {
        const auto exception = Decoder<Form::throw_ref>::slot<Field::operand, Slot>(r);
        if (exception == 0)
            return Exit::null_exception_reference;
        Execution& execution = *r.inst->execution;
        save(execution, r);
        return raise(r, execution, exception);
    }
};

constexpr HandlerGroup exception_group_list[] = {group<Form::throw_, ThrowTag>(),
                                                 group<Form::throw_ref, ThrowRef>()};

} // namespace

constinit const HandlerGroups exception_groups{exception_group_list};

} // namespace warpbeam::vm
