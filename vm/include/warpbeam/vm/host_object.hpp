#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/store.hpp>
#include <warpbeam/vm/value.hpp>

#include <type_traits>
#include <utility>

/// @file
/// Objects of C++ that WebAssembly code holds external references to, and which are collected with the
/// store's own objects:
///
///     auto file = ExternRef::create(store, File{path});      // moved in; ~File ends it
///     auto shared = ExternRef::create(store, Ref{...});      // released
///     auto other = ExternRef::create(store, handle, close);  // close(handle)
///     ...
///     if (File* const found = reference.object<File>(caller.store()))
///
/// The store ends an object, by its destructor, release or finalizer, some time after nothing refers to it
/// any more: after a collection and never within it, and what is left when the store ends. No promptness is
/// promised, nor an order, and all on the thread that uses the store. An object must not use the store while
/// it is ended, nor what belongs to the store; but it may hold a Root or an Exception. It must not throw.
/// StoreLimits::heap_bytes counts an object's own size, without what it has allocated elsewhere.
///
/// Thread-safety: as for Store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#values

namespace warpbeam {

namespace detail {

/// Its address stands for the type. It is no constant, since those may be merged.
template <typename T>
struct HostObjectTag {
    static inline char address = 0;
};

struct HostObjectType {
    const void* tag;
    ExternRef::Finalizer finalize;
    size_t size;
    size_t alignment;
};
struct NewHostObject {
    ExternRef reference;
    void* data;
};
/// A reference to `data`, or when the type has a size to fresh memory, in which an object has to be made at
/// once.
[[nodiscard]] WARPBEAM_API std::expected<NewHostObject, Error>
add_host_object(Store& store, const HostObjectType& type, void* data) noexcept;
/// Null unless that is its tag.
[[nodiscard]] WARPBEAM_API void* find_host_object(const Store& store, ExternRef reference,
                                                  const void* tag) noexcept;

} // namespace detail

template <typename T>
std::expected<ExternRef, Error> ExternRef::create(Store& store, T object) noexcept {
    static_assert(!std::is_pointer_v<T>, "a pointer doesn't say how its object ends: give a finalizer too");
    const detail::HostObjectType type{&detail::HostObjectTag<T>::address,
                                      [](void* data) noexcept { static_cast<T*>(data)->~T(); }, sizeof(T),
                                      alignof(T)};
    const auto made = detail::add_host_object(store, type, nullptr);
    if (!made)
        return std::unexpected{made.error()};
    ::new (made->data) T(std::move(object));
    return made->reference;
}

template <typename T>
std::expected<ExternRef, Error> ExternRef::create(Store& store, Ref<T> object) noexcept {
    if (!object)
        return ExternRef{};
    const detail::HostObjectType type{&detail::HostObjectTag<T>::address,
                                      [](void* data) noexcept { static_cast<T*>(data)->release(); }, 0, 1};
    const auto made = detail::add_host_object(store, type, object.get());
    if (!made)
        return std::unexpected{made.error()};
    object->retain();
    return made->reference;
}

template <typename T>
T* ExternRef::object(const Store& store) const noexcept {
    return static_cast<T*>(
        detail::find_host_object(store, *this, &detail::HostObjectTag<std::remove_cv_t<T>>::address));
}

} // namespace warpbeam
