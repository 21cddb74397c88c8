#include "error.hpp"
#include "module.hpp"
#include "types.hpp"
#include "values.hpp"

#include <warpbeam/vm/gc.hpp>

/// Structures and arrays of the garbage-collected heap, and numbers that are references.

namespace warpbeam::capi {
namespace {

/// The value of a reference to an object of the heap, or to a number; none for others.
const Value* value_of(const wasm_ref_t* ref) noexcept {
    const OtherObject* const other = find<OtherObject>(ref);
    return other != nullptr ? &other->root.value() : nullptr;
}

/// Calls `with` with the structure or array that a reference is to; `without` if it is to none.
template <typename With, typename Without>
auto with_object(const wasm_ref_t* ref, With&& with, Without&& without) noexcept {
    if (const Value* const value = value_of(ref)) {
        Store& store = *ref->store->store;
        if (const auto structure = StructRef::from(store, *value))
            return with(*structure);
        if (const auto array = ArrayRef::from(store, *value))
            return with(*array);
    }
    return without();
}

/// The type of a field, or of the elements.
ValType type_at(const TypeRegistry& types, const StructRef& object, uint32_t index) noexcept {
    const auto fields = types[object.type()].fields;
    return index < fields.size() ? fields[index].storage.unpacked() : ValType{ValType::i32};
}
ValType type_at(const TypeRegistry& types, const ArrayRef& object, uint32_t) noexcept {
    return types[object.type()].fields[0].storage.unpacked();
}

/// The type, if there is one of that kind, else null.
const SubType* find_type(const wasm_store_t* store, uint32_t type, CompositeKind kind) noexcept {
    if (store == nullptr || !store->store || !store->engine.types().contains(type))
        return nullptr;
    const SubType& found = store->engine.types()[type];
    return found.kind == kind ? &found : nullptr;
}

/// A reference to the object that was made.
template <typename Made>
warpbeam_error_t* hand_over(wasm_store_t& store, const Made& made, wasm_ref_t** out) noexcept {
    if (made)
        *out = make_ref(store, OtherObject{Root{*store.store, made->value()}});
    return !made             ? make_error(made.error())
           : *out == nullptr ? make_error(Error{ErrorCode::out_of_memory})
                             : nullptr;
}

warpbeam_error_t* no_object() noexcept { return misuse("it is no structure or array"); }

} // namespace
} // namespace warpbeam::capi

using namespace warpbeam;

warpbeam_error_t* warpbeam_struct_new(wasm_store_t* store, uint32_t type, const wasm_val_vec_t* fields,
                                      wasm_ref_t** out) {
    *out = nullptr;
    const SubType* const found = capi::find_type(store, type, CompositeKind::struct_);
    if (found == nullptr)
        return capi::misuse("it is no type of a structure");
    const RootScope scope{*store->store};
    Vec<ValType> types{store->allocator()};
    for (const FieldType& field : found->fields)
        if (!types.push(field.storage.unpacked()))
            return capi::make_error(Error{ErrorCode::out_of_memory});
    const auto values = capi::values_of(*store, types, fields);
    return values ? capi::hand_over(*store, StructRef::create(*store->store, type, *values), out)
                  : capi::make_error(values.error());
}

warpbeam_error_t* warpbeam_array_new(wasm_store_t* store, uint32_t type, uint32_t length,
                                     const wasm_val_t* element, wasm_ref_t** out) {
    *out = nullptr;
    const SubType* const found = capi::find_type(store, type, CompositeKind::array);
    if (found == nullptr || element == nullptr)
        return capi::misuse("it is no type of an array, or there is no element");
    const RootScope scope{*store->store};
    const auto value = capi::from_c(*store, *element, found->fields[0].storage.unpacked());
    if (!value)
        return capi::make_error(value.error());
    return capi::hand_over(*store, ArrayRef::create(*store->store, type, length, *value), out);
}

uint32_t warpbeam_object_size(const wasm_ref_t* ref) {
    return capi::with_object(
        ref, [](const auto& object) { return static_cast<uint32_t>(object.size()); }, [] { return 0u; });
}
warpbeam_error_t* warpbeam_object_get(const wasm_ref_t* ref, uint32_t index, wasm_val_t* out) {
    capi::set_zero(*out, WASM_I32);
    return capi::with_object(
        ref,
        [&](const auto& object) {
            const RootScope scope{*ref->store->store};
            const auto value = object.get(index);
            if (!value)
                return capi::make_error(value.error());
            if (value->type().is_vec())
                return capi::misuse("it is a v128, which a wasm_val_t has no room for");
            return capi::to_c(*ref->store, *value, *out) ? nullptr
                                                         : capi::make_error(Error{ErrorCode::out_of_memory});
        },
        capi::no_object);
}
warpbeam_error_t* warpbeam_object_set(wasm_ref_t* ref, uint32_t index, const wasm_val_t* value) {
    return capi::with_object(
        ref,
        [&](const auto& object) {
            const RootScope scope{*ref->store->store};
            const auto fresh =
                capi::from_c(*ref->store, *value, capi::type_at(ref->store->engine.types(), object, index));
            return fresh ? capi::error_of(object.set(index, *fresh)) : capi::make_error(fresh.error());
        },
        capi::no_object);
}

wasm_ref_t* warpbeam_i31_new(wasm_store_t* store, uint32_t number) {
    return store != nullptr && store->store
               ? capi::make_ref(*store, capi::OtherObject{Root{*store->store, Value::i31(number)}})
               : nullptr;
}
bool warpbeam_i31_get(const wasm_ref_t* ref, uint32_t* out) {
    const Value* const value = capi::value_of(ref);
    *out = value != nullptr && value->is_i31() ? value->i31_bits() : 0;
    return value != nullptr && value->is_i31();
}
