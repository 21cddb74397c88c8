#include "handlers/continuation.hpp"
#include "handlers/run.hpp"
#include "lower/module_code.hpp"
#include "snapshot/call_site.hpp"
#include "snapshot/restore.hpp"
#include "store/host_func.hpp"
#include "trap/exception_root.hpp"
#include "trap/trap_builder.hpp"

/// Executions and continuations. Each frame must be possible where it stands: its point one at which the
/// function stops, its values of the types that validation finds there, and what it has called one that
/// returns what it expects.

namespace warpbeam::vm {
namespace {

/// Blocks of linear memory whose owner is not known any more: they are not given back.
class LostStacks final : public RefCounted<LostStacks>, public GuestStackPool {
public:
    using RefCounted::RefCounted;
    void give_back(uint64_t) noexcept override {}
    void retain() noexcept override { RefCounted::retain(); }
    void release() noexcept override { RefCounted::release(); }
};

bool all_match(std::span<const ValType> sub, std::span<const ValType> super,
               const TypeRegistry& types) noexcept {
    return std::ranges::equal(sub, super, [&](ValType a, ValType b) { return types.matches(a, b); });
}

/// Why a stack can't be made.
Error error_of(Exit exit) noexcept {
    switch (exit) {
    case Exit::out_of_memory:
        return Error{ErrorCode::out_of_memory};
    case Exit::call_stack_exhausted:
        return Error{ErrorCode::limit, "a stack is larger than Config::stack_size allows"};
    case Exit::limit:
        return Error{ErrorCode::limit, "the stacks of executions exceed StoreLimits::execution_bytes"};
    case Exit::invalid_code:
        return Error{ErrorCode::invalid, "a frame contradicts the code of its function"};
    default:
        return Error{ErrorCode::limit, "the heap has no room for a continuation"};
    }
}

} // namespace

// ---- Frames ----

bool Restorer::frame(SavedStack& stack, bool goes_on) noexcept {
    const uint32_t number = in_.index(instances_.size(), "instance");
    if (!in_.ok())
        return false;
    InstanceObject& instance = *instances_[number];
    const Module& module = *instance.module;
    const uint32_t func = in_.u32();
    const uint8_t kind = in_.u8();
    const FramePoint point{static_cast<FramePoint::Kind>(kind), in_.u32()};
    if (!in_.ok())
        return false;
    if (func < module.imported_funcs() || func >= module.funcs().size())
        return in_.malformed("instance %u does not define a function %u", number, func);
    if (kind > FramePoint::call || (point.kind == FramePoint::call) == goes_on)
        return in_.malformed("a frame of function %u stands at a point of the wrong kind", func);
    uint32_t shape = 0;
    const size_t known = shapes_.size();
    const Exit exit = shapes_.of(instance, func, point, shape);
    const Config& config = store_.engine().config();
    if (exit == Exit::invalid_code)
        return in_.fault(
            Error{ErrorCode::invalid, "function %u can't stop at offset %u of its code%s", func, point.offset,
                  point.kind != FramePoint::call && !config.fuel && !config.interruption
                      ? "; it may if Config::fuel or Config::interruption is on, as when it was saved"
                      : ""});
    if (exit != Exit::none)
        return in_.fault(Error{exit == Exit::limit ? ErrorCode::limit : ErrorCode::out_of_memory});
    if (shape == known && !is_fork() && !add_types(module, func, point))
        return false;
    const FrameState& state = shapes_[shape].state;
    const size_t first = stack.slots.size();
    size_t i = 0;
    const bool read = visit_places(state, [&](const FramePlace& place) {
        Slot slots[2] = {0, 0};
        const ValType of = type_of(shape, i++, place.kind);
        return value(of, slots) && keep(stack.slots.append({slots, slots_of(place.kind)}));
    });
    return read && keep(stack.frames.push({&instance, shape, first}));
}

/// The type of a value in a frame; in a fork any reference.
ValType Restorer::type_of(uint32_t shape, size_t i, ValType::Kind kind) const noexcept {
    if (is_fork())
        return kind == ValType::ref ? ValType::reference(HeapType::any, true) : ValType{kind};
    const ModuleAccess::FrameTypes& types = types_[shape];
    return i < types.locals.size() ? types.locals[i] : types.operands[i - types.locals.size()];
}

/// What validation knows of the next shape.
bool Restorer::add_types(const Module& module, uint32_t func, FramePoint point) noexcept {
    // Both the lowering and the validation of the function begin at its beginning.
    if (shapes_.code_bytes() > FrameShapes::max_code_bytes)
        return in_.fault(Error{ErrorCode::limit, "%s", too_many_places});
    ModuleAccess::FrameTypes types{allocator()};
    if (auto found = ModuleAccess::frame_types(module, func, point.offset, types, allocator()); !found)
        return in_.fault(std::move(found.error()));
    // Before an instruction all operands are there; after those of a call are taken, the others.
    const FrameState& state = shapes_[static_cast<uint32_t>(types_.size())].state;
    const bool is_call = point.kind == FramePoint::call;
    const bool fits = types.locals.size() == state.locals.size() &&
                      (is_call ? state.operands.size() <= types.operands.size()
                               : state.operands.size() == types.operands.size());
    return fits ? keep(types_.push(std::move(types)))
                : invalid("a frame does not have the operands of its point");
}

/// Reads a stack; `types` are those of the values on top. A host function that has been answered has its
/// results there, and none if it traps.
bool Restorer::stack(SavedStack& stack, std::span<const ValType> types, ExecutionObject::Step step) noexcept {
    const uint8_t top = in_.u8();
    if (!in_.ok())
        return false;
    if (top > static_cast<uint8_t>(StackTop::suspended))
        return in_.malformed("%u is no kind of stack", top);
    stack.top = static_cast<StackTop>(top);
    if (stack.top == StackTop::host) {
        if (!func(stack.host_func))
            return false;
        stack.host = stack.host_func->host;
        if (stack.host == nullptr)
            return in_.malformed("a host call is one of a function that is not the host's");
    }
    const uint32_t frames = in_.u32();
    for (uint32_t i = 0; i < frames; ++i)
        if (!in_.ok() || !frame(stack, i == 0 && stack.top == StackTop::code))
            return false;
    if (stack.top != StackTop::values)
        types = {};
    if (stack.top == StackTop::host && step != ExecutionObject::Step::trap)
        types = step == ExecutionObject::Step::return_values ? stack.host->signature->results
                                                             : stack.host->signature->params;
    if (stack.frames.empty() != (stack.top == StackTop::values) && stack.top != StackTop::host)
        return in_.malformed("a stack has the wrong number of frames for what it does");
    if (!links(stack, types))
        return false;
    const uint32_t count = in_.u32();
    if (!in_.ok())
        return false;
    // Only what a suspended stack has been given so far may be a part.
    if (count > types.size() || (count != types.size() && stack.top != StackTop::suspended))
        return in_.malformed("a stack has %u values on top, and needs %zu", count, types.size());
    for (const ValType of : types.first(count)) {
        Slot slots[2] = {0, 0};
        if (!value(of, slots) || !keep(stack.values.append({slots, slots_of(of)})))
            return false;
    }
    return in_.ok();
}

/// Whether each frame has called what is above it. For a suspended stack, makes `types` what it waits for.
bool Restorer::links(const SavedStack& stack, std::span<const ValType>& types) noexcept {
    std::span<const ValType> above =
        stack.top == StackTop::host ? stack.host->signature->results : std::span<const ValType>{};
    for (size_t i = 0; i < stack.frames.size(); ++i) {
        const FrameShape& shape = shapes_[stack.frames[i].shape];
        const InstanceData& inst = *stack.frames[i].inst;
        const FramePoint point = shape.state.point;
        if (point.kind == FramePoint::call) {
            const auto site = call_site_at(inst, shape.func, point.offset);
            const StackTop expected = i == 0 ? stack.top : StackTop::host;
            if (!site || site->top != expected)
                return invalid("a frame does not stand at the instruction that the stack needs");
            if (expected == StackTop::suspended)
                types = site->results;
            else if (expected == StackTop::host && !all_match(above, site->results, store_.types()))
                return invalid("a function returns other results than when the snapshot was made");
        }
        above = inst.registry->func(inst.module->funcs()[shape.func]).results;
    }
    return true;
}

/// What the outermost function of a stack returns.
std::span<const ValType> Restorer::results_of(const SavedStack& stack) const noexcept {
    if (stack.frames.empty())
        return stack.host->signature->results;
    const SavedFrame& last = stack.frames.back();
    return last.inst->registry->func(last.inst->module->funcs()[shapes_[last.shape].func]).results;
}

// ---- Lists of stacks ----

/// Makes stacks for an execution, from the outermost in; `first` says that the outermost is its own.
bool Restorer::build(Execution& execution, Vec<SavedStack>& stacks, bool first_is_own) noexcept {
    for (size_t i = stacks.size(); i-- != 0;) {
        SavedStack& stack = stacks[i];
        const bool is_own = first_is_own && i + 1 == stacks.size();
        if (!is_own) {
            Continuation* const outer = execution.continuation;
            FuncInst* const begins =
                stack.frames.empty()
                    ? stack.host_func
                    : stack.frames.back().inst->funcs[shapes_[stack.frames.back().shape].func];
            ContObject unused{};
            if (const Exit exit = store_.stacks.make_continuation(*begins, unused); exit != Exit::none)
                return in_.fault(error_of(exit));
            Continuation& made = *unused.inner;
            made.func = nullptr;
            made.object = nullptr;
            // The stack around it waits from now on.
            if (first_is_own || outer != nullptr) {
                waiting_state(execution, outer) = execution;
                made.waiting = used(execution);
                made.parent = outer;
                if (made.waiting > execution.max_stack)
                    return in_.fault(error_of(Exit::call_stack_exhausted));
                execution.max_stack -= made.waiting;
            }
            execution.continuation = &made;
            InstanceData* const caller = execution.inst;
            static_cast<StackState&>(execution) = made.state;
            if (caller != nullptr)
                execution.inst = caller;
        }
        if (const Exit exit = stack.write(execution, is_own, shapes_); exit != Exit::none)
            return in_.fault(error_of(exit));
    }
    return true;
}

bool Restorer::continuations() noexcept {
    for (const Slot each : objects_)
        if (to_object(each)->layout->kind == ObjectKind::continuation &&
            !continuation(*static_cast<ContObject*>(to_object(each))))
            return false;
    const uint32_t count = in_.u32();
    for (uint32_t i = 0; i < count; ++i)
        if (!in_.ok() || !execution())
            return false;
    return check_continuations();
}

bool Restorer::continuation(ContObject& object) noexcept {
    const uint32_t count = in_.u32();
    if (!in_.ok())
        return false;
    ContinuationType type{&object, {}, {}, true};
    if (count == 0) {
        FuncInst* begins = nullptr;
        if (!func_or_none(begins))
            return false;
        if (begins == nullptr) // it was used
            return keep(continuation_types_.push({&object, {}, {}, false}));
        const FuncType& of = store_.types().func(begins->type);
        const uint32_t given = in_.u32();
        if (!in_.ok())
            return false;
        if (given > of.params.size())
            return in_.malformed("a continuation has been given too many arguments");
        if (const Exit exit = store_.stacks.make_continuation(*begins, object); exit != Exit::none)
            return in_.fault(error_of(exit));
        Slot*& free = object.inner->state.free;
        for (const ValType each : of.params.first(given)) {
            if (!value(each, free))
                return false;
            free += slots_of(each);
        }
        return keep(continuation_types_.push({&object, of.params.subspan(given), of.results, true}));
    }
    Vec<SavedStack> stacks{allocator()};
    for (uint32_t i = 0; i < count; ++i) {
        SavedStack* const made = stacks.emplace(allocator());
        if (!keep(made != nullptr) || !stack(*made, {}))
            return false;
        if (made->top != (i == 0 ? StackTop::suspended : StackTop::resuming))
            return in_.malformed("a continuation's stack does what it can't do");
        if (i != 0 && !resumes(*made, stacks[i - 1]))
            return false;
    }
    const SavedFrame& top = stacks[0].frames[0];
    const FrameShape& shape = shapes_[top.shape];
    const std::span<const ValType> takes =
        call_site_at(*top.inst, shape.func, shape.state.point.offset)->results;
    type.params = takes.subspan(types_in(takes, stacks[0].values.size())->size());
    type.results = results_of(stacks.back());
    // They are built like those of an execution that has none of its own.
    Execution builder{};
    builder.store = &store_;
    builder.max_stack = store_.engine().config().stack_size;
    builder.checks_stack = store_.engine().config().deterministic;
    const bool built = build(builder, stacks, false);
    Continuation* const inner = builder.continuation;
    if (inner != nullptr) {
        inner->state = builder;
        inner->object = &object;
        object.inner = object.outer = inner;
        while (object.outer->parent != nullptr)
            object.outer = object.outer->parent;
        inner->inside = waiting_bytes(inner, object.outer);
    }
    return built && keep(continuation_types_.push(type));
}

/// Whether a stack waits for what the stack inside of it returns.
bool Restorer::resumes(const SavedStack& stack, const SavedStack& inner) noexcept {
    const SavedFrame& top = stack.frames[0];
    const FrameShape& shape = shapes_[top.shape];
    const auto site = call_site_at(*top.inst, shape.func, shape.state.point.offset);
    return all_match(results_of(inner), site->results, store_.types()) ||
           invalid("a continuation returns something else than what resumed it expects");
}

bool Restorer::check_continuations() noexcept {
    const TypeRegistry& types = store_.types();
    // In the order of the objects, so that each is found quickly.
    AddressMap index{allocator()};
    for (uint32_t i = 0; i < continuation_types_.size(); ++i)
        if (!keep(index.add(continuation_types_[i].object, i)))
            return false;
    for (const ContinuationCheck& check : checks_) {
        const ContinuationType& given = continuation_types_[index.find(check.object)];
        if (!given.is_usable)
            continue; // it traps when it is used
        const FuncType& expected = types.func(types[check.type].cont);
        if (!all_match(expected.params, given.params, types) ||
            !all_match(given.results, expected.results, types))
            return invalid("a continuation has another type than its place");
    }
    return true;
}

// ---- Executions ----

bool Restorer::guest_stack(GuestStack& stack) noexcept {
    GuestStack::Saved saved;
    saved.has_block = in_.u8() != 0;
    saved.block = in_.u64();
    saved.size = in_.u64();
    for (GuestStack::Pointer& pointer : saved.pointers) {
        const uint32_t number = in_.index(globals_.size() + 1, "global");
        pointer.value = in_.u64();
        if (!in_.ok())
            return false;
        if (number == 0)
            continue;
        pointer.global = globals_[number - 1];
        const GlobalType& type = pointer.global->type;
        if (!type.is_mutable || (type.content != ValType::i32 && type.content != ValType::i64))
            return invalid("the pointer of a guest's stack is not a mutable integer");
        if (type.content == ValType::i32)
            pointer.value = static_cast<uint32_t>(pointer.value);
    }
    Ref<LostStacks> pool;
    if (saved.has_block) {
        if (saved.pointers[0].global == nullptr)
            return invalid("a guest's stack has no pointer");
        pool = Ref<LostStacks>::adopt(warpbeam::create<LostStacks>(allocator(), allocator()));
        if (!keep(static_cast<bool>(pool)))
            return false;
    }
    stack.restore(pool ? Ref<GuestStackPool>::share(pool.get()) : Ref<GuestStackPool>{}, saved);
    return true;
}

/// A host call's answer that is a trap.
bool Restorer::answer(ExecutionObject& object) noexcept {
    const auto code = static_cast<TrapCode>(in_.u8());
    const auto status = static_cast<int32_t>(in_.u32());
    if (!in_.text(name_, max_name))
        return false;
    const bool is_thrown = in_.u8() != 0;
    if (!in_.ok())
        return false;
    if (text_of(code).empty())
        return in_.malformed("%u is no code of a trap", static_cast<unsigned>(code));
    if (!is_thrown) {
        Text message{allocator()};
        message.add_lines({reinterpret_cast<const char*>(name_.data()), name_.size()});
        Trap trap = code == TrapCode::exit ? Trap::exit(status) : Trap::with_text(code, message);
        object.set_answer(std::move(trap.with_host_code(status)));
        return true;
    }
    Slot exception = 0;
    if (!reference(ValType::reference(HeapType::exn, false), exception))
        return false;
    const Ref<ExceptionRoot> root = store_.roots.add_exception(exception);
    if (!keep(static_cast<bool>(root)))
        return false;
    object.set_answer(TrapBuilder::thrown(root));
    return true;
}

bool Restorer::execution() noexcept {
    ExecutionObject::Saved saved;
    const uint8_t state = in_.u8();
    const uint8_t step = in_.u8();
    if (!func_or_none(saved.func))
        return false;
    const uint32_t number = in_.index(instances_.size() + 1, "instance");
    const auto fuel = static_cast<int64_t>(in_.u64());
    const uint64_t collection = in_.u64();
    if (!in_.ok())
        return false;
    using Step = ExecutionObject::Step;
    saved.state = static_cast<ExecutionState>(state);
    saved.step = static_cast<Step>(step);
    saved.instance = number != 0 ? instances_[number - 1] : nullptr;
    // What the stack must do. An execution can be interrupted before it takes its next step, too.
    StackTop top = StackTop::host;
    const bool interrupted = saved.state == ExecutionState::interrupted;
    const bool may_be_ready = interrupted || saved.state == ExecutionState::ready;
    if (may_be_ready && saved.step == Step::begin)
        top = StackTop::values;
    else if ((saved.state == ExecutionState::out_of_fuel || interrupted) && saved.step == Step::go_on)
        top = StackTop::code;
    else if (!(saved.state == ExecutionState::host_call && saved.step == Step::go_on) &&
             !(may_be_ready && (saved.step == Step::return_values || saved.step == Step::trap)))
        return in_.malformed("an execution can't be in state %u and do %u next", state, step);
    if (saved.func == nullptr && (saved.step != Step::begin || saved.instance == nullptr))
        return in_.malformed("an execution runs no function");
    const bool counts = store_.engine().config().fuel;
    // What was left when as much as there may be was added.
    if (counts ? fuel > 2 * to_fuel(UINT64_MAX) || fuel < -to_fuel(UINT64_MAX) : fuel < INT64_MAX / 2)
        return in_.malformed("an execution has an impossible amount of fuel");
    if (!keep(executions_.reserve(executions_.size() + 1)))
        return false;
    auto made = ExecutionObject::create(store_, saved);
    if (!made)
        return in_.fault(std::move(made.error()));
    (void)executions_.push(*made); // there is room
    ExecutionObject& object = **made;
    Execution& execution = *object.execution();
    // A part of a unit is kept, so that the same is used in all.
    const int64_t max = options_.max_fuel == UINT64_MAX ? INT64_MAX : to_fuel(options_.max_fuel);
    execution.fuel = counts && fuel > max ? max + fuel % fuel_unit : fuel;
    execution.collection = collection;
    if (!guest_stack(object.guest_stack()) || (saved.step == Step::trap && !answer(object)))
        return false;
    const uint32_t count = in_.u32();
    const FuncType type = object.type();
    Vec<SavedStack> stacks{allocator()};
    for (uint32_t i = 0; i < count; ++i) {
        SavedStack* const each = stacks.emplace(allocator());
        if (!keep(each != nullptr) || !in_.ok() || !stack(*each, type.params, saved.step))
            return false;
        // A host function that was interrupted is called again.
        const bool calls_again =
            i == 0 && interrupted && top == StackTop::code && each->top == StackTop::host;
        if (each->top != (i == 0 ? top : StackTop::resuming) && !calls_again)
            return in_.malformed("an execution's stack does what its state excludes");
        if (i != 0 && !resumes(*each, stacks[i - 1]))
            return false;
    }
    if (!in_.ok())
        return false;
    if (count == 0 || (top == StackTop::values && count != 1))
        return in_.malformed("an execution has %u stacks", count);
    if (top == StackTop::values) {
        std::ranges::copy(stacks[0].values, execution.fp);
        return true;
    }
    if (!all_match(results_of(stacks.back()), type.results, store_.types()))
        return invalid("an execution returns other results than its function");
    execution.inst = nullptr;
    if (!build(execution, stacks, true))
        return false;
    if (saved.step == Step::return_values)
        object.set_answered();
    if (saved.step == Step::trap)
        object.set_refused();
    return true;
}

} // namespace warpbeam::vm
