#include "store/host_func.hpp"

#include "handlers/entry_points.hpp"
#include "store/store_impl.hpp"
#include "store/values.hpp"

#include <algorithm>
#include <cinttypes>

namespace warpbeam {
namespace vm {
namespace {

/// The id of the final function type without a supertype, which is the meaning of a plain function type.
TypeId id_of(TypeRegistry& types, const FuncType& type) noexcept {
    SubType plain;
    plain.func = type;
    return types.add_group({&plain, 1});
}

} // namespace

namespace {

/// The id of a plain function type, or why it can't be one of a host function.
std::expected<TypeId, Error> find_type(const Engine& engine, const FuncType& type) noexcept {
    TypeRegistry& types = engine.types();
    const ModuleLimits& limits = engine.config().limits;
    if (type.params.size() > limits.params || type.results.size() > limits.results)
        return std::unexpected{Error{ErrorCode::usage,
                                     "a host function has too many parameters or results (limits: %" PRIu32
                                     " and %" PRIu32 ")",
                                     limits.params, limits.results}};
    const auto is_foreign = [&](ValType of) { return !types.contains(of); };
    if (std::ranges::any_of(type.params, is_foreign) || std::ranges::any_of(type.results, is_foreign))
        return std::unexpected{
            Error{ErrorCode::usage, "a type of the host function is not in the engine's registry"}};
    const auto is_missing = [](ValType of) { return of == ValType::bot; }; // see func_reference
    const bool is_whole =
        std::ranges::none_of(type.params, is_missing) && std::ranges::none_of(type.results, is_missing);
    const TypeId id = is_whole ? id_of(types, type) : TypeRegistry::failed;
    return id != TypeRegistry::failed ? std::expected<TypeId, Error>{id} : std::unexpected{no_memory()};
}

/// A host function without its callable.
std::expected<Ref<HostFunc>, Error> make(const Engine& engine, TypeId type) noexcept {
    const TypeRegistry& types = engine.types();
    if (!types.contains(type) || types[type].kind != CompositeKind::func)
        return std::unexpected{Error{
            ErrorCode::usage, "type %" PRIu32 " is not a function type of the engine's registry", type}};
    Allocator& allocator = engine.allocator();
    auto host = Ref<HostFunc>::adopt(warpbeam::create<HostFunc>(allocator, allocator));
    if (!host)
        return std::unexpected{no_memory()};
    host->type = type;
    host->signature = &types.func(type);
    // At least one slot, so that no two frames of a stack begin at the same place.
    const size_t slots =
        std::max({slots_of(host->signature->params), slots_of(host->signature->results), size_t{1}});
    make_host_code(host->code, *host, static_cast<uint32_t>(slots));
    host->cell.code.store(&host->code.header, std::memory_order_relaxed);
    host->cell.owner = host.get();
    return host;
}

/// Gives a host function its callable, which is dropped if there is none.
std::expected<Ref<HostFunc>, Error> give(std::expected<Ref<HostFunc>, Error> host, const Engine& engine,
                                         const warpbeam::detail::HostCallable& callable) noexcept {
    if (callable.entry == nullptr)
        return std::unexpected{Error{ErrorCode::usage, "the host function is a null pointer"}};
    if (callable.object == nullptr)
        return std::unexpected{no_memory()};
    if (host)
        (*host)->callable = callable;
    else
        callable.drop(engine.allocator(), callable.object);
    return host;
}

} // namespace

std::expected<Ref<HostFunc>, Error>
HostFunc::create(const Engine& engine, const FuncType& type,
                 const warpbeam::detail::HostCallable& callable) noexcept {
    return give(create_owners(engine, type), engine, callable);
}
std::expected<Ref<HostFunc>, Error>
HostFunc::create(const Engine& engine, TypeId type, const warpbeam::detail::HostCallable& callable) noexcept {
    return give(make(engine, type), engine, callable);
}
std::expected<Ref<HostFunc>, Error> HostFunc::create_owners(const Engine& engine, TypeId type) noexcept {
    return make(engine, type);
}
std::expected<Ref<HostFunc>, Error> HostFunc::create_owners(const Engine& engine,
                                                            const FuncType& type) noexcept {
    const auto id = find_type(engine, type);
    return id ? make(engine, *id) : std::unexpected{id.error()};
}

namespace {
/// The call waits for its answer, if it may.
Exit wait(Execution& execution, PendingTrap& pending, bool has_token) noexcept {
    execution.has_token = has_token;
    return execution.may_suspend ? Exit::host_call : pending.hold(execution, Trap{TrapCode::cannot_suspend});
}

/// Why the function has not returned, as an exit.
[[gnu::noinline]] Exit unfinished(Execution& execution, const Caller& from, bool observed,
                                  Trap& trap) noexcept {
    PendingTrap& pending = execution.store->pending;
    if (trap.code() == TrapCode::suspended)
        return wait(execution, pending, Internal::has_token(from));
    // The arguments are still there, so that an execution calls the function again when it goes on.
    if (trap.code() == TrapCode::interrupted && (execution.may_suspend || execution.must_stop())) {
        execution.calls_again = observed;
        return Exit::interrupted;
    }
    return pending.hold(execution, std::move(trap));
}

[[gnu::always_inline]] inline Exit call(Execution& execution, HostFunc& host, InstanceData* caller,
                                        Slot* frame, bool observed) noexcept {
    if (host.is_owners())
        return wait(execution, execution.store->pending, false);
    Caller from = Internal::caller(execution.store->handle(), caller, *host.signature);
    // The frame contains the arguments, and after the call the results.
    const size_t kept = execution.store->heap.kept();
    auto called = host.callable.entry(host.callable.object, from, frame);
    Heap& heap = execution.store->heap;
    if (heap.kept() > kept) [[unlikely]]
        heap.release_kept(kept);
    heap.end_collection(); // one that was interrupted in a nested computation
    return called ? Exit::none : unfinished(execution, from, observed, called.error());
}

/// The same, and an observer hears of it.
[[gnu::noinline]] Exit call_observed(Execution& execution, HostFunc& host, InstanceData* caller,
                                     Slot* frame) noexcept {
    if (!std::exchange(execution.calls_again, false))
        observe(execution, Observed::enter, frame);
    const Exit exit = call(execution, host, caller, frame, true);
    if (exit == Exit::none)
        observe(execution, Observed::leave, frame);
    return exit;
}
} // namespace

Exit call_host(Execution& execution, HostFunc& host, InstanceData* caller, Slot* frame) noexcept {
    if (execution.store->observes_calls && caller != nullptr) [[unlikely]]
        return call_observed(execution, host, caller, frame);
    return call(execution, host, caller, frame, false);
}

} // namespace vm

namespace detail {

namespace {

Trap wrong_result(const StoreImpl& store, size_t i) noexcept {
    return Trap::with_message(store.allocator(), TrapCode::host,
                              "result %zu of the host function has the wrong type", i);
}

} // namespace

ValType func_reference(TypeRegistry& registry, const FuncType& type) noexcept {
    const TypeId id = vm::id_of(registry, type);
    return id != TypeRegistry::failed ? ValType::reference(HeapType::defined(id), true) : ValType::bot;
}

StoreImpl* store_of(const Caller& caller) noexcept { return vm::Internal::impl(caller.store()); }

std::expected<void, Trap> check_results(Caller& caller, const uint64_t* frame) noexcept {
    StoreImpl& store = *store_of(caller);
    const std::span<const ValType> types = caller.type().results;
    if (const size_t i = vm::first_misfit(frame, types, store); i != types.size())
        return std::unexpected{wrong_result(store, i)};
    return {};
}

std::expected<void, Trap> call_untyped(UntypedCall call, void* object, Caller& caller,
                                       uint64_t* frame) noexcept {
    StoreImpl& store = *store_of(caller);
    const FuncType& type = caller.type();
    // Few functions have more parameters and results than this; for those, the values are allocated.
    constexpr size_t few = 8;
    Value inlined[few];
    Vec<Value> many{store.allocator()};
    const size_t count = type.params.size() + type.results.size();
    if (count > few && !many.resize(count))
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    Value* const values = count > few ? many.data() : inlined;
    const std::span<Value> args{values, type.params.size()};
    const std::span<Value> results{values + args.size(), type.results.size()};

    vm::load_values(args, type.params, frame, store.types());
    constexpr uint64_t zeros[2] = {0, 0};
    for (size_t i = 0; i < results.size(); ++i)
        results[i] = vm::to_value(type.results[i], zeros, store.types());

    if (auto called = call(object, caller, args, results); !called)
        return called;

    if (const size_t i = vm::first_misfit(results, type.results, store); i != results.size())
        return std::unexpected{wrong_result(store, i)};
    vm::store_values(frame, results);
    return {};
}

} // namespace detail

} // namespace warpbeam
