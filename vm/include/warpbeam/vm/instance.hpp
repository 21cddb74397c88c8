#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/extern.hpp>
#include <warpbeam/vm/trap.hpp>

#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace warpbeam {

/// Why a module could not be instantiated. Either the store is unchanged, or there was a trap: in a segment,
/// and then the segments before it were applied, or in the start function. An instance that nothing can refer
/// to (its start function did not run, and it put nothing into an imported table) is removed without a trace.
/// Thread-safety: as for any value.
class WARPBEAM_API InstantiationError {
public:
    /// Stores a copy of the message in memory from `allocator`, which must outlive the object.
    explicit InstantiationError(const Error& error, Allocator& allocator = Allocator::standard()) noexcept;
    /// A trap of a segment or of the start function.
    explicit InstantiationError(Trap trap) noexcept;
    InstantiationError(const InstantiationError& other) noexcept;
    InstantiationError& operator=(const InstantiationError& other) noexcept;
    ~InstantiationError();

    /// `unlinkable` if imports are missing or have the wrong type; `usage` for objects of another store or a
    /// module of another engine; `limit`; `unsupported`; `out_of_memory`. None for a trap.
    [[nodiscard]] std::optional<ErrorCode> code() const noexcept { return code_; }
    /// The trap of a segment or of the start function; null for other errors.
    [[nodiscard]] const Trap* trap() const noexcept { return trap_ ? &*trap_ : nullptr; }
    /// The whole message. It has a line for each import that does not fit, with both types:
    /// `unknown import env.log: func (param i32)`, or
    /// `incompatible import type for env.memory: memory 2, found memory 1`.
    [[nodiscard]] std::string_view message() const noexcept;
    /// The imports that do not fit, as indices into Module::imports.
    [[nodiscard]] std::span<const uint32_t> imports() const noexcept;

private:
    friend class LinkReport; // for the library
    struct Details;
    InstantiationError(ErrorCode code, Ref<Details> details) noexcept;

    std::optional<ErrorCode> code_;
    std::optional<Trap> trap_;
    Ref<Details> details_;
};

/// A module in a store, with its imports bound: a handle, valid as long as its store.
/// Thread-safety: that of the store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#module-instances
class WARPBEAM_API Instance : public detail::Handle<vm::InstanceData> {
public:
    /// Instantiates a module: checks the imports, makes its objects, applies its segments and runs its start
    /// function. `imports` are in the order of Module::imports; any beyond them are ignored. A Linker finds
    /// them by name instead. The module must have been loaded by the store's engine.
    /// https://webassembly.github.io/spec/core/exec/modules.html#instantiation
    [[nodiscard]] static std::expected<Instance, InstantiationError>
    create(Store& store, const Module& module, std::span<const Extern> imports = {}) noexcept;

    /// Restores the instance's state from before its start function ran, in time that depends on what it has
    /// written, not on its size. Its own memories, tables and globals get their initial sizes and values, and
    /// dropped segments are available again. Handles and function references stay valid; spans into its
    /// memories and blocks allocated there do not. Imported objects, shared memories and objects on the heap
    /// are not changed, since others may use them. The start function does not run.
    ///
    /// Errors: `usage` while code of the store is running, so also in a host function. After `out_of_memory`
    /// or `limit` the instance is partly reset, and must be reset again before it is used.
    [[nodiscard]] std::expected<void, InstantiationError> reset() const noexcept;

    /// Its module; empty for an empty handle.
    [[nodiscard]] Module module() const noexcept;
    /// Its store; null for an empty handle.
    [[nodiscard]] Store* store() const noexcept;

    /// The export of that name.
    [[nodiscard]] std::optional<Extern> find_export(std::string_view name) const noexcept;
    /// The object that this instance exports for an entry of `module().exports()`. Precondition: it is one of
    /// them.
    [[nodiscard]] Extern get(const Export& entry) const noexcept;

    /// @{ The export of that name and kind. Errors: `usage` if there is none.
    [[nodiscard]] std::expected<Func, Error> func(std::string_view name) const noexcept;
    [[nodiscard]] std::expected<Table, Error> table(std::string_view name) const noexcept;
    [[nodiscard]] std::expected<Memory, Error> memory(std::string_view name) const noexcept;
    [[nodiscard]] std::expected<Global, Error> global(std::string_view name) const noexcept;
    [[nodiscard]] std::expected<Tag, Error> tag(std::string_view name) const noexcept;
    /// @}

    /// @{ The object of that index in the module, imported ones first, whether it is exported or not: for
    /// debuggers, and for bindings that look up imports. Empty if there is none.
    [[nodiscard]] Func func_at(uint32_t index) const noexcept;
    [[nodiscard]] Table table_at(uint32_t index) const noexcept;
    [[nodiscard]] Memory memory_at(uint32_t index) const noexcept;
    [[nodiscard]] Global global_at(uint32_t index) const noexcept;
    [[nodiscard]] Tag tag_at(uint32_t index) const noexcept;
    /// @}

    /// An exported function with static C++ types: `instance.func<int32_t(int32_t, int32_t)>("add")`. Errors:
    /// `usage` if there is none, or it has another type.
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
