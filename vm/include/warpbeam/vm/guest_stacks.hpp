#pragma once

#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/guest_allocator.hpp>

namespace warpbeam {

namespace vm {
class GuestStackBlocks;
}

/// How GuestStacks finds what it needs.
struct GuestStackOptions {
    /// The bytes of each stack. Guests don't notice when they use more, and then overwrite other data.
    uint64_t size = 64 * 1024;
    /// The name of the mutable global that guests decrease to make frames, as an import, an export or in the
    /// name section. If it is empty: the one that LLVM calls `__stack_pointer`, also without a name.
    std::string_view pointer = {};
    /// Where the stacks are.
    GuestAllocatorOptions allocator = {};
};

/// Stacks in a guest's memory, one for each of its executions. C guests keep frames in memory, below a
/// global. Executions that share that stack can only end last in, first out; those with a stack of their own
/// go on in any order, and as many as there is memory for. The global has their value while they run, and
/// that of all others when they don't.
///
/// A stack is allocated by the guest when an execution is made for which none is free. It is free for the
/// next one when the execution has ended or was dropped, which runs no code of the guest; `trim` and the
/// destructor return it to the guest. Make new GuestStacks after Instance::reset. Stacks that are free when a
/// store is saved or forked are not known in the copy: `trim` first.
///
/// Valid as long as the store, and needed as long as its executions. Movable.
/// Thread-safety: that of the store.
/// https://github.com/WebAssembly/tool-conventions/blob/main/BasicCABI.md
class WARPBEAM_API GuestStacks {
public:
    /// Empty.
    GuestStacks() noexcept;
    GuestStacks(GuestStacks&& other) noexcept;
    GuestStacks& operator=(GuestStacks&& other) noexcept;
    /// Frees the stacks that no execution uses, as `trim` does, and ignores traps.
    ~GuestStacks();

    /// The stacks of a guest. Errors: `usage` if it has no such global; those of GuestAllocator::of.
    [[nodiscard]] static std::expected<GuestStacks, Trap> of(Instance instance,
                                                             const GuestStackOptions& options = {}) noexcept;

    /// Prepares a call as Execution::create does, with a stack of its own. If the guest allocates that, its
    /// code runs, with the fuel of the store. Errors: those of Execution::create and
    /// GuestAllocator::allocate; `usage` if the function is of another store.
    [[nodiscard]] std::expected<Execution, Trap> create(Func function,
                                                        std::span<const Value> args = {}) noexcept;

    /// Takes over the stack of an execution that was restored or forked, which is free when that has ended or
    /// was dropped. Runs no code. Errors: `usage` if the execution has no such stack, or one of another guest
    /// or size; `out_of_memory`.
    [[nodiscard]] std::expected<void, Error> adopt(Execution& execution) noexcept;

    /// The number of stacks.
    [[nodiscard]] size_t size() const noexcept;
    /// The number of those that no execution uses.
    [[nodiscard]] size_t unused() const noexcept;
    /// Frees the stacks that no execution uses. If the guest allocated them, its code runs, with the fuel of
    /// the store. Errors: traps of the guest's `free`, after which the others are still there.
    [[nodiscard]] std::expected<void, Trap> trim() noexcept;

private:
    explicit GuestStacks(Ref<vm::GuestStackBlocks> blocks) noexcept;
    Ref<vm::GuestStackBlocks> blocks_;
};

} // namespace warpbeam
