#include "store/invoke.hpp"
#include "store/store_impl.hpp"
#include "store/values.hpp"
#include "trap/type_text.hpp"

#include <warpbeam/vm/host_func.hpp>

#include <algorithm>

namespace warpbeam {

std::expected<void, Trap> detail::call_slots(vm::FuncInst& func, uint64_t* frame, size_t params,
                                             size_t results) noexcept {
    return vm::invoke(func, frame, params, results);
}

TypeRegistry* detail::registry_of(const vm::FuncInst* func) noexcept {
    return func != nullptr ? &func->store->engine().types() : nullptr;
}
StoreImpl* detail::store_of(const vm::FuncInst& func) noexcept { return func.store; }

std::expected<void, Trap> detail::check_arguments(const vm::FuncInst& func, const uint64_t* frame) noexcept {
    StoreImpl& store = *func.store;
    const std::span<const ValType> params = store.types().func(func.type).params;
    if (const size_t i = vm::first_misfit(frame, params, store); i != params.size())
        return std::unexpected{Trap::with_message(store.allocator(), TrapCode::usage,
                                                  "argument %zu is not of the parameter's type", i)};
    return {};
}

FuncType Func::type() const noexcept {
    return inst_ != nullptr ? inst_->store->types().func(inst_->type) : FuncType{};
}

std::expected<Func, Error> Func::create(Store& store, const FuncType& type,
                                        const detail::HostCallable& callable) noexcept {
    const auto host = vm::HostFunc::create(store.engine(), type, callable);
    if (!host)
        return std::unexpected{host.error()};
    vm::FuncInst* const func =
        store.impl() != nullptr ? store.impl()->objects.make_host_func(**host) : nullptr;
    if (func == nullptr)
        return std::unexpected{no_memory()};
    return Func{func};
}

std::expected<void, Error> Func::check_type(std::span<const ValType> params,
                                            std::span<const ValType> results) const noexcept {
    if (inst_ == nullptr)
        return std::unexpected{Error{ErrorCode::usage, "the function is null"}};
    const FuncType own = type();
    const TypeRegistry& types = inst_->store->types();
    // A reference of the same hierarchy may be of the parameter's type; the call finds out.
    const auto takes = [&](ValType param, ValType given) {
        return param.is_ref() && given.is_ref()
                   ? types.matches(given.heap(), param.heap()) || types.matches(param.heap(), given.heap())
                   : param == given;
    };
    const auto gives = [&](ValType result, ValType wanted) { return types.matches(result, wanted); };
    if (std::ranges::equal(own.params, params, takes) && std::ranges::equal(own.results, results, gives))
        return {};
    const auto is_missing = [](ValType given) { return given == ValType::bot; };
    if (std::ranges::any_of(params, is_missing) || std::ranges::any_of(results, is_missing))
        return std::unexpected{no_memory()}; // for the type of a typed function
    Text actual{inst_->store->allocator()};
    Text wanted{inst_->store->allocator()};
    add_type(actual, own, inst_->store->types());
    add_type(wanted, FuncType{params, results}, inst_->store->types());
    return std::unexpected{Error{ErrorCode::usage, "the function's type is %.*s, not %.*s",
                                 static_cast<int>(actual.view().size()), actual.view().data(),
                                 static_cast<int>(wanted.view().size()), wanted.view().data()}};
}

std::expected<void, Trap> Func::call(std::span<const Value> args, std::span<Value> results) const noexcept {
    if (inst_ == nullptr)
        return std::unexpected{Trap::with_message(TrapCode::usage, "the function is null")};
    return vm::invoke(*inst_, args, results);
}

// ---- What a host function learns ----

std::optional<Instance> Caller::instance() const noexcept {
    return instance_ != nullptr ? std::optional{Instance{instance_}} : std::nullopt;
}

std::optional<Memory> Caller::memory() const noexcept {
    if (instance_ == nullptr)
        return std::nullopt;
    vm::MemoryInst* const memory = static_cast<vm::InstanceObject*>(instance_)->exported_memory;
    return memory != nullptr ? std::optional{Memory{memory}} : std::nullopt;
}

std::optional<Extern> Caller::find_export(std::string_view name) const noexcept {
    return instance_ != nullptr ? Instance{instance_}.find_export(name) : std::nullopt;
}

} // namespace warpbeam
