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

    explicit HostFunc(Allocator& from, const warpbeam::detail::HostCallable& target) noexcept
        : RefCounted{from}, callable{target} {}
    ~HostFunc() { callable.drop(allocator(), callable.object); }

    warpbeam::detail::HostCallable callable;
    TypeId type = 0;
    const FuncType* signature = nullptr;
    HostCode code{};
    CodeCell cell{};
};

} // namespace warpbeam::vm
