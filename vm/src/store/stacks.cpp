#include "store/stacks.hpp"

#include <algorithm>

namespace warpbeam::vm {

Stacks::Stacks(StoreImpl& owner, const Engine& engine, Ref<InterruptTarget> target) noexcept
    : engine_{engine}, target_{std::move(target)} {
    execution().store = &owner;
    execution().may_be_interrupted = engine.config().interruption;
    execution().may_wait = engine.config().waiting;
    execution().max_depth = engine.config().host_call_depth;
    execution().native_stack_reserve =
        static_cast<int64_t>(std::min<uint64_t>(engine.config().native_stack_reserve, INT64_MAX / 2));
    if (!engine.config().fuel)
        execution().fuel = INT64_MAX; // enough for instructions that take fuel anyway
}

Stacks::~Stacks() {
    const Execution& stacks = execution();
    if (stacks.stack == nullptr)
        return;
    engine_.allocator().deallocate(stacks.stack, slots_ * sizeof(Slot), alignof(Slot));
    engine_.allocator().deallocate(stacks.records, records_ * sizeof(Record), alignof(Record));
}

bool Stacks::prepare() noexcept {
    Execution& stacks = execution();
    if (stacks.stack != nullptr)
        return true;
    Allocator& allocator = engine_.allocator();
    const Config& config = engine_.config();
    // With less space, not even the stubs could run.
    const size_t slots = std::max<size_t>(config.stack_size / sizeof(Slot), 64);
    if (slots > SIZE_MAX / sizeof(Record) / 4)
        return false;
    // Every frame takes at least one slot, and at most two records: its own, and one to return to its
    // caller's instance. Each run of the interpreter takes one more.
    const size_t records = 2 * slots + config.host_call_depth + 1;
    void* const stack = allocator.allocate(slots * sizeof(Slot), alignof(Slot));
    if (stack == nullptr)
        return false;
    void* const calls = allocator.allocate(records * sizeof(Record), alignof(Record));
    if (calls == nullptr) {
        allocator.deallocate(stack, slots * sizeof(Slot), alignof(Slot));
        return false;
    }
    slots_ = slots;
    records_ = records;
    stacks.stack = static_cast<Slot*>(stack);
    stacks.stack_limit = stacks.stack + slots;
    stacks.free = stacks.stack;
    stacks.records = static_cast<Record*>(calls);
    stacks.rp = stacks.records;
    return true;
}

std::span<const Slot> Stacks::in_use() const noexcept {
    const Execution& stacks = execution();
    return stacks.stack != nullptr ? std::span<const Slot>{stacks.stack, stacks.free}
                                   : std::span<const Slot>{};
}

void Stacks::charge(uint64_t work) noexcept {
    if (engine_.config().fuel)
        execution().fuel -= static_cast<int64_t>(std::min<uint64_t>(work, INT64_MAX / 2));
}

} // namespace warpbeam::vm
