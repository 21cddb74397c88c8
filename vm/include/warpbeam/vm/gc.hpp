#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/root.hpp>

#include <expected>
#include <optional>
#include <span>

/// @file
/// Structures and arrays of a store's garbage-collected heap, for the embedder. Thread-safety: that of the
/// store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#aggregate-instances

namespace warpbeam {

namespace vm {
struct Object;
struct ArrayObject;
} // namespace vm

/// The type of the object that a reference refers to, which may be more precise than the type of the value: a
/// defined type, `i31`, `exn`, `none` for null, or `any` or `extern` for a reference made by the host.
/// Precondition: the value is a reference of this store.
[[nodiscard]] WARPBEAM_API HeapType dynamic_type(Store& store, const Value& value) noexcept;

/// A structure, or null: a value of type `structref`. A handle, valid as long as the structure is kept alive
/// (root.hpp).
class WARPBEAM_API StructRef {
public:
    /// The null reference.
    StructRef() noexcept = default;
    /// Makes a structure of a type in the engine's registry, with a value for each field (an i32 for a packed
    /// field). Errors: `usage` if it is not a structure type, or a value does not match its field's type;
    /// `limit` if the heap is full; `out_of_memory`.
    [[nodiscard]] static std::expected<StructRef, Error> create(Store& store, TypeId type,
                                                                std::span<const Value> fields) noexcept;
    /// The structure that a value refers to; none if it does not refer to a structure.
    [[nodiscard]] static std::optional<StructRef> from(Store& store, const Value& value) noexcept;

    /// Whether it is the null reference.
    [[nodiscard]] bool is_null() const noexcept { return inst_ == nullptr; }
    /// Whether it is not null.
    explicit operator bool() const noexcept { return !is_null(); }
    /// The same reference as an `anyref`.
    operator AnyRef() const noexcept { return AnyRef::from_bits(reinterpret_cast<uintptr_t>(inst_)); }
    /// Whether both refer to the same structure.
    friend bool operator==(StructRef, StructRef) noexcept = default;

    /// Its type in the engine's registry; SubType::no_type for null.
    [[nodiscard]] TypeId type() const noexcept;
    /// The number of its fields; 0 for null.
    [[nodiscard]] size_t size() const noexcept;
    /// The value of a field; packed fields are zero-extended. Errors: `usage` if there is no such field;
    /// `out_of_memory`.
    [[nodiscard]] std::expected<Value, Error> get(size_t field) const noexcept;
    /// Sets a field. Errors: `usage` if there is no such field, it is immutable, or the value does not match
    /// its type.
    [[nodiscard]] std::expected<void, Error> set(size_t field, const Value& value) const noexcept;
    /// The reference as a value of the object's own type.
    [[nodiscard]] Value value() const noexcept;

private:
    friend detail::Mapping<StructRef>;
    friend struct vm::Internal;
    StructRef(StoreImpl* impl, vm::Object* object) noexcept;
    StoreImpl* impl_ = nullptr;
    uint64_t store_ = 0;
    vm::Object* inst_ = nullptr;
};

/// An array, or null: a value of type `arrayref`. A handle, valid as long as the array is kept alive
/// (root.hpp).
class WARPBEAM_API ArrayRef {
public:
    /// The null reference.
    ArrayRef() noexcept = default;
    /// Makes an array of a type in the engine's registry, with `length` elements equal to `init`. Errors: as
    /// for StructRef::create.
    [[nodiscard]] static std::expected<ArrayRef, Error> create(Store& store, TypeId type, uint32_t length,
                                                               const Value& init) noexcept;
    /// The array that a value refers to; none if it does not refer to an array.
    [[nodiscard]] static std::optional<ArrayRef> from(Store& store, const Value& value) noexcept;

    /// Whether it is the null reference.
    [[nodiscard]] bool is_null() const noexcept { return inst_ == nullptr; }
    /// Whether it is not null.
    explicit operator bool() const noexcept { return !is_null(); }
    /// The same reference as an `anyref`.
    operator AnyRef() const noexcept { return AnyRef::from_bits(reinterpret_cast<uintptr_t>(inst_)); }
    /// Whether both refer to the same array.
    friend bool operator==(ArrayRef, ArrayRef) noexcept = default;

    /// Its type in the engine's registry; SubType::no_type for null.
    [[nodiscard]] TypeId type() const noexcept;
    /// The number of its elements; 0 for null.
    [[nodiscard]] uint32_t size() const noexcept;
    /// The value of an element; packed elements are zero-extended. Errors: `usage` if there is no such
    /// element; `out_of_memory`.
    [[nodiscard]] std::expected<Value, Error> get(uint32_t index) const noexcept;
    /// Sets an element. Errors: `usage` if there is no such element, the elements are immutable, or the value
    /// does not match their type.
    [[nodiscard]] std::expected<void, Error> set(uint32_t index, const Value& value) const noexcept;
    /// The reference as a value of the object's own type.
    [[nodiscard]] Value value() const noexcept;

private:
    friend detail::Mapping<ArrayRef>;
    friend struct vm::Internal;
    ArrayRef(StoreImpl* impl, vm::ArrayObject* object) noexcept;
    StoreImpl* impl_ = nullptr;
    uint64_t store_ = 0;
    vm::ArrayObject* inst_ = nullptr;
};

namespace detail {

template <>
struct Mapping<StructRef> {
    static constexpr ValType type = ValType::reference(HeapType::struct_, true);
    static constexpr size_t slots = 1;
    static void store(uint64_t* slot, StructRef value) noexcept {
        *slot = reinterpret_cast<uintptr_t>(value.inst_);
    }
    static StructRef load(const uint64_t* slot, StoreImpl* store) noexcept {
        return *slot != 0 ? StructRef{store, reinterpret_cast<vm::Object*>(static_cast<uintptr_t>(*slot))}
                          : StructRef{};
    }
};

template <>
struct Mapping<ArrayRef> {
    static constexpr ValType type = ValType::reference(HeapType::array, true);
    static constexpr size_t slots = 1;
    static void store(uint64_t* slot, ArrayRef value) noexcept {
        *slot = reinterpret_cast<uintptr_t>(value.inst_);
    }
    static ArrayRef load(const uint64_t* slot, StoreImpl* store) noexcept {
        return *slot != 0 ? ArrayRef{store, reinterpret_cast<vm::ArrayObject*>(static_cast<uintptr_t>(*slot))}
                          : ArrayRef{};
    }
};

} // namespace detail

} // namespace warpbeam
