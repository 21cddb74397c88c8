#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/tag.hpp>
#include <warpbeam/vm/trap.hpp>
#include <warpbeam/vm/value.hpp>

#include <expected>
#include <optional>
#include <span>

namespace warpbeam {

namespace vm {
struct ExceptionRoot;
}

/// An exception in a store: a tag with values. A host function throws it by returning `Trap::thrown`; an
/// uncaught exception reaches the host as a trap, and `Trap::exception` returns it. This is a handle that
/// keeps the exception, and everything its values refer to, alive. It may outlive the store, but then it can
/// only be copied and destroyed.
/// Thread-safety: the handle may be copied and destroyed in any thread; everything else belongs to the
/// store's thread.
/// https://webassembly.github.io/spec/core/exec/runtime.html#exception-instances
class WARPBEAM_API Exception {
public:
    /// Makes an exception without throwing it. Errors: `usage` if the values do not match the tag's types,
    /// `limit` if the store's heap is full, `out_of_memory`.
    [[nodiscard]] static std::expected<Exception, Error> create(Tag tag,
                                                                std::span<const Value> values) noexcept;
    /// The exception that a value of this store, of type `exnref` or `(ref exn)`, refers to. Errors: `usage`
    /// if the value is null or has another type; `out_of_memory`.
    [[nodiscard]] static std::expected<Exception, Error> from(Store& store, const Value& value) noexcept;

    Exception(const Exception&) noexcept;
    Exception& operator=(const Exception&) noexcept;
    ~Exception();

    /// Its tag. Empty after the store was destroyed; the size is then 0.
    [[nodiscard]] Tag tag() const noexcept;
    /// The number of values that it carries.
    [[nodiscard]] size_t size() const noexcept;
    /// The value `i`; the i32 zero if `i` is not less than `size()`. A reference is valid as long as this
    /// handle.
    [[nodiscard]] Value operator[](size_t i) const noexcept;
    /// A reference to the exception, of type `(ref exn)`; valid as long as this handle.
    [[nodiscard]] Value reference() const noexcept;

    /// Whether both are the same exception, not just equal in content.
    friend WARPBEAM_API bool operator==(const Exception&, const Exception&) noexcept;

private:
    friend struct vm::Internal;
    explicit Exception(Ref<vm::ExceptionRoot> root) noexcept;

    Ref<vm::ExceptionRoot> root_;
};

} // namespace warpbeam
