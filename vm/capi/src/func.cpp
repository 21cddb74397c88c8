#include "trap.hpp"
#include "types.hpp"
#include "values.hpp"

#include <warpbeam/vm/host_func.hpp>

#include <algorithm>

namespace warpbeam::capi {
namespace {

/// A host function of C, and its environment.
class Callback {
public:
    Callback(wasm_func_callback_t plain, wasm_func_callback_with_env_t with_env, HostInfo env) noexcept
        : plain_{plain}, with_env_{with_env}, env_{std::move(env)} {}

    std::expected<void, Trap> operator()(Caller& caller, std::span<const Value> args,
                                         std::span<Value> results) {
        wasm_store_t& store = store_of(caller.store());
        Room<wasm_val_t> room{store.allocator(), args.size() + results.size()};
        if (!room)
            return std::unexpected{Trap{TrapCode::out_of_memory}};
        const std::span<wasm_val_t> c_args = room.all().first(args.size());
        const std::span<wasm_val_t> c_results = room.all().subspan(args.size());
        auto called = convert(store, args, c_args);
        for (size_t i = 0; i < results.size(); ++i)
            set_zero(c_results[i], kind_of(results[i].type(), store.engine.types()));
        if (called)
            called = call(c_args, c_results);
        if (called)
            called = convert_back(store, caller.type().results, c_results, results);
        for (wasm_val_t& value : room.all())
            wasm_val_delete(&value);
        return called;
    }

private:
    static std::expected<void, Trap> convert(wasm_store_t& store, std::span<const Value> args,
                                             std::span<wasm_val_t> to) noexcept {
        for (size_t i = 0; i < args.size(); ++i)
            if (!to_c(store, args[i], to[i]))
                return std::unexpected{
                    args[i].type().is_vec()
                        ? Trap::with_message(store.allocator(), TrapCode::usage,
                                             "argument %zu is a v128, which a wasm_val_t has no room for", i)
                        : Trap{TrapCode::out_of_memory}};
        return {};
    }
    static std::expected<void, Trap> convert_back(wasm_store_t& store, std::span<const ValType> types,
                                                  std::span<const wasm_val_t> from,
                                                  std::span<Value> results) noexcept {
        for (size_t i = 0; i < results.size(); ++i) {
            const auto value = from_c(store, from[i], types[i]);
            if (!value)
                return std::unexpected{Trap::with_message(
                    store.allocator(), TrapCode::usage,
                    "result %zu of a host function is of kind %u, which does not fit its type (kind %u)", i,
                    unsigned{from[i].kind}, unsigned{kind_of(types[i], store.engine.types())})};
            results[i] = *value;
        }
        return {};
    }
    std::expected<void, Trap> call(std::span<wasm_val_t> args, std::span<wasm_val_t> results) {
        const wasm_val_vec_t arg_vec{args.size(), args.data()};
        wasm_val_vec_t result_vec{results.size(), results.data()};
        wasm_trap_t* const trap = with_env_ != nullptr ? with_env_(env_.data(), &arg_vec, &result_vec)
                                                       : plain_(&arg_vec, &result_vec);
        if (trap != nullptr)
            return std::unexpected{take_trap(trap)};
        return {};
    }

    wasm_func_callback_t plain_;
    wasm_func_callback_with_env_t with_env_;
    HostInfo env_;
};

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
            return std::unexpected{Trap::with_message(
                allocator, TrapCode::usage,
                "argument %zu is of kind %u and does not fit its parameter (kind %u)", i,
                unsigned{args[i].kind}, unsigned{kind_of(type.params[i], store.engine.types())})};
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
