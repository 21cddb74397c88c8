#include "callback.hpp"
#include "types.hpp"

#include <algorithm>

namespace warpbeam::capi {
namespace {

wasm_func_t* make_func(wasm_store_t* store, const wasm_functype_t* type, Callback callback) noexcept {
    if (store == nullptr || !store->store || type == nullptr)
        return nullptr;
    const TypeId id = type_id(store->engine, *type);
    if (id == SubType::no_type)
        return nullptr;
    const auto func = Func::wrap(*store->store, id, std::move(callback));
    return func ? make_ref<wasm_func_t>(*store, *func) : nullptr;
}

std::expected<void, Trap> call(wasm_store_t& store, const Func& func, std::span<const wasm_val_t> args,
                               std::span<wasm_val_t> results) noexcept {
    const FuncType type = func.type();
    Allocator& allocator = store.allocator();
    if (args.size() != type.params.size())
        return std::unexpected{Trap::with_message(
            allocator, TrapCode::usage, "the function has %zu parameter%s, but %zu argument%s given",
            type.params.size(), type.params.size() == 1 ? "" : "s", args.size(),
            args.size() == 1 ? " is" : "s are")};
    // Callers that expect a trap often have no room for results.
    results = results.first(std::min(results.size(), type.results.size()));
    Room<Value> room{allocator, args.size() + type.results.size()};
    if (!room)
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    const std::span<Value> values = room.all().first(args.size());
    const std::span<Value> returned = room.all().subspan(args.size());
    const RootScope scope{*store.store};
    for (size_t i = 0; i < args.size(); ++i) {
        const auto value = from_c(store, args[i], type.params[i]);
        if (!value)
            return std::unexpected{trap_of("argument", i, value.error(), allocator)};
        values[i] = *value;
    }
    for (const ValType result : type.results.first(results.size()))
        if (result.is_vec())
            return std::unexpected{Trap::with_message(
                allocator, TrapCode::usage, "a result is a v128, which a wasm_val_t has no room for")};
    if (auto called = func.call(values, returned); !called)
        return called;
    for (size_t i = 0; i < results.size(); ++i)
        if (!to_c(store, returned[i], results[i])) {
            for (size_t j = 0; j < i; ++j)
                wasm_val_delete(&results[j]);
            return std::unexpected{Trap{TrapCode::out_of_memory}};
        }
    return {};
}

template <typename Vec>
auto span_of(Vec* vec) noexcept {
    return vec != nullptr && vec->data != nullptr ? std::span{vec->data, vec->size} : std::span<wasm_val_t>{};
}

FuncType type_of(const wasm_func_t* func) noexcept { return handle<Func>(func).type(); }

} // namespace
} // namespace warpbeam::capi

using namespace warpbeam;

wasm_func_t* wasm_func_new(wasm_store_t* store, const wasm_functype_t* type, wasm_func_callback_t callback) {
    return callback != nullptr ? capi::make_func(store, type, {callback, nullptr, {}}) : nullptr;
}
wasm_func_t* wasm_func_new_with_env(wasm_store_t* store, const wasm_functype_t* type,
                                    wasm_func_callback_with_env_t callback, void* env,
                                    void (*finalizer)(void*)) {
    capi::HostInfo own_env{env, finalizer};
    return callback != nullptr ? capi::make_func(store, type, {nullptr, callback, std::move(own_env)})
                               : nullptr;
}
wasm_functype_t* wasm_func_type(const wasm_func_t* func) {
    return wasm_externtype_as_functype(wasm_extern_type(wasm_func_as_extern_const(func)));
}
size_t wasm_func_param_arity(const wasm_func_t* func) { return capi::type_of(func).params.size(); }
size_t wasm_func_result_arity(const wasm_func_t* func) { return capi::type_of(func).results.size(); }

wasm_trap_t* wasm_func_call(const wasm_func_t* func, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    const Func* const found = capi::find<Func>(func);
    if (found == nullptr)
        return capi::constant_trap(TrapCode::usage);
    // A callback may delete the reference.
    const Ref<wasm_store_t> store = capi::as_ref(func)->store;
    const Func callee = *found;
    auto called = capi::call(*store, callee, capi::span_of(args), capi::span_of(results));
    return called ? nullptr : capi::make_trap(*store, std::move(called.error()));
}
