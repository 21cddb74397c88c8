#include "store/values.hpp"

#include "store/store_impl.hpp"

namespace warpbeam::vm {

Value to_value(ValType type, const Slot* slots, const TypeRegistry& types) noexcept {
    if (type.is_ref() && top_of(type.heap(), types) == HeapType::func)
        type = ValType::reference(HeapType::func, type.nullable());
    return Value::from_slots(type, slots);
}

bool fits(const Value& value, ValType type, StoreImpl& store) noexcept {
    if (!type.is_ref() || !value.type().is_ref())
        return value.type() == type;
    const TypeRegistry& types = store.types();
    const HeapType top = top_of(type.heap(), types);
    if (top_of(value.type().heap(), types) != top)
        return false;
    const Slot bits = value.slots()[0];
    if (bits == 0)
        return type.nullable();
    if (top == HeapType::func) {
        if (to_func(bits)->store != &store)
            return false;
    } else if (!is_i31(bits) && !is_host_reference(bits)) {
        // None: it is of another store, or was not kept alive. Then there may be another object in its place.
        const Object* const object = store.heap.find_object(bits);
        if (object == nullptr || (object->layout->kind == ObjectKind::exception) != (top == HeapType::exn))
            return false;
    }
    return is_instance(bits, type.heap(), types);
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
