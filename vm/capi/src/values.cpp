#include "values.hpp"

#include "error.hpp"
#include "types.hpp"

namespace warpbeam::capi {
namespace {

std::unexpected<Error> misfit(wasm_valkind_t kind, ValType type, const TypeRegistry& types) noexcept {
    return std::unexpected{Error{ErrorCode::usage, "a value of kind %u does not fit a type of kind %u",
                                 unsigned{kind}, unsigned{kind_of(type, types)}}};
}

/// A value of an external reference to the object of a reference, whatever that is.
std::expected<Value, Error> box(wasm_store_t& store, const wasm_ref_t& ref) noexcept {
    if (const auto* const foreign = std::get_if<ForeignObject>(&ref.object))
        return extern_ref(*foreign);
    if (const auto* const other = std::get_if<OtherObject>(&ref.object))
        return ExternRef::from_bits(other->root.value().slots()[0]);
    const auto boxed = ExternRef::create(*store.store, Boxed{copy_of(ref.object, store)});
    if (!boxed)
        return std::unexpected{boxed.error()};
    return *boxed;
}

} // namespace

std::expected<Value, Error> from_c(wasm_store_t& store, const wasm_ref_t* ref, HeapType type) noexcept {
    if (ref == nullptr)
        return Value::null(type);
    if (ref->store.get() != &store)
        return std::unexpected{Error{ErrorCode::usage, "the reference is to an object of another store"}};
    const HeapType top = store.engine.types().top_of(type);
    if (top == HeapType::extern_)
        return box(store, *ref);
    if (const auto* const func = std::get_if<Func>(&ref->object); func != nullptr && top == HeapType::func)
        return *func;
    // References to objects of the heap keep their own types, which the engine compares with what is wanted.
    if (const auto* const other = std::get_if<OtherObject>(&ref->object);
        other != nullptr && store.engine.types().top_of(other->root.value().type().heap()) == top)
        return other->root.value();
    if (top != HeapType::any)
        return std::unexpected{
            Error{ErrorCode::usage, "the reference is to an object of another kind than its type"}};
    const auto external = box(store, *ref);
    if (!external)
        return external;
    return AnyRef::from_extern(external->as<ExternRef>());
}

std::expected<Value, Error> from_c(wasm_store_t& store, const wasm_val_t& value, ValType type) noexcept {
    if (type.is_ref() && wasm_valkind_is_ref(value.kind))
        return from_c(store, value.of.ref, type.heap());
    if (value.kind != kind_of(type, store.engine.types()))
        return misfit(value.kind, type, store.engine.types());
    switch (type.kind()) {
    case ValType::i32:
        return value.of.i32;
    case ValType::i64:
        return value.of.i64;
    case ValType::f32:
        return value.of.f32;
    case ValType::f64:
        return value.of.f64;
    default:
        return misfit(value.kind, type, store.engine.types());
    }
}

wasm_ref_t* make_reference(wasm_store_t& store, const Value& value) noexcept {
    if (value.is_null())
        return nullptr;
    const HeapType top = store.engine.types().top_of(value.type().heap());
    if (top == HeapType::func)
        return make_ref(store, value.as<Func>());
    if (top == HeapType::extern_ || top == HeapType::any) {
        const auto external = ExternRef::from_bits(value.slots()[0]);
        if (const auto* const boxed = external.object<Boxed>(*store.store))
            return make_ref(store, copy_of(boxed->object, store));
        if (external.object<Foreign>(*store.store) != nullptr)
            return make_ref(store, ForeignObject{Root{*store.store, external}});
    }
    return make_ref(store, OtherObject{Root{*store.store, value}});
}

bool to_c(wasm_store_t& store, const Value& value, wasm_val_t& out) noexcept {
    set_zero(out, kind_of(value.type(), store.engine.types()));
    switch (value.type().kind()) {
    case ValType::i32:
        out.of.i32 = value.as<int32_t>();
        return true;
    case ValType::i64:
        out.of.i64 = value.as<int64_t>();
        return true;
    case ValType::f32:
        out.of.f32 = value.as<float>();
        return true;
    case ValType::f64:
        out.of.f64 = value.as<double>();
        return true;
    case ValType::ref:
        out.of.ref = make_reference(store, value);
        return out.of.ref != nullptr || value.is_null();
    default:
        return false;
    }
}

std::expected<Vec<Value>, Error> values_of(wasm_store_t& store, std::span<const ValType> types,
                                           const wasm_val_vec_t* from) noexcept {
    const size_t count = from != nullptr && from->data != nullptr ? from->size : 0;
    if (count != types.size())
        return std::unexpected{Error{ErrorCode::usage, "%zu value%s needed, %zu given", types.size(),
                                     types.size() == 1 ? " is" : "s are", count}};
    Vec<Value> values{store.allocator()};
    if (!values.reserve(count))
        return std::unexpected{Error{ErrorCode::out_of_memory}};
    for (size_t i = 0; i < count; ++i) {
        const auto value = from_c(store, from->data[i], types[i]);
        if (!value)
            return std::unexpected{Error{value.error().code(), "value %zu: %.*s", i,
                                         static_cast<int>(value.error().message().size()),
                                         value.error().message().data()}};
        (void)values.push(*value);
    }
    return values;
}

warpbeam_error_t* to_c(wasm_store_t& store, std::span<const Value> values, wasm_val_vec_t& out) noexcept {
    if (!make_vec(out, values.size()))
        return make_error(Error{ErrorCode::out_of_memory});
    for (size_t i = 0; i < values.size(); ++i)
        if (!to_c(store, values[i], out.data[i])) {
            wasm_val_vec_delete(&out);
            return values[i].type().is_vec() ? misuse("there is a v128, which a wasm_val_t has no room for")
                                             : make_error(Error{ErrorCode::out_of_memory});
        }
    return nullptr;
}

void set_zero(wasm_val_t& value, wasm_valkind_t kind) noexcept {
    std::memset(&value, 0, sizeof value);
    value.kind = kind;
}

} // namespace warpbeam::capi

using namespace warpbeam;

void wasm_val_delete(wasm_val_t* value) {
    if (value == nullptr || !wasm_valkind_is_ref(value->kind))
        return;
    wasm_ref_delete(value->of.ref);
    value->of.ref = nullptr;
}

void wasm_val_copy(wasm_val_t* out, const wasm_val_t* value) {
    *out = *value;
    if (wasm_valkind_is_ref(value->kind))
        out->of.ref = wasm_ref_copy(value->of.ref);
}
