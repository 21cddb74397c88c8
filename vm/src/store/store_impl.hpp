#pragma once

#include "heap/heap.hpp"
#include "store/errors.hpp"
#include "store/object_factory.hpp"
#include "store/pending_trap.hpp"
#include "store/quota.hpp"
#include "store/roots.hpp"
#include "store/stacks.hpp"

namespace warpbeam {

/// What a store is made of.
class StoreImpl final : vm::HeapHost {
    Store& handle_;

public:
    /// Null when there is no memory.
    [[nodiscard]] static StoreImpl* create(Store& handle, const StoreLimits& limits) noexcept;
    StoreImpl(Store& handle, const StoreLimits& limits, Ref<InterruptTarget> target) noexcept;

    [[nodiscard]] Store& handle() const noexcept { return handle_; }
    [[nodiscard]] Engine& engine() const noexcept { return handle_.engine(); }
    [[nodiscard]] Allocator& allocator() const noexcept { return engine().allocator(); }
    [[nodiscard]] const TypeRegistry& types() const noexcept { return engine().types(); }
    [[nodiscard]] vm::Execution& execution() const noexcept { return stacks.execution(); }

    // Later ones know those before them.
    vm::Quota quota;
    vm::PendingTrap pending;
    vm::Stacks stacks;
    vm::ObjectFactory objects;
    vm::Roots roots;
    vm::Heap heap;

private:
    void mark_roots(vm::Heap& of) noexcept override { roots.mark(of); }
    void charge(uint64_t work) noexcept override { stacks.charge(work); }
};

} // namespace warpbeam
