#pragma once

#include <warpbeam/loader/types.hpp>
#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>

#include <span>

namespace warpbeam {

/// The defined types of all modules that may be linked with each other, each stored once: recursive groups
/// that are equal up to renaming share their ids, so types are equivalent if their ids are equal.
/// https://webassembly.github.io/spec/core/valid/matching.html
///
/// Thread-safety: any thread may call any function at any time. Types stay until the registry is destroyed,
/// and the addresses of their contents are stable.
class WARPBEAM_API TypeRegistry {
public:
    /// An empty registry that takes its memory from `allocator`, which must outlive it.
    explicit TypeRegistry(Allocator& allocator = Allocator::standard()) noexcept;
    ~TypeRegistry();
    TypeRegistry(const TypeRegistry&) = delete;
    TypeRegistry& operator=(const TypeRegistry&) = delete;

    /// @{ Adds a recursive group, or finds an equal one. In `group`, a heap type or supertype with id
    /// `first_member + i` means member i of the group itself; all other ids are ids of this registry. The
    /// spans in `group` are copied. The members get consecutive ids; the first is returned, or `failed` if
    /// memory or ids have run out. `depth` and `defaultable` are computed, not read.
    static constexpr TypeId first_member = max_type_id;
    static constexpr TypeId failed = UINT32_MAX;
    [[nodiscard]] TypeId add_group(std::span<const SubType> group) noexcept;
    /// @}

    /// Whether there is a type with that id, for ids from the embedder. It can't tell if the id comes from
    /// another registry.
    [[nodiscard]] bool contains(TypeId id) const noexcept;
    /// Whether the type only refers to types of this registry.
    [[nodiscard]] bool contains(ValType type) const noexcept {
        return !type.is_ref() || !type.heap().is_defined() || contains(type.heap().id());
    }
    /// The type with an id that `add_group` returned.
    [[nodiscard]] const SubType& operator[](TypeId id) const noexcept;
    /// The size of the recursive group that begins with this type; 0 if the type is not the first of its
    /// group.
    [[nodiscard]] uint32_t group_size(TypeId id) const noexcept;
    /// Shorthand for a function type's parameters and results.
    [[nodiscard]] const FuncType& func(TypeId id) const noexcept { return (*this)[id].func; }

    /// Whether `sub` is `super`, or declares it as its supertype directly or indirectly.
    [[nodiscard]] bool is_subtype(TypeId sub, TypeId super) const noexcept;
    /// https://webassembly.github.io/spec/core/valid/matching.html#heap-types
    [[nodiscard]] bool matches(HeapType sub, HeapType super) const noexcept;
    /// The top type of a heap type's hierarchy.
    [[nodiscard]] HeapType top_of(HeapType heap) const noexcept;
    /// https://webassembly.github.io/spec/core/valid/matching.html#value-types ; `bot` matches everything.
    [[nodiscard]] bool matches(ValType sub, ValType super) const noexcept {
        return sub == super || matches_slow(sub, super);
    }
    /// https://webassembly.github.io/spec/core/valid/matching.html#external-types
    [[nodiscard]] bool matches(const ExternType& sub, const ExternType& super) const noexcept;

private:
    [[nodiscard]] bool matches_slow(ValType sub, ValType super) const noexcept;
    struct Impl;
    Impl* impl_;
};

} // namespace warpbeam
