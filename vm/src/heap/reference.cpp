#include "heap/reference.hpp"

#include "heap/layout.hpp"

namespace warpbeam::vm {

HeapType dynamic_type(Slot reference, HeapType top, const TypeRegistry& types) noexcept {
    top = types.top_of(top);
    if (top == HeapType::func)
        return HeapType::defined(reinterpret_cast<const FuncHead*>(static_cast<uintptr_t>(reference))->type,
                                 true);
    if (top != HeapType::any)
        return top;
    if (is_i31(reference))
        return HeapType::i31;
    if (is_host_reference(reference))
        return HeapType::any;
    return to_object(reference)->layout->heap_type;
}

bool is_instance(Slot reference, HeapType heap, const TypeRegistry& types) noexcept {
    return types.matches(dynamic_type(reference, heap, types), heap);
}

} // namespace warpbeam::vm
