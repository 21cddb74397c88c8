#include "store/invoke.hpp"

#include "handlers/run.hpp"
#include "store/native_stack.hpp"
#include "store/store_impl.hpp"
#include "store/values.hpp"
#include "trap/trap_builder.hpp"

#include <algorithm>

namespace warpbeam::vm {
namespace {

/// The trap of a failed run.
Trap trap_of(Exit exit, StoreImpl& store, const Record* base) noexcept {
    Execution& now = store.execution();
    if (exit == Exit::interrupted)
        now.interrupt.fetch_and(~Execution::interrupt_requested, std::memory_order_relaxed);
    std::optional<Trap> held = store.pending.take();
    Ref<ExceptionRoot> uncaught;
    if (!held && exit == Exit::uncaught_exception)
        uncaught = store.roots.add_exception(now.detail);
    return TrapBuilder::build(exit, now, base, std::move(held), std::move(uncaught), store.allocator());
}

} // namespace

std::expected<void, Trap> invoke(FuncInst& func, uint64_t* frame, size_t params, size_t results) noexcept {
    StoreImpl& store = *func.store;
    if (!store.stacks.prepare())
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    Execution& now = store.execution();
    const auto room = static_cast<size_t>(now.stack_limit - now.free);
    if (now.depth >= now.max_depth || room <= std::max(params, results) ||
        !has_native_stack(now.native_stack_reserve))
        return std::unexpected{Trap{TrapCode::call_stack_exhausted}};

    // If code called the host, this is the state of that code; a trap in this run must not change it.
    const Instr* const ip = now.ip;
    Slot* const fp = now.fp;
    Slot* const free = now.free;
    Record* const rp = now.rp;
    InstanceData* const inst = now.inst;

    std::copy_n(frame, params, free);
    ++now.depth;
    const Exit exit = run(now, func, nullptr, free);
    --now.depth;
    std::expected<void, Trap> outcome;
    if (exit != Exit::done)
        outcome = std::unexpected{trap_of(exit, store, rp)};
    else if (keep(store.types().func(func.type).results, free, store))
        std::copy_n(free, results, frame);
    else
        outcome = std::unexpected{Trap{TrapCode::out_of_memory}};

    now.ip = ip;
    now.fp = fp;
    now.free = free;
    now.rp = rp;
    now.inst = inst;
    return outcome;
}

std::expected<void, Trap> invoke(FuncInst& func, std::span<const Value> args,
                                 std::span<Value> results) noexcept {
    StoreImpl& store = *func.store;
    const FuncType& type = store.types().func(func.type);
    if (args.size() != type.params.size() || results.size() != type.results.size())
        return std::unexpected{
            Trap::with_message(store.allocator(), TrapCode::usage,
                               "the function takes %zu arguments and returns %zu results, but was called "
                               "with %zu arguments and space for %zu results",
                               type.params.size(), type.results.size(), args.size(), results.size())};
    if (const size_t i = first_misfit(args, type.params, store); i != args.size())
        return std::unexpected{
            Trap::with_message(store.allocator(), TrapCode::usage, "argument %zu has the wrong type", i)};

    const size_t params_slots = slots_of(type.params);
    const size_t result_slots = slots_of(type.results);
    constexpr size_t few = 16;
    uint64_t inlined[few];
    Vec<uint64_t> many{store.allocator()};
    const size_t slots = std::max(params_slots, result_slots);
    if (slots > few && !many.resize(slots))
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    uint64_t* const frame = slots > few ? many.data() : inlined;

    store_values(frame, args);
    if (auto called = invoke(func, frame, params_slots, result_slots); !called)
        return called;
    load_values(results, type.results, frame, store.types());
    return {};
}

} // namespace warpbeam::vm
