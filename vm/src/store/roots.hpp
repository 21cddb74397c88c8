#pragma once

#include "store/object_factory.hpp"
#include "store/stacks.hpp"
#include "trap/exception_root.hpp"

#include <warpbeam/vm/root.hpp>

namespace warpbeam::vm {

/// The references that keep the objects of a store's heap alive.
class Roots {
public:
    Roots(StoreImpl& owner, const Engine& engine, const Stacks& stacks, const ObjectFactory& objects) noexcept
        : owner_{owner}, engine_{engine}, stacks_{stacks}, objects_{objects},
          exceptions_{engine.allocator()} {}
    Roots(const Roots&) = delete;
    Roots& operator=(const Roots&) = delete;
    ~Roots();

    /// Reports to the heap every slot through which code or the host can reach an object: the value stack up
    /// to `Execution::free`, tables, globals, element segments, and what the host holds.
    void mark(Heap& heap) noexcept;

    void add(Root& root) noexcept;
    /// Removes a root, which is then empty.
    void remove(Root& root) noexcept;
    /// Null if memory runs out.
    [[nodiscard]] Ref<ExceptionRoot> add_exception(Slot exception) noexcept;
    /// The instance that is being created, or null: its element segments are roots too.
    void set_unfinished(const InstanceObject* instance) noexcept { unfinished_ = instance; }

private:
    void drop_unused_exceptions() noexcept;

    StoreImpl& owner_;
    const Engine& engine_;
    const Stacks& stacks_;
    const ObjectFactory& objects_;
    const InstanceObject* unfinished_ = nullptr;
    Root* first_ = nullptr;
    Vec<ExceptionRoot*> exceptions_;
};

} // namespace warpbeam::vm
