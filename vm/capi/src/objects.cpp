#include "types.hpp"
#include "values.hpp"

/// Globals, tables, memories, and what they have in common: that they can be imported and exported.

namespace warpbeam::capi {
namespace {

/// What was made, for C; null if nothing was.
template <typename Named, typename Made>
Named* made(wasm_store_t& store, const Made& object) noexcept {
    return object ? make_ref<Named>(store, *object) : nullptr;
}

wasm_externkind_t kind_for_c(ExternKind kind) noexcept {
    switch (kind) {
    case ExternKind::func:
        break;
    case ExternKind::table:
        return WASM_EXTERN_TABLE;
    case ExternKind::memory:
        return WASM_EXTERN_MEMORY;
    case ExternKind::global:
        return WASM_EXTERN_GLOBAL;
    case ExternKind::tag:
        return WARPBEAM_EXTERN_TAG;
    }
    return WASM_EXTERN_FUNC;
}

bool is_usable(const wasm_store_t* store, const wasm_valtype_t& type) noexcept {
    return store != nullptr && store->store && belongs_to(type, store->engine);
}

} // namespace
} // namespace warpbeam::capi

using namespace warpbeam;

// ---- What they have in common ----

wasm_externkind_t wasm_extern_kind(const wasm_extern_t* object) {
    // The first alternatives of an Object are those of an Extern.
    return capi::kind_for_c(static_cast<ExternKind>(capi::as_ref(object)->object.index()));
}
wasm_externtype_t* wasm_extern_type(const wasm_extern_t* object) {
    if (object == nullptr)
        return nullptr;
    wasm_store_t& store = *capi::as_ref(object)->store;
    const auto found = capi::extern_of(capi::as_ref(object), store);
    return found ? capi::make_externtype(store.engine, type_of(*found)) : nullptr;
}

// ---- Globals ----

wasm_global_t* wasm_global_new(wasm_store_t* store, const wasm_globaltype_t* type, const wasm_val_t* value) {
    if (type == nullptr || value == nullptr || !capi::is_usable(store, *type->content))
        return nullptr;
    const RootScope scope{*store->store};
    const ValType content = type->content->type;
    const auto initial = capi::from_c(*store, *value, content);
    return initial
               ? capi::made<wasm_global_t>(
                     *store, Global::create(*store->store, {content, type->mutability == WASM_VAR}, *initial))
               : nullptr;
}
wasm_globaltype_t* wasm_global_type(const wasm_global_t* global) {
    return wasm_externtype_as_globaltype(wasm_extern_type(wasm_global_as_extern_const(global)));
}
void wasm_global_get(const wasm_global_t* global, wasm_val_t* out) {
    capi::set_zero(*out, WASM_I32);
    const Global* const found = capi::find<Global>(global);
    if (found == nullptr)
        return;
    wasm_store_t& store = *capi::as_ref(global)->store;
    const RootScope scope{*store.store};
    (void)capi::to_c(store, found->get(), *out);
}
void wasm_global_set(wasm_global_t* global, const wasm_val_t* value) {
    const Global* const found = capi::find<Global>(global);
    if (found == nullptr || value == nullptr)
        return;
    wasm_store_t& store = *capi::as_ref(global)->store;
    const RootScope scope{*store.store};
    if (const auto fresh = capi::from_c(store, *value, found->type().content))
        (void)found->set(*fresh);
}

// ---- Tables ----

wasm_table_t* wasm_table_new(wasm_store_t* store, const wasm_tabletype_t* type, wasm_ref_t* init) {
    if (type == nullptr || !capi::is_usable(store, *type->element))
        return nullptr;
    const RootScope scope{*store->store};
    const ValType element = type->element->type;
    const auto initial = capi::from_c(*store, init, element.heap());
    return initial ? capi::made<wasm_table_t>(*store,
                                              Table::create(*store->store, {element, type->exact}, *initial))
                   : nullptr;
}
wasm_tabletype_t* wasm_table_type(const wasm_table_t* table) {
    return wasm_externtype_as_tabletype(wasm_extern_type(wasm_table_as_extern_const(table)));
}
wasm_ref_t* wasm_table_get(const wasm_table_t* table, wasm_table_size_t index) {
    const Table* const found = capi::find<Table>(table);
    if (found == nullptr)
        return nullptr;
    wasm_store_t& store = *capi::as_ref(table)->store;
    const RootScope scope{*store.store};
    const auto value = found->get(index);
    return value ? capi::make_reference(store, *value) : nullptr;
}
bool wasm_table_set(wasm_table_t* table, wasm_table_size_t index, wasm_ref_t* ref) {
    const Table* const found = capi::find<Table>(table);
    if (found == nullptr)
        return false;
    wasm_store_t& store = *capi::as_ref(table)->store;
    const RootScope scope{*store.store};
    const auto value = capi::from_c(store, ref, found->type().element.heap());
    return value && found->set(index, *value);
}
wasm_table_size_t wasm_table_size(const wasm_table_t* table) {
    return capi::clamp(capi::handle<Table>(table).size());
}
bool wasm_table_grow(wasm_table_t* table, wasm_table_size_t delta, wasm_ref_t* init) {
    const Table* const found = capi::find<Table>(table);
    if (found == nullptr)
        return false;
    wasm_store_t& store = *capi::as_ref(table)->store;
    const RootScope scope{*store.store};
    const auto value = capi::from_c(store, init, found->type().element.heap());
    return value && found->grow(delta, *value);
}

// ---- Memories ----

wasm_memory_t* wasm_memory_new(wasm_store_t* store, const wasm_memorytype_t* type) {
    if (store == nullptr || !store->store || type == nullptr)
        return nullptr;
    return capi::made<wasm_memory_t>(*store, Memory::create(*store->store, type->exact));
}
wasm_memorytype_t* wasm_memory_type(const wasm_memory_t* memory) {
    return wasm_externtype_as_memorytype(wasm_extern_type(wasm_memory_as_extern_const(memory)));
}
byte_t* wasm_memory_data(wasm_memory_t* memory) {
    return reinterpret_cast<byte_t*>(capi::handle<Memory>(memory).data().data());
}
size_t wasm_memory_data_size(const wasm_memory_t* memory) {
    return capi::handle<Memory>(memory).data().size();
}
wasm_memory_pages_t wasm_memory_size(const wasm_memory_t* memory) {
    return capi::clamp(capi::handle<Memory>(memory).pages());
}
bool wasm_memory_grow(wasm_memory_t* memory, wasm_memory_pages_t delta) {
    return capi::handle<Memory>(memory).grow(delta).has_value();
}
