#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/extern.hpp>
#include <warpbeam/vm/trap.hpp>

#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace warpbeam {

/// Why a module could not be instantiated. Either the store is unchanged, or (a trap) the module's segments
/// were applied up to the one that failed, or the start function failed. An instance that can't be reached,
/// which is one whose start function did not run and that put nothing into an imported table, leaves nothing
/// behind.
class WARPBEAM_API InstantiationError {
public:
    /// A copy of the message is kept in memory of `allocator`, which must outlive it.
    explicit InstantiationError(const Error& error, Allocator& allocator = Allocator::standard()) noexcept;
    /// A trap of a segment or of the start function.
    explicit InstantiationError(Trap trap) noexcept;
    InstantiationError(const InstantiationError& other) noexcept;
    InstantiationError& operator=(const InstantiationError& other) noexcept;
    ~InstantiationError();

    /// `unlinkable` for imports that are missing or have other types; `usage` for objects of another store or
    /// a module of another engine; `limit`; `unsupported`; `out_of_memory`. None for a trap.
    [[nodiscard]] std::optional<ErrorCode> code() const noexcept { return code_; }
    /// The trap of a segment or of the start function; null for other errors.
    [[nodiscard]] const Trap* trap() const noexcept { return trap_ ? &*trap_ : nullptr; }
    /// The whole message. For imports that do not fit it has one line for each of them, with both types:
    /// `unknown import env.log: func (param i32)`, or
    /// `incompatible import type for env.memory: memory 2, found memory 1`.
    [[nodiscard]] std::string_view message() const noexcept;
    /// The indices in Module::imports of the imports that do not fit.
    [[nodiscard]] std::span<const uint32_t> imports() const noexcept;

private:
    friend class LinkReport; // the library's
    struct Details;
    InstantiationError(ErrorCode code, Ref<Details> details) noexcept;

    std::optional<ErrorCode> code_;
    std::optional<Trap> trap_;
    Ref<Details> details_;
};

/// A module in a store, with its imports bound: a handle, valid as long as its store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#module-instances
class WARPBEAM_API Instance : public detail::Handle<vm::InstanceData> {
public:
    /// Instantiates a module: checks the imports, makes its objects, applies its segments and runs its start
    /// function. `imports` are in the order of Module::imports; Linker finds them by name instead. The module
    /// must come from the store's engine.
    /// https://webassembly.github.io/spec/core/exec/modules.html#instantiation
    [[nodiscard]] static std::expected<Instance, InstantiationError>
    create(Store& store, const Module& module, std::span<const Extern> imports = {}) noexcept;

    /// Makes the instance what it was before its start function ran, in time that depends on what it has
    /// written and not on how large it is: its own memories, tables and globals get the size and the values
    /// that they began with, and its segments are there again. Handles and function references stay valid;
    /// views into its memories and blocks that were allocated there do not. Imported objects and shared
    /// memories are not touched, nor is what objects of the heap hold, which others may refer to. The start
    /// function does not run.
    ///
    /// Errors: `usage` while code of the store runs, so also in a host function; `out_of_memory` or `limit`,
    /// after which the instance is partly reset, and has to be reset again before it is used.
    [[nodiscard]] std::expected<void, InstantiationError> reset() const noexcept;

    /// Empty for an empty handle.
    [[nodiscard]] Module module() const noexcept;
    /// Null for an empty handle.
    [[nodiscard]] Store* store() const noexcept;

    /// The export of that name.
    [[nodiscard]] std::optional<Extern> find_export(std::string_view name) const noexcept;
    /// What an entry of `module().exports()` stands for in this instance. Precondition: it is one of them.
    [[nodiscard]] Extern get(const Export& entry) const noexcept;

    /// @{ The export of that name and kind. Errors: `usage` when there is none.
    [[nodiscard]] std::expected<Func, Error> func(std::string_view name) const noexcept;
    [[nodiscard]] std::expected<Table, Error> table(std::string_view name) const noexcept;
    [[nodiscard]] std::expected<Memory, Error> memory(std::string_view name) const noexcept;
    [[nodiscard]] std::expected<Global, Error> global(std::string_view name) const noexcept;
    [[nodiscard]] std::expected<Tag, Error> tag(std::string_view name) const noexcept;
    /// @}

    /// An exported function to be called from C++: `instance.func<int32_t(int32_t, int32_t)>("add")`. Errors:
    /// `usage` when there is none, or its type is another.
    template <typename Signature>
    [[nodiscard]] std::expected<TypedFunc<Signature>, Error> func(std::string_view name) const noexcept {
        const auto found = func(name);
        if (!found)
            return std::unexpected{found.error()};
        auto typed = found->typed<Signature>();
        if (!typed)
            typed.error().add(" (function %.*s)", static_cast<int>(name.size()), name.data());
        return typed;
    }
};

} // namespace warpbeam
