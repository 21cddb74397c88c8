#include "types.hpp"

#include <warpbeam/memory/vec.hpp>

namespace warpbeam::capi {
namespace {

wasm_limits_t limits_to_c(const Limits& limits) noexcept {
    return {clamp(limits.min), limits.has_max ? clamp(limits.max) : wasm_limits_max_default};
}
Limits limits_from_c(const wasm_limits_t& limits) noexcept {
    const bool has_max = limits.max != wasm_limits_max_default;
    return {limits.min, has_max ? limits.max : 0, has_max, false};
}

wasm_valtype_t* make_valtype(const Engine& engine, ValType type) noexcept {
    auto* const made = create<wasm_valtype_t>(common(), type);
    if (made != nullptr && type.is_ref() && type.heap().is_defined())
        made->engine = engine;
    return made;
}

bool make_valtypes(wasm_valtype_vec_t& out, const Engine& engine, std::span<const ValType> types) noexcept {
    if (!make_vec(out, types.size()))
        return false;
    for (size_t i = 0; i < types.size(); ++i)
        if ((out.data[i] = make_valtype(engine, types[i])) == nullptr)
            return false;
    return true;
}

/// The object if the rest of it could be made, else null.
template <typename T>
T* finished(T* object, bool is_complete) noexcept {
    if (is_complete)
        return object;
    destroy(common(), object);
    return nullptr;
}

wasm_functype_t* make_functype(const Engine& engine, TypeId id) noexcept {
    auto* const made = create<wasm_functype_t>(common());
    if (made == nullptr)
        return nullptr;
    const FuncType& type = engine.types().func(id);
    made->engine = engine;
    made->id = id;
    return finished(made, make_valtypes(made->params, engine, type.params) &&
                              make_valtypes(made->results, engine, type.results));
}

bool has_null(const wasm_valtype_vec_t& types) noexcept {
    for (size_t i = 0; i < types.size; ++i)
        if (types.data == nullptr || types.data[i] == nullptr)
            return true;
    return false;
}

wasm_memorytype_t* make_memorytype(const MemoryType& type) noexcept {
    auto* const made = create<wasm_memorytype_t>(common());
    if (made != nullptr) {
        made->exact = type;
        made->limits = limits_to_c(type.limits);
    }
    return made;
}

wasm_tabletype_t* make_tabletype(wasm_valtype_t* element, const Limits& limits) noexcept {
    auto* const made = element != nullptr ? create<wasm_tabletype_t>(common()) : nullptr;
    if (made == nullptr) {
        wasm_valtype_delete(element);
        return nullptr;
    }
    made->element = element;
    made->exact = limits;
    made->limits = limits_to_c(limits);
    return made;
}

wasm_externtype_t* make_tagtype(wasm_functype_t* func) noexcept {
    auto* const made = func != nullptr ? create<::TagType>(common()) : nullptr;
    if (made == nullptr) {
        wasm_functype_delete(func);
        return nullptr;
    }
    made->func = func;
    return made;
}

/// The spans that a registry wants; false if memory runs out or a type belongs to another engine.
bool copy_types(Vec<ValType>& to, const wasm_valtype_vec_t& from, const Engine& engine) noexcept {
    for (size_t i = 0; i < from.size; ++i)
        if (!belongs_to(*from.data[i], engine) || !to.push(from.data[i]->type))
            return false;
    return true;
}

} // namespace

wasm_valkind_t kind_of(ValType type, const TypeRegistry& registry) noexcept {
    switch (type.kind()) {
    case ValType::i32:
    case ValType::i8:
    case ValType::i16:
    case ValType::bot:
        break;
    case ValType::i64:
        return WASM_I64;
    case ValType::f32:
        return WASM_F32;
    case ValType::f64:
        return WASM_F64;
    case ValType::v128:
        return WARPBEAM_V128;
    case ValType::ref: {
        const HeapType top = registry.top_of(type.heap());
        return top == HeapType::func      ? wasm_valkind_t{WASM_FUNCREF}
               : top == HeapType::extern_ ? wasm_valkind_t{WASM_EXTERNREF}
               : top == HeapType::exn     ? wasm_valkind_t{WARPBEAM_EXNREF}
               : top == HeapType::cont    ? wasm_valkind_t{WARPBEAM_CONTREF}
                                          : wasm_valkind_t{WARPBEAM_ANYREF};
    }
    }
    return WASM_I32;
}

wasm_externtype_t* make_externtype(const Engine& engine, const ExternType& type) noexcept {
    switch (type.kind) {
    case ExternKind::func:
        return make_functype(engine, type.func);
    case ExternKind::table:
        return make_tabletype(make_valtype(engine, type.table.element), type.table.limits);
    case ExternKind::memory:
        return make_memorytype(type.memory);
    case ExternKind::global:
        return wasm_globaltype_new(make_valtype(engine, type.global.content),
                                   type.global.is_mutable ? WASM_VAR : WASM_CONST);
    case ExternKind::tag:
        return make_tagtype(make_functype(engine, type.tag.type));
    }
    return nullptr;
}

bool belongs_to(const wasm_valtype_t& type, const Engine& engine) noexcept {
    return !type.engine || *type.engine == engine;
}

TypeId type_id(const Engine& engine, const wasm_functype_t& type) noexcept {
    if (type.engine && *type.engine == engine)
        return type.id;
    Vec<ValType> params{engine.allocator()};
    Vec<ValType> results{engine.allocator()};
    if (!copy_types(params, type.params, engine) || !copy_types(results, type.results, engine))
        return SubType::no_type;
    SubType group;
    group.func = {params, results};
    return engine.types().add_group({&group, 1});
}

bool make_name(wasm_name_t& out, std::string_view text) noexcept {
    if (!make_vec(out, text.size()))
        return false;
    if (!text.empty())
        std::memcpy(out.data, text.data(), text.size());
    return true;
}

} // namespace warpbeam::capi

