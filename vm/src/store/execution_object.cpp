#include "store/execution_object.hpp"

#include "handlers/run.hpp"
#include "store/host_func.hpp"
#include "store/invoke.hpp"
#include "store/store_impl.hpp"
#include "store/values.hpp"

#include <algorithm>
#include <cinttypes>

namespace warpbeam::vm {
namespace {

/// No code uses the top frame now.
void set_values(Execution& execution, std::span<const ValType> types) noexcept {
    execution.has_values = true;
    execution.values = types;
}
/// The same, and there are no other frames.
void set_end(Execution& execution, std::span<const ValType> types) noexcept {
    execution.fp = execution.stack;
    execution.rp = execution.stack_end;
    set_values(execution, types);
}

Error stacks_exceed(const Quota& quota) noexcept {
    return Error{ErrorCode::limit, "the stacks of executions exceed the store's limit of %" PRIu64 " bytes",
                 quota.max_execution_bytes()};
}

Error exceeds_stack(const StoreImpl& store, const FuncType& type) noexcept {
    return Error{
        ErrorCode::limit,
        "the parameters (%zu) or results (%zu) do not fit into a stack of %zu bytes (Config::stack_size)",
        type.params.size(), type.results.size(), store.stacks.max_stack()};
}

/// The units that were taken beyond what was left: rounded as those are, so that the difference of both
/// counts the units that were begun.
uint64_t debt_of(int64_t fuel) noexcept {
    return fuel < 0 ? (0 - static_cast<uint64_t>(fuel) + fuel_unit - 1) / fuel_unit : 0;
}

FuncType type_of(const StoreImpl& store, const FuncInst* func) noexcept {
    return func != nullptr ? store.types().func(func->type) : FuncType{};
}

} // namespace

Ref<ExecutionObject> ExecutionObject::take(StoreImpl& store) noexcept {
    if (ExecutionOwner* const spare = store.stacks.take_spare())
        return Ref<ExecutionObject>::adopt(static_cast<ExecutionObject*>(spare));
    return Ref<ExecutionObject>::adopt(
        warpbeam::create<ExecutionObject>(store.allocator(), store.allocator()));
}

std::expected<Ref<ExecutionObject>, Error> ExecutionObject::create(StoreImpl& store, FuncInst* func,
                                                                   const FuncType& type,
                                                                   std::span<const Value> args) noexcept {
    if (auto room = store.quota.check_executions(); !room)
        return std::unexpected{std::move(room.error())};
    const size_t params = slots_of(type.params);
    TrapCode failure{};
    Execution* const execution = store.stacks.take_owned(std::max(params, slots_of(type.results)), failure);
    if (execution == nullptr)
        return std::unexpected{failure == TrapCode::limit                  ? stacks_exceed(store.quota)
                               : failure == TrapCode::call_stack_exhausted ? exceeds_stack(store, type)
                                                                           : no_memory()};
    auto object = take(store);
    if (!object) {
        store.quota.return_execution_bytes(block_size(*execution));
        store.stacks.put_back(*execution);
        return std::unexpected{no_memory()};
    }
    object->func_ = func;
    object->execution_ = execution;
    store_values(execution->stack, args);
    set_end(*execution, type.params);
    store.stacks.add(*execution, *object);
    store.quota.add_execution();
    return object;
}

std::expected<Ref<ExecutionObject>, Error> ExecutionObject::create(FuncInst& func,
                                                                   std::span<const Value> args) noexcept {
    return create(*func.store, &func, type_of(*func.store, &func), args);
}
std::expected<Ref<ExecutionObject>, Error> ExecutionObject::create(StoreImpl& store) noexcept {
    return create(store, nullptr, {}, {});
}

std::expected<Ref<ExecutionObject>, Error> ExecutionObject::create(StoreImpl& store,
                                                                   const Saved& saved) noexcept {
    auto made = create(store, saved.func, type_of(store, saved.func), {});
    if (made) {
        (*made)->state_ = saved.state;
        (*made)->next_ = saved.step;
        (*made)->instance_ = saved.instance;
        // The arguments of one that has not begun are where the collector looks for them.
        (*made)->execution_->has_values = saved.step == Step::begin;
    }
    return made;
}

void ExecutionObject::set_answered() noexcept { set_values(*execution_, waiting().signature->results); }

void ExecutionObject::set_refused() noexcept { set_values(*execution_, {}); }

void ExecutionObject::set_instance(InstanceData& instance) noexcept {
    instance_ = &instance;
    if (const auto start = instance.module->start())
        func_ = instance.funcs[*start];
}

void ExecutionObject::forget() noexcept {
    execution_ = nullptr;
    drop_cell();
}

void ExecutionObject::drop() noexcept {
    if (execution_ == nullptr)
        return;
    if (execution_->is_running) {
        dropped_ = true;
        return;
    }
    drop_cell();
    store().heap.end_marking_roots();
    guest_stack_.drop();
    drop_array();
    execution_->may_suspend = false;
    leave_continuations(*execution_, nullptr);
    store().stacks.remove(*execution_);
    store().quota.remove_execution(block_size(*execution_));
    store().stacks.put_back(*std::exchange(execution_, nullptr));
}

void ExecutionObject::drop(Ref<ExecutionObject> object) noexcept {
    StoreImpl& store = object->store();
    object->drop();
    if (object->execution_ != nullptr || !object->has_one_owner())
        return;
    object->instance_ = nullptr;
    object->guest_stack_ = {};
    object->state_ = ExecutionState::ready;
    object->next_ = Step::begin;
    object->trap_.reset();
    store.stacks.keep_spare(*object.detach());
}

/// The array that it was making.
void ExecutionObject::drop_array() noexcept {
    if (execution_->array != nullptr)
        store().heap.free_array(std::exchange(execution_->array, nullptr));
}

FuncType ExecutionObject::type() const noexcept { return type_of(store(), func_); }

HostFunc& ExecutionObject::waiting() const noexcept { return *host_at(execution_->ip); }

uint64_t ExecutionObject::fuel() const noexcept {
    return store().stacks.has_fuel() ? to_units(execution_->fuel) : 0;
}

uint64_t ExecutionObject::fuel_debt() const noexcept {
    return store().stacks.has_fuel() ? debt_of(execution_->fuel) : 0;
}

std::expected<ExecutionState, Error> ExecutionObject::resume(const Budget& budget) noexcept {
    // A host function may drop the handle meanwhile.
    const Ref<ExecutionObject> held = Ref<ExecutionObject>::share(this);
    return go_on(budget);
}

std::expected<ExecutionState, Error> ExecutionObject::go_on(const Budget& budget) noexcept {
    const auto refuse = [](const char* words) {
        return std::unexpected{Error{ErrorCode::usage, "%s", words}};
    };
    if (execution_->is_running)
        return refuse("the execution is running already");
    if (state_ == ExecutionState::done || state_ == ExecutionState::trapped)
        return refuse("the execution has ended");
    if (auto settled = settle_answer(); !settled)
        return std::unexpected{std::move(settled.error())};
    if (state_ == ExecutionState::host_call)
        return refuse("the execution waits for the answer to a host call");
    if (!guest_stack_.may_go_on())
        return refuse(
            "the guest's stack has frames of executions that began later: finish or drop those first");
    StoreImpl& store = this->store();
    TrapCode failure{};
    const auto add_fuel = [&] {
        if (store.stacks.has_fuel())
            execution_->fuel = std::min(execution_->fuel, to_fuel(UINT64_MAX)) + to_fuel(budget.fuel);
    };
    if (!store.end_collection()) {
        add_fuel();
        store.stacks.clear_request();
        return state_ = ExecutionState::interrupted;
    }
    if (!store.stacks.enter(*execution_, failure))
        return refuse("calls of the host nest too deep, or the store is being destroyed");
    add_fuel();
    guest_stack_.exchange();
    const Exit exit = advance();
    guest_stack_.exchange();
    settle(exit);
    store.stacks.leave();
    const ExecutionState state = state_;
    if (dropped_)
        drop();
    return state;
}

ExecutionObject* ExecutionObject::begin(FuncInst& func, size_t slots) noexcept {
    StoreImpl& store = *func.store;
    if (store.heap.is_collecting() || !store.quota.has_executions())
        return nullptr;
    Execution* const execution = store.stacks.begin_owned(slots);
    if (execution == nullptr)
        return nullptr;
    if (!store.quota.take_execution_bytes(block_size(*execution))) {
        store.stacks.end_owned();
        return nullptr;
    }
    store.quota.add_execution();
    auto& object = static_cast<ExecutionObject&>(*execution->owner);
    object.func_ = &func;
    object.execution_ = execution;
    return &object;
}

ExecutionState ExecutionObject::start(const Budget& budget, uint64_t& fuel_used) noexcept {
    Stacks& stacks = store().stacks;
    const bool has_fuel = stacks.has_fuel();
    execution_->fuel = has_fuel ? to_fuel(budget.fuel) : INT64_MAX;
    guest_stack_.begin(func_->instance);
    const Exit exit = run(*execution_, *func_);
    if (has_fuel)
        fuel_used =
            budget.fuel - std::min(budget.fuel, to_units(execution_->fuel)) + debt_of(execution_->fuel);
    if (exit == Exit::done) [[likely]] {
        drop_cell();
        guest_stack_.finish();
        stacks.leave();
        return ExecutionState::done;
    }
    settle(exit);
    stacks.leave();
    stacks.add(*execution_, *this);
    return state_;
}

void ExecutionObject::finish() noexcept {
    StoreImpl& store = this->store();
    store.heap.end_marking_roots();
    store.quota.remove_execution(block_size(*execution_));
    store.stacks.put_back(*std::exchange(execution_, nullptr));
    state_ = ExecutionState::ready;
    next_ = Step::begin;
    store.stacks.keep_spare(*this);
}

// Inlined into one, since half of what such a call takes would be to save registers otherwise.
[[gnu::flatten]] bool ExecutionObject::start(FuncInst& func, Slot* frame, size_t params, size_t results,
                                             const Budget& budget, uint64_t& fuel_used,
                                             ExecutionObject*& stopped) noexcept {
    const auto copy = [](const Slot* from, size_t count, Slot* to) {
        for (size_t i = 0; i < count; ++i)
            to[i] = from[i];
    };
    ExecutionObject* const object = begin(func, std::max(params, results));
    if (object == nullptr)
        return false;
    copy(frame, params, object->execution_->stack);
    if (object->start(budget, fuel_used) != ExecutionState::done) {
        stopped = object;
        return true;
    }
    copy(object->execution_->stack, results, frame);
    object->finish();
    return true;
}

Exit ExecutionObject::advance() noexcept {
    switch (next_) {
    case Step::begin:
        if (func_ == nullptr)
            return Exit::done;
        guest_stack_.begin(func_->instance);
        return run(*execution_, *func_);
    case Step::go_on:
        return continue_run(*execution_);
    case Step::return_values:
        return return_from_host(*execution_);
    case Step::trap:
        break;
    }
    const Exit exit = store().pending.hold(*execution_, *std::exchange(trap_, std::nullopt));
    return exit == Exit::uncaught_exception ? throw_from_host(*execution_) : exit;
}

/// Says that it is the limit of the store that the stack has reached, if so.
Exit ExecutionObject::name_limit(Exit exit) noexcept {
    StoreImpl& store = this->store();
    const size_t size = block_size(*execution_);
    if (exit != Exit::call_stack_exhausted || size >= execution_->max_stack ||
        store.quota.has_execution_bytes(std::min(size, execution_->max_stack - size)))
        return exit;
    const Error why = stacks_exceed(store.quota);
    return store.pending.hold(
        *execution_, Trap::with_message(store.allocator(), TrapCode::call_stack_exhausted, "%.*s",
                                        static_cast<int>(why.message().size()), why.message().data()));
}

void ExecutionObject::settle(Exit exit) noexcept {
    next_ = Step::go_on;
    if (exit != Exit::host_call || !execution_->has_token)
        drop_cell(); // of a host function that has returned
    switch (exit) {
    case Exit::done:
        state_ = ExecutionState::done;
        guest_stack_.finish();
        set_end(*execution_, type().results);
        break;
    case Exit::host_call:
        state_ = ExecutionState::host_call;
        break;
    case Exit::out_of_fuel:
        state_ = ExecutionState::out_of_fuel;
        break;
    case Exit::interrupted:
        state_ = ExecutionState::interrupted;
        store().stacks.clear_request();
        break;
    default:
        state_ = ExecutionState::trapped;
        drop_array();
        trap_ = trap_of(name_limit(exit), *execution_);
        leave_continuations(*execution_, nullptr);
        set_end(*execution_, {});
        // An execution that one of its host functions started may wait above it.
        if (!store().stacks.any_owned([&](const ExecutionOwner& other) {
                return &other != this && other.guest_stack().is_above(guest_stack_);
            }))
            guest_stack_.trap();
        guest_stack_.give_back();
        return;
    }
    if (state_ != ExecutionState::done && execution_->inst != nullptr)
        guest_stack_.stop(*execution_->inst);
}

Ref<AnswerCell> ExecutionObject::cell(AnswerCell::Dropped dropped, void* data) noexcept {
    return cell_of_call(*waiting().signature, false, dropped, data);
}

Ref<AnswerCell> ExecutionObject::cell_of_call(const FuncType& type, bool first, AnswerCell::Dropped dropped,
                                              void* data) noexcept {
    Allocator& allocator = store().allocator();
    if (first)
        drop_cell();
    if (!cell_)
        cell_ = Ref<AnswerCell>::adopt(
            warpbeam::create<AnswerCell>(allocator, allocator, store().engine(), type, dropped, data));
    return cell_;
}

bool ExecutionObject::close_cell() noexcept {
    if (cell_ && !cell_->close())
        return false;
    cell_ = nullptr;
    return true;
}

std::expected<void, Error> ExecutionObject::take_answer() noexcept {
    if (cell_->trap()) {
        refuse(*std::exchange(cell_->trap(), std::nullopt));
    } else {
        const std::span<const Value> values = cell_->values();
        if (const size_t i = first_misfit(values, waiting().signature->results, store());
            i != values.size()) {
            cell_->reopen();
            return std::unexpected{Error{ErrorCode::usage, "value %zu of the answer has the wrong type", i}};
        }
        answer(values);
    }
    std::exchange(cell_, nullptr)->finish();
    return {};
}

void ExecutionObject::answer(std::span<const Value> values) noexcept {
    store().heap.end_marking_roots(); // the arguments are none from now on
    store_values(execution_->fp, values);
    set_answered();
    state_ = ExecutionState::ready;
    next_ = Step::return_values;
}

void ExecutionObject::refuse(Trap trap) noexcept {
    store().heap.end_marking_roots();
    trap_ = std::move(trap);
    set_refused();
    state_ = ExecutionState::ready;
    next_ = Step::trap;
}

} // namespace warpbeam::vm
