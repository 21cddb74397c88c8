#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/store.hpp>
#include <warpbeam/vm/type_tag.hpp>
#include <warpbeam/vm/value.hpp>

#include <type_traits>
#include <utility>

/// C++ objects that WebAssembly code refers to through external references, and that the store's garbage
/// collector manages like its own objects:
///
///     auto file = ExternRef::create(store, File{path});      // moved in; destroyed by ~File
///     auto shared = ExternRef::create(store, Ref{...});      // shared; destroyed by its release
///     auto other = ExternRef::create(store, handle, close);  // destroyed by close(handle)
///     ...
///     if (File* const found = reference.object<File>(caller.store()))
///
/// The store destroys an object at some time after the last reference to it has gone: after a collection,
/// never inside one. The objects that remain are destroyed with the store. Neither promptness nor an order is
/// promised. Everything happens on the thread that uses the store. A destructor or finalizer must not use the
/// store or anything in it, but an object may own a Root or an Exception. It must not throw.
/// StoreLimits::heap_bytes counts the size of the object itself, not what it has allocated elsewhere.
///
/// Thread-safety: as for Store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#values

namespace warpbeam {

namespace detail {

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
/// A reference to `data`, or if the type has a size, to new memory, in which the caller must construct the
/// object at once.
[[nodiscard]] WARPBEAM_API std::expected<NewHostObject, Error>
add_host_object(Store& store, const HostObjectType& type, void* data) noexcept;
/// The object; null if its tag is another one.
[[nodiscard]] WARPBEAM_API void* find_host_object(const Store& store, ExternRef reference,
                                                  const void* tag) noexcept;

} // namespace detail

template <typename T>
std::expected<ExternRef, Error> ExternRef::create(Store& store, T object) noexcept {
    static_assert(!std::is_pointer_v<T>,
                  "a pointer does not say how to destroy its object: pass a finalizer too");
    const detail::HostObjectType type{&detail::TypeTag<T>::address,
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
    const detail::HostObjectType type{&detail::TypeTag<T>::address,
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
        detail::find_host_object(store, *this, &detail::TypeTag<std::remove_cv_t<T>>::address));
}

} // namespace warpbeam
