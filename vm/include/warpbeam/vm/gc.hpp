#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/root.hpp>

#include <expected>
#include <optional>
#include <span>

/// @file
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

/// A structure, or null: a value of type `structref`. A handle that is valid as long as its value is kept
/// alive (root.hpp).
class WARPBEAM_API StructRef {
public:
    /// The null reference.
    StructRef() noexcept = default;
    /// Makes one of a structure type of the engine's registry, with a value for each field. Errors: `usage`
    /// when the type is not a structure's or a value not of its field's type (an i32 for a packed field);
    /// `limit` when the heap is full; `out_of_memory`.
    [[nodiscard]] static std::expected<StructRef, Error> create(Store& store, TypeId type,
                                                                std::span<const Value> fields) noexcept;
    /// What a value refers to; none unless that is a structure.
    [[nodiscard]] static std::optional<StructRef> from(Store& store, const Value& value) noexcept;

    /// Whether it is the null reference.
    [[nodiscard]] bool is_null() const noexcept { return inst_ == nullptr; }
    /// Whether it is not null.
    explicit operator bool() const noexcept { return !is_null(); }
    /// The same reference as an `anyref`.
    operator AnyRef() const noexcept { return AnyRef::from_bits(reinterpret_cast<uintptr_t>(inst_)); }
    /// Whether both refer to the same structure.
    friend bool operator==(StructRef, StructRef) noexcept = default;

    /// Its type, in the registry of the engine; SubType::no_type for null.
    [[nodiscard]] TypeId type() const noexcept;
    /// The number of its fields; 0 for null.
    [[nodiscard]] size_t size() const noexcept;
    /// A field; packed ones are zero-extended. Errors: `usage` when there is no such field; `out_of_memory`.
    [[nodiscard]] std::expected<Value, Error> get(size_t field) const noexcept;
    /// Errors: `usage` when there is no such field, it is immutable, or the value not of its type.
    [[nodiscard]] std::expected<void, Error> set(size_t field, const Value& value) const noexcept;
    /// The reference to it, of its own type.
    [[nodiscard]] Value value() const noexcept;

private:
    friend detail::Mapping<StructRef>;
    friend struct vm::Internal;
    StructRef(StoreImpl* impl, vm::Object* object) noexcept;
    StoreImpl* impl_ = nullptr;
    uint64_t store_ = 0;
    vm::Object* inst_ = nullptr;
};

/// An array, or null: a value of type `arrayref`. A handle that is valid as long as its value is kept alive
/// (root.hpp).
class WARPBEAM_API ArrayRef {
public:
    /// The null reference.
    ArrayRef() noexcept = default;
    /// Makes one of an array type of the engine's registry, with `length` elements that are `init`. Errors:
    /// as for StructRef::create.
    [[nodiscard]] static std::expected<ArrayRef, Error> create(Store& store, TypeId type, uint32_t length,
                                                               const Value& init) noexcept;
    /// What a value refers to; none unless that is an array.
    [[nodiscard]] static std::optional<ArrayRef> from(Store& store, const Value& value) noexcept;

    /// Whether it is the null reference.
    [[nodiscard]] bool is_null() const noexcept { return inst_ == nullptr; }
    /// Whether it is not null.
    explicit operator bool() const noexcept { return !is_null(); }
    /// The same reference as an `anyref`.
    operator AnyRef() const noexcept { return AnyRef::from_bits(reinterpret_cast<uintptr_t>(inst_)); }
    /// Whether both refer to the same array.
    friend bool operator==(ArrayRef, ArrayRef) noexcept = default;

    /// Its type, in the registry of the engine; SubType::no_type for null.
    [[nodiscard]] TypeId type() const noexcept;
    /// The number of its elements; 0 for null.
    [[nodiscard]] uint32_t size() const noexcept;
    /// An element; packed ones are zero-extended. Errors: `usage` when there is no such element;
    /// `out_of_memory`.
    [[nodiscard]] std::expected<Value, Error> get(uint32_t index) const noexcept;
    /// Errors: `usage` when there is no such element, they are immutable, or the value not of their type.
    [[nodiscard]] std::expected<void, Error> set(uint32_t index, const Value& value) const noexcept;
    /// The reference to it, of its own type.
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
