#pragma once

#include "store.hpp"

#include <warpbeam/vm/host_object.hpp>
#include <warpbeam/vm/instance.hpp>

#include <variant>

namespace warpbeam::capi {

/// What the references to one trap share.
struct SharedTrap : RefCounted<SharedTrap> {
    SharedTrap(Allocator& allocator, wasm_store_t& of) noexcept
        : RefCounted{allocator}, store{Ref<wasm_store_t>::share(&of)} {}
    const Ref<wasm_store_t> store; ///< where it was made
    /// Whether a callback has passed it on to code of another store: it may refer to objects of both.
    bool crossed = false;
    /// The bytes that the host has given as its message: that of the Trap is made safe to print.
    std::optional<Vec<char>> message;
    HostInfo info;
};
struct TrapObject {
    Ref<SharedTrap> shared;
    Trap trap;
};

/// What the references to one module of a store share.
struct SharedModule : RefCounted<SharedModule> {
    SharedModule(Allocator& allocator, Module from) noexcept
        : RefCounted{allocator}, module{std::move(from)} {}
    const Module module;
    HostInfo info;
};
using ModuleObject = Ref<SharedModule>;

/// A foreign object, on the store's heap.
struct Foreign {
    HostInfo info;
};
struct ForeignObject {
    Root root;
};
/// Any other value that is a reference: to an object on the heap, or from the host in C++.
struct OtherObject {
    Root root;
};

/// The object of a reference. The first are those that can be imported.
using Object = std::variant<Func, Table, Memory, Global, Tag, Instance, TrapObject, ModuleObject,
                            ForeignObject, OtherObject>;

/// An object that is not on the heap, while an external reference refers to it.
struct Boxed {
    Object object;
};

} // namespace warpbeam::capi

/// Every reference. The other types, such as wasm_func_t, are names for it that the compiler tells apart.
struct wasm_ref_t {
    warpbeam::Ref<wasm_store_t> store; ///< null for a trap that no memory was left to make
    warpbeam::capi::Object object;
};

namespace warpbeam::capi {

/// @{ A reference under its own name.
#define WARPBEAM_REF_NAMES(X)                                                                                \
    X(trap) X(foreign) X(module) X(func) X(global) X(table) X(memory) X(extern) X(instance)
#define WARPBEAM_AS_REF(name)                                                                                \
    inline wasm_ref_t* as_ref(wasm_##name##_t* ref) noexcept { return reinterpret_cast<wasm_ref_t*>(ref); }  \
    inline const wasm_ref_t* as_ref(const wasm_##name##_t* ref) noexcept {                                   \
        return reinterpret_cast<const wasm_ref_t*>(ref);                                                     \
    }
WARPBEAM_REF_NAMES(WARPBEAM_AS_REF)
inline wasm_ref_t* as_ref(wasm_ref_t* ref) noexcept { return ref; }
inline const wasm_ref_t* as_ref(const wasm_ref_t* ref) noexcept { return ref; }
/// @}

/// The object, if the reference has one of this kind and its store is not deleted, else null.
template <typename T, typename Named>
[[nodiscard]] auto* find(Named* named) noexcept {
    auto* const ref = as_ref(named);
    return ref != nullptr && ref->store && ref->store->store ? std::get_if<T>(&ref->object) : nullptr;
}
/// The same; an empty handle instead of null.
template <typename T, typename Named>
[[nodiscard]] T handle(const Named* named) noexcept {
    const T* const found = find<T>(named);
    return found != nullptr ? *found : T{};
}

/// A new reference; null if memory runs out.
template <typename Named = wasm_ref_t>
[[nodiscard]] Named* make_ref(wasm_store_t& store, Object object) noexcept {
    return reinterpret_cast<Named*>(
        create<wasm_ref_t>(store.allocator(), Ref<wasm_store_t>::share(&store), std::move(object)));
}
/// A reference to an object that can be imported.
[[nodiscard]] wasm_extern_t* make_extern(wasm_store_t& store, const Extern& object) noexcept;
/// That object, if the reference is to one of this store, else none.
[[nodiscard]] std::optional<Extern> extern_of(const wasm_ref_t* ref, const wasm_store_t& store) noexcept;

/// Another owner of the same object; an empty Root for what lies on the heap of a store that is deleted.
[[nodiscard]] Object copy_of(const Object& object, wasm_store_t& store) noexcept;

/// The external reference of a foreign object, or of another value.
[[nodiscard]] ExternRef extern_ref(const ForeignObject& foreign) noexcept;

} // namespace warpbeam::capi
