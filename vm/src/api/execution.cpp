#include "handlers/active_frames.hpp"
#include "lower/module_code.hpp"
#include "store/execution_object.hpp"
#include "store/host_func.hpp"
#include "store/link.hpp"
#include "store/use.hpp"
#include "store/values.hpp"
#include "trap/trap_builder.hpp"

#include <warpbeam/vm/execution.hpp>

#include <algorithm>

namespace warpbeam {
namespace {

/// Held while an execution is used: says whether it may.
class UseOfExecution {
public:
    explicit UseOfExecution(const Ref<vm::ExecutionObject>& object, uint64_t store) noexcept
        : object_{object && object->execution() != nullptr ? object.get() : nullptr},
          use_{object_ != nullptr ? &object_->store() : nullptr, store} {}
    explicit operator bool() const noexcept { return static_cast<bool>(use_); }
    [[nodiscard]] Error error() const noexcept {
        return object_ != nullptr
                   ? use_.error()
                   : Error{ErrorCode::usage, "the execution is empty, or its store was destroyed"};
    }

private:
    vm::ExecutionObject* object_;
    vm::Use use_;
};

Error not_waiting() noexcept {
    return Error{ErrorCode::usage, "the execution does not wait for the answer to a host call"};
}

} // namespace

Execution::Execution() noexcept = default;
Execution::Execution(Ref<vm::ExecutionObject> object, uint64_t store) noexcept
    : object_{std::move(object)}, store_{store} {}
Execution::Execution(Execution&& other) noexcept = default;

Execution& Execution::operator=(Execution&& other) noexcept {
    Execution old{std::move(*this)};
    object_ = std::move(other.object_);
    store_ = other.store_;
    return *this;
}

Execution::~Execution() {
    if (const UseOfExecution use{object_, store_})
        vm::ExecutionObject::drop(std::move(object_));
}

namespace {

constexpr size_t no_misfit = SIZE_MAX;

/// The first argument that does not fit, or the count if that is wrong; `no_misfit` if a function may be
/// called so.
size_t first_misfit(const FuncType& type, std::span<const Value> args, StoreImpl& store) noexcept {
    if (args.size() != type.params.size())
        return args.size();
    const size_t i = vm::first_misfit(args, type.params, store);
    return i == args.size() ? no_misfit : i;
}

/// What is wrong then.
[[gnu::noinline]] Error misfit(const FuncType& type, std::span<const Value> args, size_t first) noexcept {
    return args.size() != type.params.size()
               ? Error{ErrorCode::usage, "the function takes %zu arguments, but %zu were given",
                       type.params.size(), args.size()}
               : Error{ErrorCode::usage, "argument %zu has the wrong type", first};
}

Error other_count_of_results(size_t count, size_t space) noexcept {
    return Error{ErrorCode::usage, "the function returns %zu results, but there is space for %zu", count,
                 space};
}

} // namespace

std::expected<Execution, Error> Execution::create(Func function, std::span<const Value> args) noexcept {
    const vm::Use use{function};
    if (!use)
        return std::unexpected{use.error()};
    vm::FuncInst& func = *vm::Internal::inst(function);
    const FuncType& type = func.store->types().func(func.type);
    const size_t fit = first_misfit(type, args, *func.store);
    if (fit != no_misfit)
        return std::unexpected{misfit(type, args, fit)};
    auto object = vm::ExecutionObject::create(func, args);
    if (!object)
        return std::unexpected{std::move(object.error())};
    return Execution{std::move(*object), vm::Internal::store_number(function)};
}

std::expected<StartedCall, Error> Execution::start(const Func& function, std::span<const Value> args,
                                                   std::span<Value> results, const Budget& budget) noexcept {
    const vm::Use use{function};
    if (!use)
        return std::unexpected{use.error()};
    vm::FuncInst& func = *vm::Internal::inst(function);
    const FuncType& type = func.store->types().func(func.type);
    if (results.size() != type.results.size())
        return std::unexpected{other_count_of_results(type.results.size(), results.size())};
    const size_t fit = first_misfit(type, args, *func.store);
    if (fit != no_misfit)
        return std::unexpected{misfit(type, args, fit)};
    std::expected<StartedCall, Error> started;
    StartedCall& call = *started;
    const size_t room = std::max(slots_of(type.params), slots_of(type.results));
    if (vm::ExecutionObject* const object = vm::ExecutionObject::begin(func, room)) {
        vm::store_values(object->execution()->stack, args);
        call.state = object->start(budget, call.fuel_used);
        if (call.state != ExecutionState::done) {
            call.execution =
                Execution{Ref<vm::ExecutionObject>::adopt(object), vm::Internal::store_number(function)};
            return started;
        }
        const vm::Slot* const slots = object->execution()->stack;
        if (vm::keep(type.results, slots, *func.store))
            vm::load_values(results, type.results, slots, func.store->types());
        else
            started = std::unexpected{no_memory()};
        object->finish();
        return started;
    }
    auto execution = create(function, args);
    if (!execution)
        return std::unexpected{std::move(execution.error())};
    auto state = execution->resume(budget);
    if (!state)
        return std::unexpected{std::move(state.error())};
    call.state = *state;
    const uint64_t left = execution->fuel();
    if (func.store->stacks.has_fuel())
        call.fuel_used = budget.fuel - std::min(budget.fuel, left) + execution->fuel_debt();
    if (call.state != ExecutionState::done)
        call.execution = std::move(*execution);
    else if (auto copied = execution->results(results); !copied)
        return std::unexpected{std::move(copied.error())};
    return started;
}

bool detail::start_slots(const Func& function, uint64_t* frame, size_t params, size_t results,
                         const Budget& budget, uint64_t& fuel_used,
                         std::optional<StartedCall>& stopped) noexcept {
    const vm::Use use{function};
    if (!use)
        return false;
    vm::ExecutionObject* object = nullptr;
    if (!vm::ExecutionObject::start(*vm::Internal::inst(function), frame, params, results, budget, fuel_used,
                                    object))
        return false;
    if (object != nullptr) [[unlikely]]
        stopped.emplace(
            object->state(), fuel_used,
            Execution{Ref<vm::ExecutionObject>::adopt(object), vm::Internal::store_number(function)});
    return true;
}

std::expected<Execution, InstantiationError>
Execution::instantiate_checked(Store& store, const Module& module,
                               std::span<const ImportValue> imports) noexcept {
    const auto refuse = [&](const Error& error) {
        return std::unexpected{InstantiationError{error, store.engine().allocator()}};
    };
    const vm::Use use{store};
    if (!use)
        return refuse(use.error());
    StoreImpl& impl = *vm::Internal::impl(store);
    auto object = vm::ExecutionObject::create(impl);
    if (!object)
        return refuse(object.error());
    Execution made{std::move(*object), impl.number()};
    const auto inst = make_instance(store, module, imports);
    if (!inst)
        return std::unexpected{inst.error()};
    made.object_->set_instance(**inst);
    return made;
}

std::expected<Execution, InstantiationError> Execution::instantiate(const Linker& linker, Store& store,
                                                                    const Module& module) noexcept {
    Allocator& allocator = store.engine().allocator();
    if (store.engine() != linker.engine())
        return std::unexpected{InstantiationError{other_engine(), allocator}};
    bool has_memory = false;
    const Vec<ImportValue> values = linker.look_up(module, has_memory);
    if (!has_memory)
        return std::unexpected{InstantiationError{no_memory(), allocator}};
    if (auto checked = check_instantiation(store, module, values); !checked)
        return std::unexpected{std::move(checked.error())};
    return instantiate_checked(store, module, values);
}

std::expected<Execution, InstantiationError> Execution::instantiate(const LinkedModule& module,
                                                                    Store& store) noexcept {
    const auto values = module.imports(store);
    return values ? instantiate_checked(store, module.module(), *values) : std::unexpected{values.error()};
}

std::expected<Execution, InstantiationError>
Execution::instantiate(Store& store, const Module& module, std::span<const Extern> imports) noexcept {
    const auto values = import_values(store, module, imports);
    if (!values)
        return std::unexpected{values.error()};
    if (auto checked = check_instantiation(store, module, *values); !checked)
        return std::unexpected{std::move(checked.error())};
    return instantiate_checked(store, module, *values);
}

std::expected<ExecutionState, Error> Execution::resume(const Budget& budget) noexcept {
    const UseOfExecution use{object_, store_};
    if (!use)
        return std::unexpected{use.error()};
    return object_->resume(budget);
}

ExecutionState Execution::state() const noexcept {
    const UseOfExecution use{object_, store_};
    return use ? object_->state() : ExecutionState::trapped;
}

uint64_t Execution::fuel() const noexcept {
    const UseOfExecution use{object_, store_};
    return use ? object_->fuel() : 0;
}

uint64_t Execution::fuel_debt() const noexcept {
    const UseOfExecution use{object_, store_};
    return use ? object_->fuel_debt() : 0;
}

uint64_t Execution::take_fuel() noexcept {
    const UseOfExecution use{object_, store_};
    const uint64_t units = use && !object_->execution()->is_running ? fuel() : 0;
    if (units != 0)
        object_->execution()->fuel -= vm::to_fuel(units);
    return units;
}

Backtrace Execution::backtrace() const noexcept {
    const UseOfExecution use{object_, store_};
    Backtrace frames{use ? object_->store().allocator() : Allocator::standard()};
    if (use)
        TrapBuilder::walk(*object_->execution(), frames);
    return frames;
}

ActiveStack Execution::stack() const noexcept {
    const UseOfExecution use{object_, store_};
    const bool ended =
        !use || object_->state() == ExecutionState::done || object_->state() == ExecutionState::trapped;
    return !ended && object_->execution()->inst != nullptr ? vm::Internal::stack(*object_->execution())
                                                           : ActiveStack{};
}

size_t Execution::active(std::span<ActiveFunc> to) const noexcept {
    const UseOfExecution use{object_, store_};
    size_t count = 0;
    if (use)
        vm::visit_frames(
            *object_->execution(), [&](const vm::InstanceData& inst, const vm::Instr* ip, bool after) {
                if (count < to.size()) {
                    // The stubs of host functions and the like are no function's code.
                    const vm::Code* const code = ip != nullptr ? inst.code->find(ip, after) : nullptr;
                    if (code == nullptr)
                        return true;
                    to[count] = {*inst.module, code->func};
                }
                ++count;
                return true;
            });
    return count;
}

FuncType Execution::type() const noexcept {
    const UseOfExecution use{object_, store_};
    return use ? object_->type() : FuncType{};
}

std::expected<void, Error> Execution::results(std::span<Value> values) const noexcept {
    const UseOfExecution use{object_, store_};
    if (!use)
        return std::unexpected{use.error()};
    if (object_->state() != ExecutionState::done)
        return std::unexpected{Error{ErrorCode::usage, "the execution has not returned yet"}};
    const std::span<const ValType> types = object_->type().results;
    if (values.size() != types.size())
        return std::unexpected{other_count_of_results(types.size(), values.size())};
    const vm::Slot* const slots = object_->execution()->stack;
    if (!vm::keep(types, slots, object_->store()))
        return std::unexpected{no_memory()};
    vm::load_values(values, types, slots, object_->store().types());
    return {};
}

Instance Execution::instance() const noexcept {
    const UseOfExecution use{object_, store_};
    return use && object_->state() == ExecutionState::done && object_->instance() != nullptr
               ? vm::make_handle<Instance>(object_->instance())
               : Instance{};
}

const Trap* Execution::trap() const noexcept {
    return state() == ExecutionState::trapped && object_ && object_->trap() ? &*object_->trap() : nullptr;
}

HostCall Execution::host_call() const noexcept {
    const UseOfExecution use{object_, store_};
    HostCall call;
    if (!use || object_->state() != ExecutionState::host_call)
        return call;
    const vm::HostFunc& host = object_->waiting();
    call.type = *host.signature;
    vm::InstanceData* const inst = object_->execution()->inst;
    if (inst == nullptr)
        return call;
    call.instance = vm::make_handle<Instance>(inst);
    uint32_t index = 0;
    for (const Import& import : inst->module->imports()) {
        if (import.type.kind != ExternKind::func)
            continue;
        if (inst->funcs[index++]->host == &host) {
            call.module = import.module;
            call.name = import.name;
            break;
        }
    }
    return call;
}

Value Execution::argument(size_t index) const noexcept {
    const UseOfExecution use{object_, store_};
    if (!use || object_->state() != ExecutionState::host_call)
        return {};
    const std::span<const ValType> types = object_->waiting().signature->params;
    if (index >= types.size())
        return {};
    return vm::to_value(types[index], object_->execution()->fp + slots_of(types.first(index)),
                        object_->store().types());
}

std::expected<void, Error> Execution::answer(std::span<const Value> values) noexcept {
    const UseOfExecution use{object_, store_};
    if (!use)
        return std::unexpected{use.error()};
    if (object_->state() != ExecutionState::host_call)
        return std::unexpected{not_waiting()};
    const std::span<const ValType> types = object_->waiting().signature->results;
    if (values.size() != types.size())
        return std::unexpected{Error{ErrorCode::usage,
                                     "the host call returns %zu value%s, but %zu were given", types.size(),
                                     types.size() == 1 ? "" : "s", values.size()}};
    if (const size_t i = vm::first_misfit(values, types, object_->store()); i != values.size())
        return std::unexpected{Error{ErrorCode::usage, "value %zu has the wrong type", i}};
    if (!object_->close_cell())
        return std::unexpected{not_waiting()};
    object_->answer(values);
    return {};
}

std::expected<void, Error> Execution::refuse(Trap trap) noexcept {
    const UseOfExecution use{object_, store_};
    if (!use)
        return std::unexpected{use.error()};
    if (object_->state() != ExecutionState::host_call || !object_->close_cell())
        return std::unexpected{not_waiting()};
    object_->refuse(std::move(trap));
    return {};
}

std::expected<AnswerToken, Error> Execution::token(void (*dropped)(void* data) noexcept,
                                                   void* data) noexcept {
    const UseOfExecution use{object_, store_};
    if (!use)
        return std::unexpected{use.error()};
    if (object_->state() != ExecutionState::host_call)
        return std::unexpected{not_waiting()};
    Ref<vm::AnswerCell> cell = object_->cell(dropped, data);
    if (!cell)
        return std::unexpected{no_memory()};
    return AnswerToken{std::move(cell)};
}

bool Execution::notify(void (*answered)(void* data) noexcept, void* data) noexcept {
    const UseOfExecution use{object_, store_};
    return use && object_->notify(answered, data);
}

// ---- Tokens ----

std::expected<AnswerToken, Trap> Caller::token(void (*dropped)(void* data) noexcept, void* data) noexcept {
    const vm::Execution* const execution = vm::Internal::impl(store_)->stacks.running();
    if (execution == nullptr || !execution->may_suspend)
        return std::unexpected{Trap{TrapCode::cannot_suspend}};
    Ref<vm::AnswerCell> cell = execution->owner->cell_of_call(type_, !has_token_, dropped, data);
    if (!cell)
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    has_token_ = true;
    return AnswerToken{std::move(cell)};
}

AnswerToken::AnswerToken() noexcept = default;
AnswerToken::AnswerToken(const AnswerToken&) noexcept = default;
AnswerToken& AnswerToken::operator=(const AnswerToken&) noexcept = default;
AnswerToken::~AnswerToken() = default;
AnswerToken::AnswerToken(Ref<vm::AnswerCell> cell) noexcept : cell_{std::move(cell)} {}

AnswerToken::State AnswerToken::state() const noexcept { return cell_ ? cell_->state() : State::closed; }

std::expected<void, Error> AnswerToken::answer(std::span<const Value> values) const noexcept {
    return cell_ ? cell_->answer(values) : std::unexpected{Error{ErrorCode::usage, "the token is empty"}};
}

std::expected<void, Error> AnswerToken::refuse(Trap trap) const noexcept {
    return cell_ ? cell_->refuse(std::move(trap))
                 : std::unexpected{Error{ErrorCode::usage, "the token is empty"}};
}

} // namespace warpbeam
