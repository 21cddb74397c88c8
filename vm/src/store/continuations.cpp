#include "handlers/continuation.hpp"
#include "handlers/entry_points.hpp"
#include "handlers/run.hpp"
#include "store/frame_roots.hpp"
#include "store/store_impl.hpp"

#include <warpbeam/loader/built_features.hpp>

#include <algorithm>

/// The stacks of continuations.

namespace warpbeam {
namespace vm {
namespace {

/// Most coroutines are shallow, and the smaller they are, the more of them fit the caches.
constexpr size_t smallest_block = 96;

} // namespace

Exit Stacks::make_continuation(FuncInst& func, ContObject& object) noexcept {
    Heap& heap = owner_.heap;
    if (!heap.add_continuation())
        return heap.failure();
    const FuncType& type = owner_.types().func(func.type);
    const size_t slots = std::max(slots_of(type.params), slots_of(type.results));
    // A multiple of the size of a record, whose place the end of the block is.
    const size_t needed = call_records * sizeof(Record) + (slots + 1) / 2 * 2 * sizeof(Slot);
    const size_t bytes = std::max(needed, smallest_block);
    Allocator& allocator = engine_.allocator();
    void* const memory = allocator.allocate(sizeof(Continuation) + bytes, alignof(Continuation));
    if (memory == nullptr)
        return Exit::out_of_memory;
    auto* const made = ::new (memory) Continuation{};
    made->first_bytes = bytes;
    Slot* const stack = made->first_block();
    auto* const end = reinterpret_cast<Record*>(reinterpret_cast<char*>(stack) + bytes);
    end[-1] = {finish_instr(), stack};
    made->state = {stack, end, begin_instr(), stack, stack, end - 1, func.instance, 0};
    made->func = &func;
    made->object = &object;
    made->next = continuations_;
    if (continuations_ != nullptr)
        continuations_->before = made;
    continuations_ = made;
    object.inner = object.outer = made;
    return Exit::none;
}

void Stacks::free_continuation(Continuation& continuation) noexcept {
    (continuation.before != nullptr ? continuation.before->next : continuations_) = continuation.next;
    if (continuation.next != nullptr)
        continuation.next->before = continuation.before;
    Allocator& allocator = engine_.allocator();
    if (continuation.state.stack != continuation.first_block())
        allocator.deallocate(continuation.state.stack, block_size(continuation.state), alignof(Record));
    allocator.deallocate(&continuation, sizeof(Continuation) + continuation.first_bytes,
                         alignof(Continuation));
}

uint64_t Stacks::sweep_continuations(Heap& heap) noexcept {
    // Freeing a list removes others too, so the dead ones are found first. Their object is gone, so its place
    // can link them.
    uint64_t left = 0;
    Continuation* dead = nullptr;
    for (Continuation* each = continuations_; each != nullptr; each = each->next) {
        ++left;
        if (each->object == nullptr || heap.is_marked(*each->object))
            continue;
        each->object = reinterpret_cast<ContObject*>(dead);
        dead = each;
    }
    while (dead != nullptr) {
        Continuation* const inner = std::exchange(dead, reinterpret_cast<Continuation*>(dead->object));
        for (const Continuation* each = inner; each != nullptr; each = each->parent)
            --left;
        free_continuations(owner_, inner);
    }
    return left;
}

Exit make_continuation(StoreImpl& store, FuncInst& func, ContObject& object) noexcept {
    return store.stacks.make_continuation(func, object);
}

void free_continuations(StoreImpl& store, Continuation* inner) noexcept {
    while (inner != nullptr) {
        Continuation& each = *std::exchange(inner, inner->parent);
        store.stacks.free_continuation(each);
    }
}

void leave_continuations(Execution& execution, Continuation* end) noexcept {
    Continuation* const inner = execution.continuation;
    if (!is_built(Feature::stack_switching) || inner == end)
        return;
    execution.max_stack += waiting_bytes(inner, end);
    inner->state = execution;
    static_cast<StackState&>(execution) = waiting_state(execution, end);
    execution.continuation = end;
    Continuation* outer = inner;
    while (outer->parent != end)
        outer = outer->parent;
    outer->parent = nullptr;
    free_continuations(*execution.store, inner);
}

} // namespace vm

void StoreImpl::mark_continuation(vm::Heap& of, const vm::ContObject& object) noexcept {
    if (is_built(Feature::stack_switching) && object.inner != nullptr)
        vm::mark_frames(*object.inner, types(), of, marked_code_);
}

uint64_t StoreImpl::sweep_continuations(vm::Heap& of) noexcept {
    return is_built(Feature::stack_switching) ? stacks.sweep_continuations(of) : 0;
}

} // namespace warpbeam
