#include "runtime/reference.hpp"

#include "runtime/store_impl.hpp"

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

size_t slots_of(std::span<const ValType> types) noexcept {
    size_t count = 0;
    for (const ValType type : types)
        count += slots_of(type);
    return count;
}

bool fits(const Value& value, ValType type, const StoreImpl& store) noexcept {
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
        const FuncInst* const func = to_func(bits);
        return func->store == &store &&
               types.matches(ValType::reference(HeapType::defined(func->type), false), type);
    }
    // An external reference may be anything that is not null.
    if (top == HeapType::extern_)
        return type.heap() == HeapType::extern_;
    if (is_i31(bits))
        return types.matches(ValType::reference(HeapType::i31, false), type);
    if (is_host_reference(bits))
        return type.heap() == HeapType::any;
    // A heap object came from this engine with a type that said what it is.
    return types.matches(ValType::reference(value.type().heap(), false), type);
}

} // namespace warpbeam::vm
