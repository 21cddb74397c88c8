#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/store.hpp>
#include <warpbeam/vm/value.hpp>

/// @file
/// How the embedder keeps structures, arrays, exceptions and its own objects (host_object.hpp) alive that it
/// holds references to.
///
/// Every reference that the store hands out (a result, what a global or a table holds, a new object) stays
/// valid: the store keeps a list. RootScope takes what came since off that list; a host function's call has
/// such a scope of its own, whose arguments and results live on as the calling code's. A Root holds one value
/// whatever scopes end. Numbers, functions, null, i31 and ExternRef::host need none of this.

namespace warpbeam {

namespace vm {
class Roots;
}

/// Lets go of all references that were handed out since it began. Scopes of a store end in the reverse order
/// of their beginning, and before the store does.
class WARPBEAM_API RootScope {
public:
    /// Begins a scope.
    explicit RootScope(Store& store) noexcept;
    RootScope(const RootScope&) = delete;
    RootScope& operator=(const RootScope&) = delete;
    ~RootScope();

private:
    StoreImpl* store_;
    size_t count_;
};

/// Holds one value of a store, and keeps alive what it refers to. When the store ends before it, it is empty.
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
