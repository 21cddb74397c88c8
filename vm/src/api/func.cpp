#include "store/invoke.hpp"
#include "store/store_impl.hpp"
#include "store/use.hpp"
#include "store/values.hpp"
#include "trap/type_text.hpp"

#include <warpbeam/vm/host_func.hpp>

#include <algorithm>

namespace warpbeam {

std::expected<void, Trap> detail::call_slots(const Func& func, uint64_t* frame, size_t params,
                                             size_t results) noexcept {
    const vm::Use use{func};
    if (!use)
        return std::unexpected{use.trap()};
    return vm::invoke(*vm::Internal::inst(func), frame, params, results);
}

void detail::Mapping<Func>::store(uint64_t* slot, Func value) noexcept {
    const vm::Use use{value};
    *slot = use || value.is_null() ? vm::from_func(vm::Internal::inst(value)) : vm::unusable_func;
}
uint64_t detail::Mapping<Func>::store_number(Func value) noexcept {
    return vm::Internal::store_number(value);
}
Func detail::Mapping<Func>::load_value(const uint64_t* slot) noexcept {
    return slot[1] != 0 ? vm::Internal::handle<Func>(vm::to_func(slot[0]), slot[1]) : Func{};
}
Func detail::Mapping<Func>::load(const uint64_t* slot) noexcept { return vm::make_func(vm::to_func(*slot)); }

TypeRegistry* detail::registry_of(const Func& func) noexcept {
    const vm::Use use{func};
    return use ? &vm::Internal::inst(func)->store->engine().types() : nullptr;
}
StoreImpl* detail::store_of(const Func& func) noexcept {
    const vm::Use use{func};
    return use ? vm::Internal::inst(func)->store : nullptr;
}

std::expected<void, Trap> detail::check_arguments(const Func& func, const uint64_t* frame) noexcept {
    const vm::Use use{func};
    if (!use)
        return std::unexpected{use.trap()};
    StoreImpl& store = *vm::Internal::inst(func)->store;
    const std::span<const ValType> params = store.types().func(vm::Internal::inst(func)->type).params;
    if (const size_t i = vm::first_misfit(frame, params, store); i != params.size())
        return std::unexpected{
            Trap::with_message(store.allocator(), TrapCode::usage, "argument %zu has the wrong type", i)};
    return {};
}

FuncType Func::type() const noexcept {
    const vm::Use use{*this};
    return use ? inst_->store->types().func(inst_->type) : FuncType{};
}

std::expected<Func, Error> Func::create(Store& store, const FuncType& type,
                                        const detail::HostCallable& callable) noexcept {
    return create(store, vm::HostFunc::create(store.engine(), type, callable));
}
std::expected<Func, Error> Func::create(Store& store, TypeId type,
                                        const detail::HostCallable& callable) noexcept {
    return create(store, vm::HostFunc::create(store.engine(), type, callable));
}
std::expected<Func, Error> Func::create(Store& store,
                                        const std::expected<Ref<vm::HostFunc>, Error>& host) noexcept {
    if (!host)
        return std::unexpected{host.error()};
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    vm::FuncInst* const func = vm::Internal::impl(store)->objects.make_host_func(**host);
    if (func == nullptr)
        return std::unexpected{no_memory()};
    return vm::make_func(func);
}

std::expected<void, Error> Func::check_type(std::span<const ValType> params,
                                            std::span<const ValType> results) const noexcept {
    const vm::Use use{*this};
    if (!use)
        return std::unexpected{use.error()};
    const FuncType own = type();
    const TypeRegistry& types = inst_->store->types();
    // A reference of the same hierarchy may match the parameter's type; the call checks it.
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
    const vm::Use use{*this};
    if (!use)
        return std::unexpected{use.trap()};
    return vm::invoke(*inst_, args, results);
}

} // namespace warpbeam
