#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/root.hpp>

#include <expected>
#include <optional>
#include <span>

/// Structures and arrays as the embedder sees them.
/// https://webassembly.github.io/spec/core/exec/runtime.html#aggregate-instances

namespace warpbeam {

namespace vm {
struct Object;
struct ArrayObject;
} // namespace vm

/// The type of what a reference refers to, which may say more than the type that the value carries: a defined
/// type, `i31`, `exn`, `any` and `extern` for what the host made, and `none` for null. Precondition: the
/// value is a reference of this store.
[[nodiscard]] WARPBEAM_API HeapType dynamic_type(Store& store, const Value& value) noexcept;

/// A structure: a handle that is valid as long as its value is kept alive (root.hpp).
class WARPBEAM_API StructRef {
public:
    /// Makes one of a structure type of the engine's registry, with a value for each field. Errors: `usage`
    /// when the type is not a structure's or a value not of its field's type (an i32 for a packed field);
    /// `limit` when the heap is full; `out_of_memory`.
    [[nodiscard]] static std::expected<StructRef, Error> create(Store& store, TypeId type,
                                                                std::span<const Value> fields) noexcept;
    /// What a value refers to; none unless that is a structure.
    [[nodiscard]] static std::optional<StructRef> from(Store& store, const Value& value) noexcept;

    [[nodiscard]] TypeId type() const noexcept;
    /// The number of its fields.
    [[nodiscard]] size_t size() const noexcept;
    /// A field; packed ones are zero-extended. Errors: `usage` when there is no such field; `out_of_memory`.
    [[nodiscard]] std::expected<Value, Error> get(size_t field) const noexcept;
    /// Errors: `usage` when there is no such field, it is immutable, or the value not of its type.
    std::expected<void, Error> set(size_t field, const Value& value) const noexcept;
    /// The reference to it, of its own type.
    [[nodiscard]] Value value() const noexcept;

private:
    StructRef(StoreImpl* store, vm::Object* object) noexcept : store_{store}, object_{object} {}
    StoreImpl* store_;
    vm::Object* object_;
};

/// An array: a handle that is valid as long as its value is kept alive (root.hpp).
class WARPBEAM_API ArrayRef {
public:
    /// Makes one of an array type of the engine's registry, with `length` elements that are `init`. Errors:
    /// as for StructRef::create.
    [[nodiscard]] static std::expected<ArrayRef, Error> create(Store& store, TypeId type, uint32_t length,
                                                               const Value& init) noexcept;
    /// What a value refers to; none unless that is an array.
    [[nodiscard]] static std::optional<ArrayRef> from(Store& store, const Value& value) noexcept;

    [[nodiscard]] TypeId type() const noexcept;
    /// The number of its elements.
    [[nodiscard]] uint32_t size() const noexcept;
    /// An element; packed ones are zero-extended. Errors: `usage` when there is no such element;
    /// `out_of_memory`.
    [[nodiscard]] std::expected<Value, Error> get(uint32_t index) const noexcept;
    /// Errors: `usage` when there is no such element, they are immutable, or the value not of their type.
    std::expected<void, Error> set(uint32_t index, const Value& value) const noexcept;
    /// The reference to it, of its own type.
    [[nodiscard]] Value value() const noexcept;

private:
    ArrayRef(StoreImpl* store, vm::ArrayObject* object) noexcept : store_{store}, object_{object} {}
    StoreImpl* store_;
    vm::ArrayObject* object_;
};

} // namespace warpbeam