using namespace warpbeam;

wasm_functype_t::~wasm_functype_t() {
    wasm_valtype_vec_delete(&params);
    wasm_valtype_vec_delete(&results);
}
wasm_importtype_t::~wasm_importtype_t() {
    wasm_name_delete(&module);
    wasm_name_delete(&name);
    wasm_externtype_delete(type);
}
wasm_exporttype_t::~wasm_exporttype_t() {
    wasm_name_delete(&name);
    wasm_externtype_delete(type);
}

// ---- Value types ----

wasm_valtype_t* wasm_valtype_new(wasm_valkind_t kind) {
    static constexpr struct {
        unsigned kind;
        ValType type;
    } kinds[] = {
        {WASM_I32, ValType::i32},
        {WASM_I64, ValType::i64},
        {WASM_F32, ValType::f32},
        {WASM_F64, ValType::f64},
        {WARPBEAM_V128, ValType::v128},
        {WASM_EXTERNREF, externref},
        {WASM_FUNCREF, funcref},
        {WARPBEAM_ANYREF, ValType::reference(HeapType::any, true)},
        {WARPBEAM_EXNREF, ValType::reference(HeapType::exn, true)},
        {WARPBEAM_CONTREF, ValType::reference(HeapType::cont, true)},
    };
    for (const auto& each : kinds)
        if (each.kind == kind)
            return create<wasm_valtype_t>(capi::common(), each.type);
    return nullptr;
}
void wasm_valtype_delete(wasm_valtype_t* type) { destroy(capi::common(), type); }
wasm_valtype_t* wasm_valtype_copy(const wasm_valtype_t* type) {
    return type != nullptr ? create<wasm_valtype_t>(capi::common(), *type) : nullptr;
}
wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t* type) {
    // Only defined types are looked up.
    static const TypeRegistry none;
    return capi::kind_of(type->type, type->engine ? type->engine->types() : none);
}

// ---- Function types ----

wasm_functype_t* wasm_functype_new(wasm_valtype_vec_t* params, wasm_valtype_vec_t* results) {
    wasm_valtype_vec_t own_params = capi::take_vec(params);
    wasm_valtype_vec_t own_results = capi::take_vec(results);
    auto* const made = create<wasm_functype_t>(capi::common());
    if (made == nullptr) {
        wasm_valtype_vec_delete(&own_params);
        wasm_valtype_vec_delete(&own_results);
        return nullptr;
    }
    made->params = own_params;
    made->results = own_results;
    return capi::finished(made, !capi::has_null(made->params) && !capi::has_null(made->results));
}
void wasm_functype_delete(wasm_functype_t* type) { destroy(capi::common(), type); }
wasm_functype_t* wasm_functype_copy(const wasm_functype_t* type) {
    auto* const made = type != nullptr ? create<wasm_functype_t>(capi::common()) : nullptr;
    if (made == nullptr)
        return nullptr;
    wasm_valtype_vec_copy(&made->params, &type->params);
    wasm_valtype_vec_copy(&made->results, &type->results);
    made->engine = type->engine;
    made->id = type->id;
    return capi::finished(made,
                          made->params.size == type->params.size && made->results.size == type->results.size);
}
const wasm_valtype_vec_t* wasm_functype_params(const wasm_functype_t* type) { return &type->params; }
const wasm_valtype_vec_t* wasm_functype_results(const wasm_functype_t* type) { return &type->results; }

