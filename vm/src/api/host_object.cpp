#include "store/store_impl.hpp"
#include "store/use.hpp"

#include <warpbeam/vm/host_object.hpp>

namespace warpbeam {
namespace {

/// The object that a reference made by the host refers to.
const vm::HostData* find(const Store& store, ExternRef reference) noexcept {
    const vm::Use use{store};
    const vm::Object* const object =
        use ? vm::Internal::impl(store)->heap.find_object(reference.bits()) : nullptr;
    return object != nullptr && object->layout->kind == vm::ObjectKind::host
               ? static_cast<const vm::HostObject*>(object)->data
               : nullptr;
}

} // namespace

std::expected<detail::NewHostObject, Error> detail::add_host_object(Store& store, const HostObjectType& type,
                                                                    void* data) noexcept {
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    StoreImpl& impl = *vm::Internal::impl(store);
    if (!has_objects)
        return std::unexpected{Error{impl.allocator(), ErrorCode::unsupported,
                                     "this build has no host objects (WARPBEAM_GC=0)"}};
    vm::Heap& heap = impl.heap;
    const vm::HostObject* const object =
        heap.allocate_host({type.tag, type.finalize, type.size, type.alignment}, data);
    if (object == nullptr)
        return std::unexpected{no_room(heap)};
    return NewHostObject{ExternRef::from_bits(vm::from_object(object)), object->data->data};
}

void* detail::find_host_object(const Store& store, ExternRef reference, const void* tag) noexcept {
    const vm::HostData* const found = find(store, reference);
    return found != nullptr && found->tag == tag ? found->data : nullptr;
}

std::expected<ExternRef, Error> ExternRef::create(Store& store, void* data, Finalizer finalize) noexcept {
    if (finalize == nullptr)
        finalize = [](void*) noexcept {};
    const auto made = detail::add_host_object(store, {nullptr, finalize, 0, 1}, data);
    if (made)
        return made->reference;
    finalize(data);
    return std::unexpected{made.error()};
}

void* ExternRef::data(const Store& store) const noexcept {
    const vm::HostData* const found = find(store, *this);
    return found != nullptr ? found->data : nullptr;
}

} // namespace warpbeam
