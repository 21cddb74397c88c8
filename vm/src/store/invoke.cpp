#include "store/invoke.hpp"

#include "handlers/run.hpp"
#include "store/store_impl.hpp"
#include "store/values.hpp"
#include "trap/trap_builder.hpp"

#include <warpbeam/vm/active_stack.hpp>

#include <algorithm>

namespace warpbeam::vm {
Trap trap_of(Exit exit, const Execution& execution) noexcept {
    StoreImpl& store = *execution.store;
    if (exit == Exit::interrupted)
        store.stacks.clear_request();
    std::optional<Trap> held = store.pending.take();
    Ref<ExceptionRoot> uncaught;
    if (!held && exit == Exit::uncaught_exception)
        uncaught = store.roots.add_exception(execution.detail);
    Trap trap = TrapBuilder::build(exit, execution, std::move(held), std::move(uncaught), store.allocator());
    if (store.trap_observer != nullptr && trap.code() != TrapCode::exit)
        store.trap_observer->trapped(trap, Internal::stack(execution));
    return trap;
}

namespace {
/// Most functions have one parameter and one result, for which a call of memmove takes longer than the copy.
void copy_slots(const Slot* from, size_t count, Slot* to) noexcept {
    if (count == 1) [[likely]]
        *to = *from;
    else
        std::copy_n(from, count, to);
}
} // namespace

std::expected<void, Trap> invoke(FuncInst& func, uint64_t* frame, size_t params, size_t results) noexcept {
    StoreImpl& store = *func.store;
    if (store.heap.is_collecting() && !store.end_collection()) [[unlikely]] {
        store.stacks.clear_request();
        return std::unexpected{Trap{TrapCode::interrupted}};
    }
    TrapCode failure{};
    Execution* const execution = store.stacks.begin(std::max(params, results), failure);
    if (execution == nullptr)
        return std::unexpected{failure == TrapCode::usage
                                   ? Trap::with_message(failure, "the store is being destroyed")
                                   : Trap{failure}};
    copy_slots(frame, params, execution->stack);
    const Exit exit = run(*execution, func);
    std::expected<void, Trap> outcome;
    if (exit != Exit::done) {
        outcome = std::unexpected{trap_of(exit, *execution)};
        leave_continuations(*execution, nullptr);
    } else if (store.heap.unused() || keep(store.types().func(func.type).results, execution->stack, store))
        copy_slots(execution->stack, results, frame);
    else
        outcome = std::unexpected{Trap{TrapCode::out_of_memory}};
    store.stacks.end();
    return outcome;
}

std::expected<void, Trap> invoke(FuncInst& func, std::span<const Value> args,
                                 std::span<Value> results) noexcept {
    StoreImpl& store = *func.store;
    const FuncType& type = store.types().func(func.type);
    const auto plural = [](size_t count) { return count == 1 ? "" : "s"; };
    if (args.size() != type.params.size() || results.size() != type.results.size())
        return std::unexpected{Trap::with_message(
            store.allocator(), TrapCode::usage,
            "the function takes %zu argument%s and returns %zu result%s, but was called "
            "with %zu argument%s and space for %zu result%s",
            type.params.size(), plural(type.params.size()), type.results.size(), plural(type.results.size()),
            args.size(), plural(args.size()), results.size(), plural(results.size()))};
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
