#include "store/values.hpp"

#include "store/store_impl.hpp"

namespace warpbeam::vm {

Value to_value(ValType type, const Slot* slots, const TypeRegistry& types) noexcept {
    if (type.is_ref() && types.top_of(type.heap()) == HeapType::func)
        return Internal::func_value(ValType::reference(HeapType::func, type.nullable()), *slots,
                                    *slots != 0 ? to_func(*slots)->store->number() : 0);
    return Value::from_slots(type, slots);
}

namespace {

/// Whether a reference of the same hierarchy matches a type, and belongs to this store.
bool is_of(Slot bits, ValType type, StoreImpl& store) noexcept {
    const TypeRegistry& types = store.types();
    const HeapType top = types.top_of(type.heap());
    if (bits == 0)
        return type.nullable();
    if (top == HeapType::func) {
        if (bits == unusable_func || to_func(bits)->store != &store)
            return false;
    } else if (top != HeapType::exn && top != HeapType::cont && is_i31(bits)) {
        if (bits > UINT32_MAX) // not an encoding: two such references to the same number would differ
            return false;
    } else if (top == HeapType::exn || top == HeapType::cont || !is_host_reference(bits)) {
        // If not found, it belongs to another store, or was not kept alive; there may now be another object
        // in its place.
        const Object* const object = store.heap.find_object(bits);
        if (object == nullptr || (object->layout->kind == ObjectKind::exception) != (top == HeapType::exn) ||
            (object->layout->kind == ObjectKind::continuation) != (top == HeapType::cont))
            return false;
    }
    return is_instance(bits, type.heap(), types);
}

} // namespace

bool fits_reference(const Value& value, ValType type, StoreImpl& store) noexcept {
    const TypeRegistry& types = store.types();
    if (!types.contains(type) || !types.contains(value.type()))
        return false;
    const HeapType top = types.top_of(type.heap());
    if (types.top_of(value.type().heap()) != top)
        return false;
    // The pointer is only used if the function belongs to this store, since another store may have been
    // destroyed.
    if (top == HeapType::func && !value.is_null() && value.slots()[1] != store.number())
        return false;
    return is_of(value.slots()[0], type, store);
}

size_t first_misfit(const Slot* slots, std::span<const ValType> types, StoreImpl& store) noexcept {
    size_t i = 0;
    for (; i < types.size() && (!types[i].is_ref() || is_of(*slots, types[i], store)); ++i)
        slots += slots_of(types[i]);
    return i;
}

bool keep(std::span<const ValType> types, const Slot* slots, StoreImpl& store) noexcept {
    if (store.heap.unused())
        return true;
    for (const ValType type : types) {
        if (type.is_ref() && !store.heap.keep(*slots))
            return false;
        slots += slots_of(type);
    }
    return true;
}

} // namespace warpbeam::vm
