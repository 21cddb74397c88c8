#include "heap/reference.hpp"

#include "heap/layout.hpp"

namespace warpbeam::vm {

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

HeapType dynamic_type(Slot reference, HeapType top, const TypeRegistry& types) noexcept {
    top = top_of(top, types);
    if (top == HeapType::func)
        return HeapType::defined(reinterpret_cast<const FuncHead*>(static_cast<uintptr_t>(reference))->type,
                                 true);
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

} // namespace warpbeam::vm
