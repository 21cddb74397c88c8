#include "store/stacks.hpp"

#include "handlers/continuation.hpp"
#include "handlers/entry_points.hpp"
#include "store/native_stack.hpp"
#include "store/store_impl.hpp"

#include <algorithm>
#include <cstring>

namespace warpbeam::vm {
namespace {

/// A stack is one block: the slots from its beginning upwards, the records from its end downwards.
constexpr size_t first_block = 512;
/// Executions that are kept for the next calls, and the largest block that each of them keeps.
constexpr unsigned max_idle = 8;
constexpr size_t max_idle_block = 64 * 1024;

/// Moves the stack to a block of another size, which is enough for what is in use. The old block is freed
/// unless it is `kept`.
bool move_stack(StackState& execution, size_t bytes, Allocator& allocator,
                const Slot* kept = nullptr) noexcept {
    void* const block = allocator.allocate(bytes, alignof(Record));
    if (block == nullptr)
        return false;
    auto* const stack = static_cast<Slot*>(block);
    auto* const end = reinterpret_cast<Record*>(static_cast<char*>(block) + bytes);
    Record* const rp = end - (execution.stack_end - execution.rp);
    if (execution.stack != nullptr) {
        const auto moved = [&](Slot* slot) { return stack + (slot - execution.stack); };
        std::memcpy(static_cast<void*>(stack), execution.stack,
                    static_cast<size_t>(reinterpret_cast<char*>(execution.rp) -
                                        reinterpret_cast<char*>(execution.stack)));
        for (Record *to = rp, *from = execution.rp; to != end; ++to, ++from)
            *to = {from->ip, from->fp != nullptr ? moved(from->fp) : nullptr};
        execution.fp = moved(execution.fp);
        execution.free = moved(execution.free);
        if (execution.stack != kept)
            allocator.deallocate(execution.stack, block_size(execution), alignof(Record));
    } else {
        execution.fp = execution.free = stack;
    }
    execution.stack = stack;
    execution.stack_end = end;
    execution.rp = rp;
    return true;
}

} // namespace

/// Where code itself checks the stack, the block is to be large enough for whatever it allows: frames may
/// take more slots than count, at most these times as many.
size_t max_block(const Execution& execution) noexcept {
    return execution.checks_stack ? first_block + 8 * std::min(execution.max_stack, SIZE_MAX / 16)
                                  : execution.max_stack;
}

bool grow_stack(Execution& execution) noexcept {
    const size_t size = block_size(execution);
    const size_t max = max_block(execution);
    if (size >= max)
        return false;
    const size_t larger = std::min(2 * size, max);
    Quota& quota = execution.store->quota;
    // The stacks of continuations belong to the heap.
    const bool counts = execution.may_suspend && execution.continuation == nullptr;
    if (counts && !quota.take_execution_bytes(larger - size))
        return false;
    const Slot* const kept =
        execution.continuation != nullptr ? execution.continuation->first_block() : nullptr;
    if (move_stack(execution, larger, execution.store->allocator(), kept))
        return true;
    if (counts)
        quota.return_execution_bytes(larger - size);
    return false;
}

Stacks::Stacks(StoreImpl& owner, const Engine& engine, Ref<InterruptTarget> target) noexcept
    : owner_{owner}, engine_{engine}, target_{std::move(target)},
      max_stack_{std::max(engine.config().stack_size / sizeof(Record) * sizeof(Record), first_block)},
      max_depth_{engine.config().host_call_depth}, has_fuel_{engine.config().fuel},
      native_stack_reserve_{
          static_cast<int64_t>(std::min<uint64_t>(engine.config().native_stack_reserve, INT64_MAX / 2))},
      fuel_{has_fuel_ ? 0 : INT64_MAX} {} // instructions that take fuel have enough of it

Stacks::~Stacks() {
    // For good: no handle can make a request any more.
    target_->changed(target_->word.exchange(UINT64_MAX, std::memory_order_relaxed), 0);
    while (owned_ != nullptr) {
        owned_->owner->forget();
        // Its continuations are freed with all others.
        if (owned_->continuation != nullptr) {
            owned_->continuation->state = *owned_;
            static_cast<StackState&>(*owned_) = owned_->own;
        }
        destroy(std::exchange(owned_, owned_->next));
    }
    while (idle_ != nullptr)
        destroy(std::exchange(idle_, idle_->outer));
    if (spare_ != nullptr)
        spare_->release_spare();
    while (continuations_ != nullptr)
        free_continuation(*continuations_);
}

Execution* Stacks::create() noexcept {
    Allocator& allocator = engine_.allocator();
    auto* const execution = warpbeam::create<Execution>(allocator);
    if (execution == nullptr)
        return nullptr;
    execution->store = &owner_;
    execution->interrupt = target_.get();
    execution->may_be_interrupted = engine_.config().interruption;
    execution->may_wait = engine_.config().waiting;
    execution->checks_stack = engine_.config().deterministic;
    if (!move_stack(*execution, first_block, allocator)) {
        warpbeam::destroy(allocator, execution);
        return nullptr;
    }
    return execution;
}

void Stacks::destroy(Execution* execution) noexcept {
    Allocator& allocator = engine_.allocator();
    if (execution->array != nullptr) // the store is being destroyed
        Heap::free_array(execution->array, allocator);
    allocator.deallocate(execution->stack, block_size(*execution), alignof(Record));
    warpbeam::destroy(allocator, execution);
}

bool Stacks::may_nest(TrapCode& failure) const noexcept {
    uint32_t depth = 0;
    for (const Execution* execution = running_; execution != nullptr; execution = execution->outer)
        ++depth;
    if (depth < max_depth_ && has_native_stack(native_stack_reserve_))
        return true;
    failure = closed_ ? TrapCode::usage : TrapCode::call_stack_exhausted;
    return false;
}

bool Stacks::enter(Execution& execution, TrapCode& failure) noexcept {
    if (!may_nest(failure))
        return false;
    execution.outer = running_;
    execution.is_running = true;
    execution.has_values = false;
    running_ = &execution;
    return true;
}

Execution* Stacks::begin_slowly(size_t slots, TrapCode& failure) noexcept {
    if (!may_nest(failure))
        return nullptr;
    // The first block may be larger than what is left.
    const size_t max_stack = running_ != nullptr
                                 ? running_->max_stack - std::min(running_->max_stack, used(*running_))
                                 : max_stack_;
    Execution* const execution = take(slots, max_stack, failure);
    if (execution == nullptr)
        return nullptr;
    execution->fuel = fuel();
    execution->outer = running_;
    running_ = execution;
    return execution;
}

Execution* Stacks::take(size_t slots, size_t max_stack, TrapCode& failure) noexcept {
    Execution* execution = idle_;
    failure = TrapCode::out_of_memory;
    if (execution == nullptr || block_size(*execution) > std::max(max_stack, first_block)) {
        execution = create();
        if (execution == nullptr)
            return nullptr;
    } else {
        idle_ = execution->outer;
        --idle_count_;
    }
    execution->fp = execution->free = execution->stack;
    execution->has_values = false;
    execution->rp = execution->stack_end;
    execution->inst = nullptr;
    execution->may_suspend = false;
    execution->max_stack = max_stack;
    while (!has_room(*execution, slots)) {
        if (max_block(*execution) <= block_size(*execution))
            failure = TrapCode::call_stack_exhausted;
        if (!grow_stack(*execution)) {
            put_back(*execution);
            return nullptr;
        }
    }
    return execution;
}

void Stacks::put_back_slowly(Execution& execution) noexcept {
    // One large block at most is kept.
    if (idle_count_ == max_idle || (idle_count_ != 0 && block_size(execution) > max_idle_block)) {
        destroy(&execution);
        return;
    }
    keep_idle(execution);
}

Execution* Stacks::take_owned(size_t slots, TrapCode& failure) noexcept {
    // No larger block than the limit allows.
    const auto left =
        static_cast<size_t>(std::min<uint64_t>(max_stack_, owner_.quota.execution_bytes_left()));
    Execution* const execution = take(slots, left, failure);
    if (execution == nullptr) {
        if (failure == TrapCode::call_stack_exhausted && left < max_stack_)
            failure = TrapCode::limit;
        return nullptr;
    }
    execution->max_stack = max_stack_;
    if (!owner_.quota.take_execution_bytes(block_size(*execution))) {
        failure = TrapCode::limit;
        put_back(*execution);
        return nullptr;
    }
    execution->may_suspend = true;
    execution->fuel = has_fuel_ ? 0 : INT64_MAX;
    return execution;
}

void Stacks::add(Execution& execution, ExecutionOwner& owner) noexcept {
    execution.owner = &owner;
    execution.before = nullptr;
    execution.next = owned_;
    if (owned_ != nullptr)
        owned_->before = &execution;
    owned_ = &execution;
}

void Stacks::drop_unfinished() noexcept {
    for (Execution* each = owned_; each != nullptr; each = each->next)
        if (each->array != nullptr)
            owner_.heap.free_array(std::exchange(each->array, nullptr));
}

void Stacks::remove(Execution& execution) noexcept {
    (execution.before != nullptr ? execution.before->next : owned_) = execution.next;
    if (execution.next != nullptr)
        execution.next->before = execution.before;
}

} // namespace warpbeam::vm