// ---- Global types ----

wasm_globaltype_t* wasm_globaltype_new(wasm_valtype_t* content, wasm_mutability_t mutability) {
    auto* const made = content != nullptr ? create<wasm_globaltype_t>(capi::common()) : nullptr;
    if (made == nullptr) {
        wasm_valtype_delete(content);
        return nullptr;
    }
    made->content = content;
    made->mutability = mutability == WASM_CONST ? WASM_CONST : WASM_VAR;
    return made;
}
void wasm_globaltype_delete(wasm_globaltype_t* type) { destroy(capi::common(), type); }
wasm_globaltype_t* wasm_globaltype_copy(const wasm_globaltype_t* type) {
    return type != nullptr ? wasm_globaltype_new(wasm_valtype_copy(type->content), type->mutability)
                           : nullptr;
}
const wasm_valtype_t* wasm_globaltype_content(const wasm_globaltype_t* type) { return type->content; }
wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t* type) { return type->mutability; }

// ---- Table types ----

wasm_tabletype_t* wasm_tabletype_new(wasm_valtype_t* element, const wasm_limits_t* limits) {
    if (element != nullptr && !element->type.is_ref()) {
        wasm_valtype_delete(element);
        return nullptr;
    }
    return capi::make_tabletype(element, capi::limits_from_c(*limits));
}
void wasm_tabletype_delete(wasm_tabletype_t* type) { destroy(capi::common(), type); }
wasm_tabletype_t* wasm_tabletype_copy(const wasm_tabletype_t* type) {
    return type != nullptr ? capi::make_tabletype(wasm_valtype_copy(type->element), type->exact) : nullptr;
}
const wasm_valtype_t* wasm_tabletype_element(const wasm_tabletype_t* type) { return type->element; }
const wasm_limits_t* wasm_tabletype_limits(const wasm_tabletype_t* type) { return &type->limits; }

// ---- Memory types ----

wasm_memorytype_t* wasm_memorytype_new(const wasm_limits_t* limits) {
    return capi::make_memorytype({.limits = capi::limits_from_c(*limits)});
}
void wasm_memorytype_delete(wasm_memorytype_t* type) { destroy(capi::common(), type); }
wasm_memorytype_t* wasm_memorytype_copy(const wasm_memorytype_t* type) {
    return type != nullptr ? capi::make_memorytype(type->exact) : nullptr;
}
const wasm_limits_t* wasm_memorytype_limits(const wasm_memorytype_t* type) { return &type->limits; }

// ---- External types ----

wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t* type) { return type->kind; }

#define WARPBEAM_CAST_TYPE(name, kind_of_it)                                                                 \
    wasm_externtype_t* wasm_##name##_as_externtype(wasm_##name##_t* type) { return type; }                   \
    const wasm_externtype_t* wasm_##name##_as_externtype_const(const wasm_##name##_t* type) { return type; } \
    wasm_##name##_t* wasm_externtype_as_##name(wasm_externtype_t* type) {                                    \
        return type != nullptr && type->kind == kind_of_it ? static_cast<wasm_##name##_t*>(type) : nullptr;  \
    }                                                                                                        \
    const wasm_##name##_t* wasm_externtype_as_##name##_const(const wasm_externtype_t* type) {                \
        return wasm_externtype_as_##name(const_cast<wasm_externtype_t*>(type));                              \
    }
WARPBEAM_CAST_TYPE(functype, WASM_EXTERN_FUNC)
WARPBEAM_CAST_TYPE(globaltype, WASM_EXTERN_GLOBAL)
WARPBEAM_CAST_TYPE(tabletype, WASM_EXTERN_TABLE)
WARPBEAM_CAST_TYPE(memorytype, WASM_EXTERN_MEMORY)

