#include "heap/reference.hpp"
#include "store/store_impl.hpp"
#include "trap/trap_builder.hpp"
#include "trap/type_text.hpp"

#include <warpbeam/vm/func.hpp>

#include <algorithm>
#include <cstring>

/// Calls from the host into a store.
/// https://webassembly.github.io/spec/core/exec/modules.html#invocation

namespace warpbeam {

std::expected<void, Trap> StoreImpl::invoke(vm::FuncInst& func, uint64_t* frame, size_t params,
                                            size_t results) noexcept {
    if (!prepare_stacks())
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    vm::Execution& now = execution();
    const auto room = static_cast<size_t>(now.stack_limit - now.free);
    if (now.depth >= engine().config().host_call_depth || room <= std::max(params, results))
        return std::unexpected{Trap{TrapCode::call_stack_exhausted}};

    // When the host is called by code, this is where that code stands; a trap of ours must leave no trace in
    // it.
    const vm::Instr* const ip = now.ip;
    vm::Slot* const fp = now.fp;
    vm::Slot* const free = now.free;
    vm::Record* const rp = now.rp;
    vm::InstanceData* const inst = now.inst;

    std::copy_n(frame, params, free);
    ++now.depth;
    const vm::Exit exit = vm::run(now, func, nullptr, free);
    --now.depth;
    std::expected<void, Trap> outcome;
    if (exit == vm::Exit::done && !keep(types().func(func.type).results, free))
        outcome = std::unexpected{Trap{TrapCode::out_of_memory}};
    else if (exit == vm::Exit::done)
        std::copy_n(free, results, frame);
    else
        outcome = std::unexpected{
            TrapBuilder::build(exit, now, rp, std::exchange(held_, std::nullopt), allocator())};

    now.ip = ip;
    now.fp = fp;
    now.free = free;
    now.rp = rp;
    now.inst = inst;
    return outcome;
}

namespace detail {

std::expected<void, Trap> call_slots(vm::FuncInst& func, uint64_t* frame, size_t params,
                                     size_t results) noexcept {
    return func.store->invoke(func, frame, params, results);
}

} // namespace detail

FuncType Func::type() const noexcept {
    return inst_ != nullptr ? inst_->store->types().func(inst_->type) : FuncType{};
}

std::expected<Func, Error> Func::create(Store& store, const FuncType& type,
                                        const detail::HostCallable& callable) noexcept {
    const auto host = vm::HostFunc::create(store.engine(), type, callable);
    if (!host)
        return std::unexpected{host.error()};
    vm::FuncInst* const func = store.impl() != nullptr ? store.impl()->make_host_func(**host) : nullptr;
    (*host)->release();
    if (func == nullptr)
        return std::unexpected{no_memory()};
    return Func{func};
}

std::expected<void, Error> Func::check_type(std::span<const ValType> params,
                                            std::span<const ValType> results) const noexcept {
    if (inst_ == nullptr)
        return std::unexpected{Error{ErrorCode::usage, "the function is null"}};
    const FuncType own = type();
    if (std::ranges::equal(own.params, params) && std::ranges::equal(own.results, results))
        return {};
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
    StoreImpl& store = *inst_->store;
    const FuncType own = type();
    if (args.size() != own.params.size() || results.size() != own.results.size())
        return std::unexpected{Trap::with_message(
            store.allocator(), TrapCode::usage,
            "the function takes %zu arguments and has %zu results; given were %zu and room for %zu",
            own.params.size(), own.results.size(), args.size(), results.size())};
    for (size_t i = 0; i < args.size(); ++i)
        if (!vm::fits(args[i], own.params[i], store))
            return std::unexpected{Trap::with_message(store.allocator(), TrapCode::usage,
                                                      "argument %zu is not of the parameter's type", i)};

    const size_t params_slots = vm::slots_of(own.params);
    const size_t result_slots = vm::slots_of(own.results);
    constexpr size_t few = 16;
    uint64_t inlined[few];
    Vec<uint64_t> many{store.allocator()};
    const size_t slots = std::max(params_slots, result_slots);
    if (slots > few && !many.resize(slots))
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    uint64_t* const frame = slots > few ? many.data() : inlined;

    uint64_t* to = frame;
    for (size_t i = 0; i < args.size(); to += vm::slots_of(own.params[i++]))
        std::copy_n(args[i].slots(), vm::slots_of(own.params[i]), to);
    if (auto called = store.invoke(*inst_, frame, params_slots, result_slots); !called)
        return called;
    const uint64_t* from = frame;
    for (size_t i = 0; i < results.size(); from += vm::slots_of(own.results[i++]))
        results[i] = vm::to_value(own.results[i], from, store.types());
    return {};
}

} // namespace warpbeam
