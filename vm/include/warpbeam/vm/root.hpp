#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/store.hpp>
#include <warpbeam/vm/value.hpp>

/// @file
/// How the embedder keeps garbage-collected objects alive while it holds references to them: structures,
/// arrays, exceptions and its own objects (host_object.hpp). Thread-safety: that of the store.
///
/// Every reference that the host gets from the store (a result, the value of a global or a table element, a
/// new object) stays valid, since the store keeps a list of them. The end of a RootScope removes those added
/// since its beginning. Each call of a host function has a scope of its own; the calling code keeps its
/// arguments and results alive. A Root keeps one value alive regardless of scopes. Numbers, functions, null,
/// i31 and ExternRef::host need none of this.
/// https://webassembly.github.io/spec/core/exec/runtime.html#aggregate-instances

namespace warpbeam {

namespace vm {
class Roots;
}

/// Releases, when it ends, all references that the host got from the store since it began. Scopes of a store
/// must end in the reverse order of their beginning, and before the store is destroyed.
class WARPBEAM_API RootScope {
public:
    /// Begins a scope.
    explicit RootScope(Store& store) noexcept;
    RootScope(const RootScope&) = delete;
    RootScope& operator=(const RootScope&) = delete;
    ~RootScope();

private:
    StoreImpl* store_;
    uint64_t number_; ///< the store's
    size_t count_;
};

/// Holds one value of a store, and keeps alive what it refers to. Empty after the store was destroyed.
class WARPBEAM_API Root {
public:
    /// Empty: the i32 zero.
    Root() noexcept = default;
    /// Holds a value of this store.
    Root(Store& store, const Value& value) noexcept;
    Root(Root&& other) noexcept;
    Root& operator=(Root&& other) noexcept;
    ~Root();

    /// The value that it holds.
    [[nodiscard]] const Value& value() const noexcept { return value_; }

private:
    friend class vm::Roots;
    void clear() noexcept;

    Value value_;
    StoreImpl* store_ = nullptr;
    Root* next_ = nullptr;
    Root* before_ = nullptr;
};

} // namespace warpbeam
