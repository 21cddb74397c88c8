#pragma once

#include "heap/heap.hpp"
#include "snapshot/save.hpp"
#include "snapshot/saved_stack.hpp"
#include "store/execution_object.hpp"

/// Reads what Saver has written, into a new store. Bytes of a snapshot are not trusted; those of a fork are.

namespace warpbeam::vm {

class Restorer {
public:
    /// `from` is the store that is forked, if it is.
    Restorer(StoreImpl& store, Reader& in, Purpose purpose, const RestoreOptions& options,
             const Store* from = nullptr) noexcept;
    Restorer(const Restorer&) = delete;
    Restorer& operator=(const Restorer&) = delete;
    /// Drops the executions that were not taken.
    ~Restorer();

    /// Reads the structure; false after a fault, which the reader has. Memories then have their initial
    /// contents, or for a fork all.
    [[nodiscard]] bool read() noexcept;

    [[nodiscard]] std::span<InstanceObject* const> instances() const noexcept { return instances_; }
    [[nodiscard]] std::span<MemoryObject* const> memories() const noexcept { return memories_; }
    /// Under which numbers the snapshots of the series have their pages.
    [[nodiscard]] std::span<const uint32_t> memory_numbers() const noexcept { return series_numbers_; }
    // What the caller of `save` asked for.
    [[nodiscard]] std::span<InstanceObject* const> given_instances() const noexcept { return given_; }
    [[nodiscard]] Vec<Ref<ExecutionObject>>& executions() noexcept { return executions_; }
    struct RestoredValue {
        ValType type;
        Slot slots[2];
    };
    [[nodiscard]] std::span<const RestoredValue> values() const noexcept { return values_; }

private:
    /// The bytes that a name may have: a few bytes of a snapshot must not ask for much memory.

    // Declarations, in restore.cpp
    bool modules() noexcept;
    bool module(uint32_t number) noexcept;
    bool carried_module(const Digest& digest, uint64_t size) noexcept;
    bool hosts() noexcept;
    bool host() noexcept;
    bool memory_types() noexcept;
    bool tables() noexcept;
    bool globals() noexcept;
    bool tags() noexcept;
    bool spaces() noexcept;
    bool spaces_of(InstanceObject& instance) noexcept;
    bool make_memories() noexcept;
    bool limits(Limits& limits, uint64_t max) noexcept;
    bool type(TypeId& type) noexcept;
    bool type(ValType& type) noexcept;
    template <typename T>
    bool pick(Vec<T*>& objects, const char* what, T*& picked) noexcept;

    // Objects and values, in restore_objects.cpp
    bool externs() noexcept;
    bool object() noexcept;
    bool objects() noexcept;
    bool contents(Object& object) noexcept;
    bool elements() noexcept;
    bool given() noexcept;
    bool heap() noexcept;
    bool value(ValType type, Slot* slot) noexcept;
    bool numbers(uint8_t* to, ValType::Kind kind, size_t count) noexcept;
    bool reference(ValType type, Slot& reference) noexcept;
    [[nodiscard]] bool fits(Slot reference, ValType type) noexcept;
    [[nodiscard]] FuncInst* func_at(uint32_t number) const noexcept;
    bool func(FuncInst*& func) noexcept;
    bool func_or_none(FuncInst*& func) noexcept;

    // Stacks, in restore_stacks.cpp
    bool continuations() noexcept;
    bool continuation(ContObject& object) noexcept;
    bool execution() noexcept;
    bool guest_stack(GuestStack& stack) noexcept;
    bool answer(ExecutionObject& object) noexcept;
    bool guest_heaps() noexcept;
    bool stack(SavedStack& stack, std::span<const ValType> types,
               ExecutionObject::Step step = ExecutionObject::Step::go_on) noexcept;
    bool frame(SavedStack& stack, bool goes_on) noexcept;
    [[nodiscard]] ValType type_of(uint32_t shape, size_t i, ValType::Kind kind) const noexcept;
    bool add_types(const Module& module, uint32_t func, FramePoint point) noexcept;
    bool links(const SavedStack& stack, std::span<const ValType>& types) noexcept;
    bool resumes(const SavedStack& stack, const SavedStack& inner) noexcept;
    [[nodiscard]] std::span<const ValType> results_of(const SavedStack& stack) const noexcept;
    bool build(Execution& execution, Vec<SavedStack>& stacks, bool first_is_own) noexcept;
    bool check_continuations() noexcept;

    bool keep(bool done) noexcept { return done || in_.fault(Error{ErrorCode::out_of_memory}); }
    bool invalid(const char* words) noexcept { return in_.fault(Error{ErrorCode::invalid, "%s", words}); }
    [[nodiscard]] bool is_fork() const noexcept { return purpose_ == Purpose::fork; }
    [[nodiscard]] Allocator& allocator() const noexcept { return store_.allocator(); }
    template <typename T>
    [[nodiscard]] T* address() noexcept {
        return reinterpret_cast<T*>(static_cast<uintptr_t>(in_.u64()));
    }

    StoreImpl& store_;
    Reader& in_;
    const Purpose purpose_;
    const RestoreOptions& options_;
    const Store* const from_; ///< that is forked
    Vec<Module> modules_;
    Vec<InstanceObject*> instances_;
    Vec<uint32_t> first_funcs_; ///< of each instance, among all functions
    uint32_t funcs_ = 0;
    Vec<FuncInst*> hosts_;
    struct MemoryPlan {
        MemoryType type;
        uint64_t size;
        MemoryObject* source; ///< of a fork
        InstanceObject* home; ///< that defines it; null: none
        uint32_t index;       ///< there
    };
    Vec<MemoryPlan> memory_plans_;
    Vec<uint32_t> space_numbers_; ///< of all memories of all instances, until they are made
    Vec<MemoryObject*> memories_;
    Vec<uint32_t> series_numbers_;
    Vec<TableObject*> tables_;
    Vec<GlobalInst*> globals_;
    Vec<TagInst*> tags_;
    /// Objects, and references to the host's, which nothing else may refer to yet.
    Vec<Slot> objects_;
    Vec<Slot> externs_;
    RootSpan object_roots_;
    RootSpan extern_roots_;
    Vec<uint8_t> name_;
    FrameShapes shapes_;
    Vec<ModuleAccess::FrameTypes> types_; ///< of each shape
    /// Types that continuations must have, which is not known before all of them are restored.
    struct ContinuationCheck {
        const ContObject* object;
        TypeId type;
    };
    Vec<ContinuationCheck> checks_;
    /// What each continuation takes and returns, in the order of the objects.
    struct ContinuationType {
        const ContObject* object;
        std::span<const ValType> params;
        std::span<const ValType> results;
        bool is_usable;
    };
    Vec<ContinuationType> continuation_types_;
    Vec<Ref<ExecutionObject>> executions_;
    Vec<InstanceObject*> given_;
    Vec<RestoredValue> values_;
};

} // namespace warpbeam::vm
