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

/// An exception of a store: a tag with values. A host function throws one by returning `Trap::thrown`; one
/// that nobody catches arrives as a trap, which `Trap::exception` takes it out of. A handle that keeps the
/// exception, and what its values refer to, alive. It may outlive the store, but then it can only be copied
/// and destroyed. Thread-safety: the handle may be copied and destroyed in any thread; all else belongs to
/// the store's thread. https://webassembly.github.io/spec/core/exec/runtime.html#exception-instances
class WARPBEAM_API Exception {
public:
    /// Makes an exception, which is not thrown thereby. Errors: `usage` when the values are not of the tag's
    /// types, `limit` when the store's heap is full, `out_of_memory`.
    [[nodiscard]] static std::expected<Exception, Error> create(Tag tag,
                                                                std::span<const Value> values) noexcept;
    /// The exception that a value of this store, of a type `exnref` or `(ref exn)`, refers to. Errors:
    /// `usage` when the value is null or of another type; `out_of_memory`.
    [[nodiscard]] static std::expected<Exception, Error> from(Store& store, const Value& value) noexcept;

    Exception(const Exception&) noexcept;
    Exception& operator=(const Exception&) noexcept;
    ~Exception();

    /// The tag that it was thrown with. Empty after the store has ended, as are the size and the values.
    [[nodiscard]] Tag tag() const noexcept;
    /// The number of values that it carries.
    [[nodiscard]] size_t size() const noexcept;
    /// The value `i`; the i32 zero if `i` is not less than `size()`. References in it are valid as long as
    /// this handle.
    [[nodiscard]] Value operator[](size_t i) const noexcept;
    /// A reference to it, of the type `(ref exn)`; valid as long as this handle.
    [[nodiscard]] Value reference() const noexcept;

    /// Whether both are the same exception, not only equal ones.
    friend WARPBEAM_API bool operator==(const Exception&, const Exception&) noexcept;

private:
    friend struct vm::Internal;
    explicit Exception(Ref<vm::ExceptionRoot> root) noexcept;

    Ref<vm::ExceptionRoot> root_;
};

} // namespace warpbeam