void wasm_externtype_delete(wasm_externtype_t* type) {
    if (type == nullptr)
        return;
    switch (type->kind) {
    case WASM_EXTERN_FUNC:
        return wasm_functype_delete(wasm_externtype_as_functype(type));
    case WASM_EXTERN_GLOBAL:
        return wasm_globaltype_delete(wasm_externtype_as_globaltype(type));
    case WASM_EXTERN_TABLE:
        return wasm_tabletype_delete(wasm_externtype_as_tabletype(type));
    case WASM_EXTERN_MEMORY:
        return wasm_memorytype_delete(wasm_externtype_as_memorytype(type));
    default:
        return destroy(capi::common(), static_cast<::TagType*>(type));
    }
}
wasm_externtype_t* wasm_externtype_copy(const wasm_externtype_t* type) {
    if (type == nullptr)
        return nullptr;
    switch (type->kind) {
    case WASM_EXTERN_FUNC:
        return wasm_functype_copy(wasm_externtype_as_functype_const(type));
    case WASM_EXTERN_GLOBAL:
        return wasm_globaltype_copy(wasm_externtype_as_globaltype_const(type));
    case WASM_EXTERN_TABLE:
        return wasm_tabletype_copy(wasm_externtype_as_tabletype_const(type));
    case WASM_EXTERN_MEMORY:
        return wasm_memorytype_copy(wasm_externtype_as_memorytype_const(type));
    default:
        return capi::make_tagtype(wasm_functype_copy(static_cast<const ::TagType*>(type)->func));
    }
}
const wasm_functype_t* warpbeam_externtype_as_tag_functype(const wasm_externtype_t* type) {
    return type != nullptr && type->kind == WARPBEAM_EXTERN_TAG ? static_cast<const ::TagType*>(type)->func
                                                                : nullptr;
}

// ---- Imports and exports ----

wasm_importtype_t* wasm_importtype_new(wasm_name_t* module, wasm_name_t* name, wasm_externtype_t* type) {
    wasm_name_t own_module = capi::take_vec(module);
    wasm_name_t own_name = capi::take_vec(name);
    auto* const made = type != nullptr ? create<wasm_importtype_t>(capi::common()) : nullptr;
    if (made == nullptr) {
        wasm_name_delete(&own_module);
        wasm_name_delete(&own_name);
        wasm_externtype_delete(type);
        return nullptr;
    }
    made->module = own_module;
    made->name = own_name;
    made->type = type;
    return made;
}
void wasm_importtype_delete(wasm_importtype_t* type) { destroy(capi::common(), type); }
wasm_importtype_t* wasm_importtype_copy(const wasm_importtype_t* type) {
    if (type == nullptr)
        return nullptr;
    wasm_name_t module, name;
    wasm_name_copy(&module, &type->module);
    wasm_name_copy(&name, &type->name);
    const bool has_memory = module.size == type->module.size && name.size == type->name.size;
    return wasm_importtype_new(&module, &name, has_memory ? wasm_externtype_copy(type->type) : nullptr);
}
const wasm_name_t* wasm_importtype_module(const wasm_importtype_t* type) { return &type->module; }
const wasm_name_t* wasm_importtype_name(const wasm_importtype_t* type) { return &type->name; }
const wasm_externtype_t* wasm_importtype_type(const wasm_importtype_t* type) { return type->type; }

wasm_exporttype_t* wasm_exporttype_new(wasm_name_t* name, wasm_externtype_t* type) {
    wasm_name_t own_name = capi::take_vec(name);
    auto* const made = type != nullptr ? create<wasm_exporttype_t>(capi::common()) : nullptr;
    if (made == nullptr) {
        wasm_name_delete(&own_name);
        wasm_externtype_delete(type);
        return nullptr;
    }
    made->name = own_name;
    made->type = type;
    return made;
}
void wasm_exporttype_delete(wasm_exporttype_t* type) { destroy(capi::common(), type); }
wasm_exporttype_t* wasm_exporttype_copy(const wasm_exporttype_t* type) {
    if (type == nullptr)
        return nullptr;
    wasm_name_t name;
    wasm_name_copy(&name, &type->name);
    return wasm_exporttype_new(&name,
                               name.size == type->name.size ? wasm_externtype_copy(type->type) : nullptr);
}
const wasm_name_t* wasm_exporttype_name(const wasm_exporttype_t* type) { return &type->name; }
const wasm_externtype_t* wasm_exporttype_type(const wasm_exporttype_t* type) { return type->type; }
