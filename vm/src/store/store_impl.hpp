#pragma once

#include "heap/heap.hpp"
#include "store/errors.hpp"
#include "store/internal.hpp"
#include "store/object_factory.hpp"
#include "store/pending_trap.hpp"
#include "store/quota.hpp"
#include "store/roots.hpp"
#include "store/stacks.hpp"

namespace warpbeam {

/// The contents of a Store.
class StoreImpl final : vm::HeapHost {
    Store* handle_;
    const Engine engine_;
    const TypeRegistry& types_; ///< the engine's, at hand for every call
    const uint64_t number_;

public:
    /// Null if memory runs out.
    [[nodiscard]] static StoreImpl* create(Store& handle, const StoreLimits& limits) noexcept;
    StoreImpl(Store& handle, const StoreLimits& limits, Ref<InterruptTarget> target) noexcept;

    ~StoreImpl();

    /// The embedder's Store, which may move.
    [[nodiscard]] Store& handle() const noexcept { return *handle_; }
    void set_handle(Store& handle) noexcept { handle_ = &handle; }
    /// See take_store_number.
    [[nodiscard]] uint64_t number() const noexcept { return number_; }
    [[nodiscard]] const Engine& engine() const noexcept { return engine_; }
    [[nodiscard]] Allocator& allocator() const noexcept { return engine().allocator(); }
    [[nodiscard]] const TypeRegistry& types() const noexcept { return types_; }

    /// Whether there is an observer that wants to know of them.
    const bool observes_calls;
    TrapObserver* trap_observer = nullptr;

    // Later members refer to earlier ones.
    vm::Quota quota;
    vm::PendingTrap pending;
    vm::Stacks stacks;
    vm::ObjectFactory objects;
    vm::Roots roots;
    vm::Heap heap;

    /// Ends a collection that an interrupt has stopped, before code runs; false at the next interrupt.
    [[nodiscard]] bool end_collection() noexcept;

private:
    bool mark_roots(vm::Heap& of, uint32_t count) noexcept override { return roots.mark(of, count); }
    void mark_continuation(vm::Heap& of, const vm::ContObject& object) noexcept override;
    uint64_t sweep_continuations(vm::Heap& of) noexcept override;
    void drop_unfinished() noexcept override { stacks.drop_unfinished(); }

    const vm::Code* marked_code_ = nullptr; ///< of the last frame of a continuation that was marked
};

namespace vm {

/// The public handle to an object, which is not null.
template <typename Handle, typename Inst>
[[nodiscard]] Handle make_handle(Inst* object) noexcept {
    return Internal::handle<Handle>(object, object->store->number());
}
/// The same; null becomes the null function.
[[nodiscard]] inline Func make_func(FuncInst* func) noexcept {
    return func != nullptr ? make_handle<Func>(func) : Func{};
}

} // namespace vm

} // namespace warpbeam
