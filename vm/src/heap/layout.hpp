#pragma once

#include "isa/instr.hpp"

#include <warpbeam/loader/type_registry.hpp>
#include <warpbeam/memory/arena.hpp>
#include <warpbeam/memory/hash_index.hpp>
#include <warpbeam/memory/locks.hpp>

#include <algorithm>

/// How objects lie in the heap.

namespace warpbeam::vm {

struct TagHead;
struct Layout;
struct Continuation;

/// The head of every object; the contents follow. References are addresses of objects. Objects have the same
/// size on all machines, since limits and fuel count it.
struct alignas(8) Object {
    const Layout* layout;
};
static_assert(sizeof(Object) == 8);
struct ArrayObject : Object {
    uint32_t length;
};
struct ExceptionObject : Object {
    alignas(8) const TagHead* tag;
    [[nodiscard]] Slot* payload() noexcept { return reinterpret_cast<Slot*>(this + 1); }
    [[nodiscard]] const Slot* payload() const noexcept { return reinterpret_cast<const Slot*>(this + 1); }
};

[[nodiscard]] constexpr size_t exception_size(size_t slots) noexcept {
    return sizeof(ExceptionObject) + slots * sizeof(Slot);
}

/// An object from the host; code can only pass it around.
struct HostObject : Object {
    alignas(8) struct HostData* data;
};

/// A reference to suspended stacks: the last one, which goes on first, and the first one, to which the others
/// return. Once they have been used the last one is null.
struct ContObject : Object {
    Continuation* inner;
    Continuation* outer;
};

// What the heap's limit and fuel count for such an object, and for each continuation.
inline constexpr size_t continuation_object_size = 24;
inline constexpr size_t continuation_size = 512;
static_assert(sizeof(ContObject) <= continuation_object_size);

enum class ObjectKind : uint8_t { struct_, array, exception, host, continuation };

/// How a field or element is stored: packed, without padding except for natural alignment (a v128 is aligned
/// like an i64).
struct ObjectField {
    ValType::Kind storage = ValType::bot;
    bool traced = false; ///< whether it may refer to a heap object
    uint32_t offset = 0; ///< from the beginning of the object
};

/// The size of a stored value in bytes.
[[nodiscard]] constexpr uint32_t bytes_of(ValType::Kind storage) noexcept {
    switch (storage) {
    case ValType::i8:
        return 1;
    case ValType::i16:
        return 2;
    case ValType::i32:
    case ValType::f32:
        return 4;
    case ValType::v128:
        return 16;
    default:
        return 8;
    }
}

/// The offset of the elements of an array with this element size: right after the length.
[[nodiscard]] constexpr uint32_t first_element(uint32_t bytes) noexcept { return bytes <= 4 ? 12 : 16; }

/// The layout of all objects of one type. It lives as long as the engine and does not move, so its address
/// identifies the type.
struct Layout {
    ObjectKind kind;
    TypeId type;
    HeapType heap_type; ///< the type of a reference to such an object
    /// The size of a structure, or the offset of an array's elements, in bytes.
    uint32_t size;
    uint32_t depth; ///< the number of supertypes
    /// The offset of a structure's reference to its descriptor; 0 if its type has none. A supertype may lack
    /// it, so it comes after the fields of the outermost type that has one.
    uint32_t descriptor;
    /// The layouts of all supertypes by depth, then this one.
    const Layout* const* supertypes;
    /// All fields of a structure, or the one of an array.
    std::span<const ObjectField> fields;
    /// The offsets of a structure's traced fields and of its descriptor.
    std::span<const uint32_t> references;

    [[nodiscard]] bool is_subtype_of(const Layout* super) const noexcept {
        return this == super || (super->depth < depth && supertypes[super->depth] == super);
    }
    [[nodiscard]] const ObjectField& element() const noexcept { return fields[0]; }
    /// The total size of an array in bytes.
    [[nodiscard]] uint64_t array_size(uint64_t length) const noexcept {
        return (size + length * bytes_of(fields[0].storage) + 7) & ~uint64_t{7};
    }
};
/// As a size of the host. Beyond 32-bit addresses it stays too large for every allocation.
[[nodiscard]] constexpr size_t host_size(uint64_t size) noexcept {
    return static_cast<size_t>(std::min<uint64_t>(size, SIZE_MAX));
}
extern const Layout exception_layout;
extern const Layout host_layout;
extern const Layout continuation_layout;

/// References to objects are their addresses.
[[nodiscard]] [[gnu::always_inline]] inline Object* to_object(Slot reference) noexcept {
    return reinterpret_cast<Object*>(static_cast<uintptr_t>(reference));
}
[[nodiscard]] [[gnu::always_inline]] inline ArrayObject* to_array(Slot reference) noexcept {
    return static_cast<ArrayObject*>(to_object(reference));
}
[[nodiscard]] [[gnu::always_inline]] inline Slot from_object(const Object* object) noexcept {
    return reinterpret_cast<uintptr_t>(object);
}
[[nodiscard]] inline uint8_t* field_at(Object* object, uint32_t offset) noexcept {
    return reinterpret_cast<uint8_t*>(object) + offset;
}
[[nodiscard]] inline const uint8_t* field_at(const Object* object, uint32_t offset) noexcept {
    return reinterpret_cast<const uint8_t*>(object) + offset;
}

/// The layouts of an engine's types, made on first use. Thread-safety: any thread may call any function at
/// any time.
class Layouts {
public:
    Layouts(Allocator& allocator, const TypeRegistry& types) noexcept
        : types_{types}, arena_{allocator}, index_{allocator}, layouts_{allocator} {}

    /// The layout of a structure or array type; null if memory runs out.
    [[nodiscard]] const Layout* of(TypeId type) noexcept;

private:
    [[nodiscard]] const Layout* find(TypeId type) const noexcept;
    [[nodiscard]] bool make(TypeId type) noexcept;

    const TypeRegistry& types_;
    Mutex mutex_;
    Arena arena_;
    HashIndex index_;
    Vec<const Layout*> layouts_;
};

} // namespace warpbeam::vm
