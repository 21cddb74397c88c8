#include "execution.hpp"

#include "error.hpp"
#include "trap.hpp"
#include "types.hpp"
#include "values.hpp"

namespace warpbeam::capi {
namespace {

/// The execution, if its store is not deleted, else null.
template <typename Execution>
auto* live(Execution* execution) noexcept {
    return execution != nullptr && execution->store->store ? &execution->execution : nullptr;
}

warpbeam_error_t* no_execution() noexcept {
    return misuse("there is no execution, or its store was deleted");
}

} // namespace
} // namespace warpbeam::capi

using namespace warpbeam;

warpbeam_error_t* warpbeam_execution_new(const wasm_func_t* func, const wasm_val_vec_t* args,
                                         warpbeam_execution_t** out) {
    *out = nullptr;
    if (capi::find<Func>(func) == nullptr)
        return capi::misuse("there is no function, or its store was deleted");
    const Func callee = capi::handle<Func>(func);
    wasm_store_t& store = *capi::as_ref(func)->store;
    const RootScope scope{*store.store};
    const auto values = capi::values_of(store, callee.type().params, args);
    if (!values)
        return capi::make_error(values.error());
    auto execution = Execution::create(callee, *values);
    if (!execution)
        return capi::make_error(execution.error());
    *out =
        create<warpbeam_execution_t>(capi::common(), Ref<wasm_store_t>::share(&store), std::move(*execution));
    return *out != nullptr ? nullptr : capi::make_error(Error{ErrorCode::out_of_memory});
}
void warpbeam_execution_delete(warpbeam_execution_t* execution) { destroy(capi::common(), execution); }

warpbeam_state_t warpbeam_execution_state(const warpbeam_execution_t* execution) {
    static_assert(WARPBEAM_STATE_TRAPPED == static_cast<int>(ExecutionState::trapped));
    const Execution* const found = capi::live(execution);
    return found != nullptr ? static_cast<warpbeam_state_t>(found->state()) : WARPBEAM_STATE_TRAPPED;
}
warpbeam_error_t* warpbeam_execution_resume(warpbeam_execution_t* execution, uint64_t fuel) {
    Execution* const found = capi::live(execution);
    return found != nullptr ? capi::error_of(found->resume({.fuel = fuel})) : capi::no_execution();
}
uint64_t warpbeam_execution_fuel(const warpbeam_execution_t* execution) {
    const Execution* const found = capi::live(execution);
    return found != nullptr ? found->fuel() : 0;
}

warpbeam_error_t* warpbeam_execution_results(const warpbeam_execution_t* execution, wasm_val_vec_t* out) {
    *out = {0, nullptr};
    const Execution* const found = capi::live(execution);
    if (found == nullptr)
        return capi::no_execution();
    wasm_store_t& store = *execution->store;
    const RootScope scope{*store.store};
    Vec<Value> values{store.allocator()};
    if (!values.resize(found->type().results.size()))
        return capi::make_error(Error{ErrorCode::out_of_memory});
    if (const auto results = found->results(values); !results)
        return capi::make_error(results.error());
    return capi::to_c(store, values, *out);
}
wasm_trap_t* warpbeam_execution_trap_new(const warpbeam_execution_t* execution) {
    const Execution* const found = capi::live(execution);
    const Trap* const trap = found != nullptr ? found->trap() : nullptr;
    return trap != nullptr ? capi::make_trap(*execution->store, *trap) : nullptr;
}

void warpbeam_execution_call_name(const warpbeam_execution_t* execution, wasm_name_t* module,
                                  wasm_name_t* name) {
    const Execution* const found = capi::live(execution);
    const HostCall call = found != nullptr ? found->host_call() : HostCall{};
    (void)capi::make_name(*module, call.module);
    (void)capi::make_name(*name, call.name);
}
warpbeam_error_t* warpbeam_execution_call_args(const warpbeam_execution_t* execution, wasm_val_vec_t* out) {
    *out = {0, nullptr};
    const Execution* const found = capi::live(execution);
    if (found == nullptr || found->state() != ExecutionState::host_call)
        return capi::misuse("the execution does not wait for an answer");
    wasm_store_t& store = *execution->store;
    const RootScope scope{*store.store};
    Vec<Value> values{store.allocator()};
    if (!values.resize(found->host_call().type.params.size()))
        return capi::make_error(Error{ErrorCode::out_of_memory});
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = found->argument(i);
    return capi::to_c(store, values, *out);
}
warpbeam_error_t* warpbeam_execution_answer(warpbeam_execution_t* execution, const wasm_val_vec_t* results) {
    Execution* const found = capi::live(execution);
    if (found == nullptr || found->state() != ExecutionState::host_call)
        return capi::misuse("the execution does not wait for an answer");
    wasm_store_t& store = *execution->store;
    const RootScope scope{*store.store};
    const auto values = capi::values_of(store, found->host_call().type.results, results);
    return values ? capi::error_of(found->answer(*values)) : capi::make_error(values.error());
}
warpbeam_error_t* warpbeam_execution_refuse(warpbeam_execution_t* execution, const wasm_trap_t* trap) {
    Execution* const found = capi::live(execution);
    if (found == nullptr || trap == nullptr)
        return capi::misuse("there is no execution, or no trap");
    return capi::error_of(found->refuse(capi::passed_trap(trap)));
}
wasm_trap_t* warpbeam_trap_suspend_new(wasm_store_t* store) {
    return store != nullptr ? capi::make_trap(*store, Trap{TrapCode::suspended}) : nullptr;
}
