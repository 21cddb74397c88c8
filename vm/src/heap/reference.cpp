#include "heap/reference.hpp"

#include "store/store_impl.hpp"

namespace warpbeam::vm {
namespace {

/// The heap type at the top of a type's hierarchy.
/// https://webassembly.github.io/spec/core/valid/matching.html#heap-types
HeapType top_of(HeapType heap, const TypeRegistry& types) noexcept {
    if (heap.is_defined())
        return types[heap.id()].kind == CompositeKind::func ? HeapType::func : HeapType::any;
    switch (heap.code()) {
    case HeapType::func:
    case HeapType::nofunc:
        return HeapType::func;
    case HeapType::extern_:
    case HeapType::noextern:
        return HeapType::extern_;
    case HeapType::exn:
    case HeapType::noexn:
        return HeapType::exn;
    default:
        return HeapType::any;
    }
}

} // namespace

HeapType dynamic_type(Slot reference, HeapType top, const TypeRegistry& types) noexcept {
    top = top_of(top, types);
    if (top == HeapType::func)
        return HeapType::defined(to_func(reference)->type, true);
    if (top != HeapType::any)
        return top;
    if (is_i31(reference))
        return HeapType::i31;
    if (is_host_reference(reference))
        return HeapType::any;
    return HeapType::defined(reinterpret_cast<const Object*>(static_cast<uintptr_t>(reference))->layout->type,
                             true);
}

bool is_instance(Slot reference, HeapType heap, const TypeRegistry& types) noexcept {
    return types.matches(dynamic_type(reference, heap, types), heap);
}

size_t slots_of(std::span<const ValType> types) noexcept {
    size_t count = 0;
    for (const ValType type : types)
        count += slots_of(type);
    return count;
}

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
        const Object* const object = store.heap().find_object(bits);
        if (object == nullptr || (object->layout->kind == ObjectKind::exception) != (top == HeapType::exn))
            return false;
    }
    return is_instance(bits, type.heap(), types);
}

} // namespace warpbeam::vm
