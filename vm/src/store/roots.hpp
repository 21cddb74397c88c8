#pragma once

#include "store/object_factory.hpp"
#include "store/stacks.hpp"
#include "trap/exception_root.hpp"

#include <warpbeam/vm/root.hpp>

#include <optional>

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

    /// Reports to the heap about `count` more of the slots through which code or the host can reach an
    /// object: the stacks, tables, globals, element segments, and what the host holds. True when all have
    /// been reported. Until then, nothing may be taken out of the lists, or from one into another: see
    /// `Heap::end_marking_roots`.
    [[nodiscard]] bool mark(Heap& heap, uint32_t count) noexcept;

    void add(Root& root) noexcept;
    /// Removes a root, which is then empty.
    void remove(Root& root) noexcept;
    /// Null if memory runs out.
    [[nodiscard]] Ref<ExceptionRoot> add_exception(Slot exception) noexcept;
    /// The instance that is being created, or null: its element segments are roots too.
    void set_unfinished(const InstanceObject* instance) noexcept { unfinished_ = instance; }

private:
    /// What is still to be marked.
    struct Marking {
        const Execution* execution = nullptr;
        const ObjectFactory::GlobalLink* global = nullptr;
        const TableObject* table = nullptr;
        const Root* root = nullptr;
        const InstanceObject* instance = nullptr;
        size_t element = 0; ///< a segment of the instance
        std::span<const Slot> slots;
    };
    void drop_unused_exceptions() noexcept;
    void begin_marking(Heap& heap) noexcept;
    [[nodiscard]] bool next_part(Heap& heap, uint32_t& looked_at) noexcept;

    StoreImpl& owner_;
    const Engine& engine_;
    const Stacks& stacks_;
    const ObjectFactory& objects_;
    const InstanceObject* unfinished_ = nullptr;
    Root* first_ = nullptr;
    Vec<ExceptionRoot*> exceptions_;
    std::optional<Marking> marking_;
};

} // namespace warpbeam::vm
