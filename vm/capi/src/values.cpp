#include "values.hpp"

#include "error.hpp"
#include "types.hpp"

namespace warpbeam::capi {
namespace {

/// A value of an external reference to the object of a reference, whatever that is.
std::optional<Value> box(wasm_store_t& store, const wasm_ref_t& ref) noexcept {
    if (const auto* const foreign = std::get_if<ForeignObject>(&ref.object))
        return extern_ref(*foreign);
    if (const auto* const other = std::get_if<OtherObject>(&ref.object))
        return ExternRef::from_bits(other->root.value().slots()[0]);
    const auto boxed = ExternRef::create(*store.store, Boxed{copy_of(ref.object, store)});
    return boxed ? std::optional<Value>{*boxed} : std::nullopt;
}

} // namespace

std::optional<Value> from_c(wasm_store_t& store, const wasm_ref_t* ref, HeapType type) noexcept {
    if (ref == nullptr)
        return Value::null(type);
    if (ref->store.get() != &store)
        return std::nullopt;
    const HeapType top = store.engine.types().top_of(type);
    if (top == HeapType::func) {
        const auto* const func = std::get_if<Func>(&ref->object);
        return func != nullptr ? std::optional<Value>{*func} : std::nullopt;
    }
    const auto* const other = std::get_if<OtherObject>(&ref->object);
    const std::optional<Value> external =
        top == HeapType::extern_ || top == HeapType::any ? box(store, *ref) : std::nullopt;
    if (top == HeapType::extern_)
        return external;
    // References to objects of the heap keep their own types, which the engine compares with what is wanted.
    if (other != nullptr && store.engine.types().top_of(other->root.value().type().heap()) == top)
        return other->root.value();
    return external ? std::optional<Value>{AnyRef::from_extern(external->as<ExternRef>())} : std::nullopt;
}

std::optional<Value> from_c(wasm_store_t& store, const wasm_val_t& value, ValType type) noexcept {
    if (type.is_ref())
        return wasm_valkind_is_ref(value.kind) ? from_c(store, value.of.ref, type.heap()) : std::nullopt;
    if (value.kind != kind_of(type, store.engine.types()))
        return std::nullopt;
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
        return std::nullopt;
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
        return std::unexpected{
            Error{ErrorCode::usage, "%zu values are needed, but %zu are given", types.size(), count}};
    Vec<Value> values{store.allocator()};
    if (!values.reserve(count))
        return std::unexpected{Error{ErrorCode::out_of_memory}};
    for (size_t i = 0; i < count; ++i) {
        const auto value = from_c(store, from->data[i], types[i]);
        if (!value)
            return std::unexpected{
                Error{ErrorCode::usage, "value %zu is of kind %u and does not fit its type (kind %u)", i,
                      unsigned{from->data[i].kind}, unsigned{kind_of(types[i], store.engine.types())}}};
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
