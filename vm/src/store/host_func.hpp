#pragma once

#include "handlers/run.hpp"

#include <warpbeam/vm/host_func.hpp>

#include <expected>

namespace warpbeam::vm {

/// A host function, which stores and linkers can share. It belongs to no store; a FuncInst makes it a
/// function of a store.
struct HostFunc : RefCounted<HostFunc> {
    /// Takes ownership of the callable, even if it fails. Errors: `out_of_memory`, `usage` if the type has
    /// too many parameters or results.
    [[nodiscard]] static std::expected<Ref<HostFunc>, Error>
    create(const Engine& engine, const FuncType& type,
           const warpbeam::detail::HostCallable& callable) noexcept;
    /// The same for a type of the engine's registry.
    [[nodiscard]] static std::expected<Ref<HostFunc>, Error>
    create(const Engine& engine, TypeId type, const warpbeam::detail::HostCallable& callable) noexcept;

    /// One whose calls the owner of the execution answers.
    [[nodiscard]] static std::expected<Ref<HostFunc>, Error> create_owners(const Engine& engine,
                                                                           TypeId type) noexcept;
    /// The same for a plain function type.
    [[nodiscard]] static std::expected<Ref<HostFunc>, Error> create_owners(const Engine& engine,
                                                                           const FuncType& type) noexcept;

    using RefCounted::RefCounted;
    ~HostFunc() {
        if (callable.object != nullptr)
            callable.drop(allocator(), callable.object);
    }
    /// Whether the owner of the execution answers its calls.
    [[nodiscard]] bool is_owners() const noexcept { return callable.entry == nullptr; }

    warpbeam::detail::HostCallable callable{}; ///< nothing if the owner answers
    TypeId type = 0;
    const FuncType* signature = nullptr;
    HostCode code{};
    CodeCell cell{};
};

} // namespace warpbeam::vm
