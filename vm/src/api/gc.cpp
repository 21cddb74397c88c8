#include "heap/object_values.hpp"
#include "store/store_impl.hpp"
#include "store/use.hpp"
#include "store/values.hpp"

#include <warpbeam/vm/gc.hpp>

#include <cinttypes>

namespace warpbeam {
namespace {

using vm::Layout;
using vm::Object;
using vm::ObjectKind;
using vm::Slot;

Error usage(const char* message) noexcept { return Error{ErrorCode::usage, "%s", message}; }
Error no_field(size_t field, size_t count) noexcept {
    return Error{ErrorCode::usage, "field index %zu out of range: the structure has %zu field%s", field,
                 count, count == 1 ? "" : "s"};
}
Error no_element(uint32_t index, uint32_t count) noexcept {
    return Error{ErrorCode::usage,
                 "array index %" PRIu32 " out of range: the array has %" PRIu32 " element%s", index, count,
                 count == 1 ? "" : "s"};
}

Object* object_of(StoreImpl* store, const Value& value, ObjectKind kind) noexcept {
    if (store == nullptr || !value.type().is_ref())
        return nullptr;
    Object* const object = store->heap.find_object(value.slots()[0]);
    return object != nullptr && object->layout->kind == kind ? object : nullptr;
}

Value value_of(const Object* object) noexcept {
    const Slot slots[2] = {reinterpret_cast<uintptr_t>(object), 0};
    return Value::from_slots(ValType::reference(HeapType::defined(object->layout->type), false), slots);
}

std::expected<Value, Error> load(StoreImpl& store, const FieldType& field, const uint8_t* at) noexcept {
    Slot slots[2] = {0, 0};
    vm::load_value(slots, field.storage.kind(), at);
    if (field.storage.is_ref() && !store.heap.keep(slots[0]))
        return std::unexpected{no_memory()};
    return vm::to_value(field.storage.unpacked(), slots, store.types());
}

std::expected<void, Error> store_field(StoreImpl& store, const FieldType& field, uint8_t* at,
                                       const Value& value) noexcept {
    if (!field.is_mutable)
        return std::unexpected{usage("the field is immutable")};
    if (!vm::fits(value, field.storage.unpacked(), store))
        return std::unexpected{usage("the value does not match the field's type")};
    vm::store_value(at, field.storage.kind(), value.slots());
    return {};
}

/// Held while a structure or array is used: says whether the store may be used, and the object is alive.
class UseOfObject {
public:
    template <typename Ref>
    explicit UseOfObject(const Ref& reference) noexcept
        : use_{reference}, alive_{use_ && vm::Internal::impl(reference)->heap.find_object(
                                              reinterpret_cast<uintptr_t>(vm::Internal::inst(reference))) ==
                                              static_cast<const Object*>(vm::Internal::inst(reference))} {}
    explicit operator bool() const noexcept { return alive_; }
    [[nodiscard]] Error error() const noexcept {
        return use_ ? usage("the object was not kept alive") : use_.error();
    }

private:
    vm::Use use_;
    bool alive_;
};

/// The layout of a type of that kind.
std::expected<const Layout*, Error> layout_of(Store& store, TypeId type, CompositeKind kind) noexcept {
    if (!is_built(Feature::gc))
        return std::unexpected{Error{vm::Internal::impl(store)->allocator(), ErrorCode::unsupported,
                                     "this build has no objects (WARPBEAM_GC=0)"}};
    if (vm::Internal::layouts(store.engine()) == nullptr)
        return std::unexpected{no_memory()};
    const TypeRegistry& types = store.engine().types();
    if (!types.contains(type) || types[type].kind != kind)
        return std::unexpected{usage("not a structure or array type")};
    const Layout* const layout = vm::Internal::layouts(store.engine())->of(type);
    if (layout == nullptr)
        return std::unexpected{no_memory()};
    return layout;
}

} // namespace

HeapType dynamic_type(Store& store, const Value& value) noexcept {
    const vm::Use use{store};
    if (!use || !value.type().is_ref() || value.is_null() ||
        !vm::fits(value, value.type(), *vm::Internal::impl(store)))
        return HeapType::none;
    return vm::dynamic_type(value.slots()[0], value.type().heap(), store.engine().types());
}

StructRef::StructRef(StoreImpl* impl, vm::Object* object) noexcept
    : impl_{impl}, store_{impl->number()}, inst_{object} {}

std::expected<StructRef, Error> StructRef::create(Store& store, TypeId type,
                                                  std::span<const Value> fields) noexcept {
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    const auto layout = layout_of(store, type, CompositeKind::struct_);
    if (!layout)
        return std::unexpected{layout.error()};
    StoreImpl& impl = *vm::Internal::impl(store);
    const std::span<const FieldType> types = store.engine().types()[type].fields;
    if (fields.size() != types.size())
        return std::unexpected{usage("a structure needs a value for each of its fields")};
    Vec<Slot> roots{impl.allocator()};
    for (size_t i = 0; i < fields.size(); ++i) {
        if (!vm::fits(fields[i], types[i].storage.unpacked(), impl))
            return std::unexpected{usage("a value does not match its field's type")};
        if (types[i].storage.is_ref() && !roots.push(fields[i].slots()[0]))
            return std::unexpected{no_memory()};
    }
    const vm::RootSpan span{impl.heap, roots};
    Object* const object = impl.heap.allocate_struct(*layout);
    if (object == nullptr)
        return std::unexpected{no_room(impl.heap)};
    for (size_t i = 0; i < fields.size(); ++i) {
        const vm::ObjectField& field = (*layout)->fields[i];
        vm::store_value(vm::field_at(object, field.offset), field.storage, fields[i].slots());
    }
    if (!impl.heap.keep(reinterpret_cast<uintptr_t>(object)))
        return std::unexpected{no_memory()};
    return StructRef{&impl, object};
}

std::optional<StructRef> StructRef::from(Store& store, const Value& value) noexcept {
    const vm::Use use{store};
    StoreImpl* const impl = use ? vm::Internal::impl(store) : nullptr;
    Object* const object = object_of(impl, value, ObjectKind::struct_);
    return object != nullptr ? std::optional{StructRef{impl, object}} : std::nullopt;
}

TypeId StructRef::type() const noexcept {
    const UseOfObject use{*this};
    return use ? inst_->layout->type : SubType::no_type;
}
size_t StructRef::size() const noexcept {
    const UseOfObject use{*this};
    return use ? inst_->layout->fields.size() : 0;
}
Value StructRef::value() const noexcept {
    const UseOfObject use{*this};
    return use ? value_of(inst_) : Value{StructRef{}};
}

std::expected<Value, Error> StructRef::get(size_t field) const noexcept {
    const UseOfObject use{*this};
    if (!use)
        return std::unexpected{use.error()};
    if (field >= size())
        return std::unexpected{no_field(field, size())};
    return load(*impl_, impl_->types()[type()].fields[field],
                vm::field_at(inst_, inst_->layout->fields[field].offset));
}

std::expected<void, Error> StructRef::set(size_t field, const Value& value) const noexcept {
    const UseOfObject use{*this};
    if (!use)
        return std::unexpected{use.error()};
    if (field >= size())
        return std::unexpected{no_field(field, size())};
    return store_field(*impl_, impl_->types()[type()].fields[field],
                       vm::field_at(inst_, inst_->layout->fields[field].offset), value);
}

ArrayRef::ArrayRef(StoreImpl* impl, vm::ArrayObject* object) noexcept
    : impl_{impl}, store_{impl->number()}, inst_{object} {}

std::expected<ArrayRef, Error> ArrayRef::create(Store& store, TypeId type, uint32_t length,
                                                const Value& init) noexcept {
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    const auto layout = layout_of(store, type, CompositeKind::array);
    if (!layout)
        return std::unexpected{layout.error()};
    StoreImpl& impl = *vm::Internal::impl(store);
    if (!vm::fits(init, store.engine().types()[type].fields[0].storage.unpacked(), impl))
        return std::unexpected{usage("the value does not match the element type")};
    const vm::RootSpan span{impl.heap, {init.slots(), 1}};
    vm::ArrayObject* const array = impl.heap.allocate_array(*layout, length);
    if (array == nullptr)
        return std::unexpected{no_room(impl.heap)};
    vm::fill_elements(array, 0, length, init.slots());
    if (!impl.heap.keep(reinterpret_cast<uintptr_t>(array)))
        return std::unexpected{no_memory()};
    return ArrayRef{&impl, array};
}

std::optional<ArrayRef> ArrayRef::from(Store& store, const Value& value) noexcept {
    const vm::Use use{store};
    StoreImpl* const impl = use ? vm::Internal::impl(store) : nullptr;
    Object* const object = object_of(impl, value, ObjectKind::array);
    return object != nullptr ? std::optional{ArrayRef{impl, static_cast<vm::ArrayObject*>(object)}}
                             : std::nullopt;
}

TypeId ArrayRef::type() const noexcept {
    const UseOfObject use{*this};
    return use ? inst_->layout->type : SubType::no_type;
}
uint32_t ArrayRef::size() const noexcept {
    const UseOfObject use{*this};
    return use ? inst_->length : 0;
}
Value ArrayRef::value() const noexcept {
    const UseOfObject use{*this};
    return use ? value_of(inst_) : Value{ArrayRef{}};
}

std::expected<Value, Error> ArrayRef::get(uint32_t index) const noexcept {
    const UseOfObject use{*this};
    if (!use)
        return std::unexpected{use.error()};
    if (index >= size())
        return std::unexpected{no_element(index, size())};
    return load(*impl_, impl_->types()[type()].fields[0], vm::element_at(inst_, index));
}

std::expected<void, Error> ArrayRef::set(uint32_t index, const Value& value) const noexcept {
    const UseOfObject use{*this};
    if (!use)
        return std::unexpected{use.error()};
    if (index >= size())
        return std::unexpected{no_element(index, size())};
    return store_field(*impl_, impl_->types()[type()].fields[0], vm::element_at(inst_, index), value);
}

} // namespace warpbeam
