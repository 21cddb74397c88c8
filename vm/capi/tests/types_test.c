#include "check.h"

static const wasm_limits_t limits = {3, 0xffffffff};

TEST(value_types_have_kinds) {
    static const wasm_valkind_t kinds[] = {WASM_I32,        WASM_I64,        WASM_F32,     WASM_F64,
                                           WARPBEAM_V128,   WASM_EXTERNREF,  WASM_FUNCREF, WARPBEAM_ANYREF,
                                           WARPBEAM_EXNREF, WARPBEAM_CONTREF};
    for (size_t i = 0; i < sizeof(kinds); ++i) {
        wasm_valtype_t* const type = wasm_valtype_new(kinds[i]);
        wasm_valtype_t* const copy = wasm_valtype_copy(type);
        REQUIRE(type != NULL && copy != NULL);
        CHECK(wasm_valtype_kind(type) == kinds[i] && wasm_valtype_kind(copy) == kinds[i]);
        CHECK(wasm_valtype_is_num(type) == (kinds[i] < 128) &&
              wasm_valtype_is_ref(type) == (kinds[i] >= 128));
        CHECK(wasm_valkind_is_num(kinds[i]) != wasm_valkind_is_ref(kinds[i]));
        wasm_valtype_delete(type);
        wasm_valtype_delete(copy);
    }
    CHECK(wasm_valtype_new(77) == NULL);
    CHECK(wasm_valtype_new(255) == NULL);
    CHECK(wasm_valtype_copy(NULL) == NULL);
    wasm_valtype_delete(NULL);
}

#define SHORT_VALTYPE(name, kind)                                                                            \
    TEST(short_name_of_##name) {                                                                             \
        wasm_valtype_t* const type = wasm_valtype_new_##name();                                              \
        CHECK(wasm_valtype_kind(type) == kind);                                                              \
        wasm_valtype_delete(type);                                                                           \
    }
SHORT_VALTYPE(i32, WASM_I32)
SHORT_VALTYPE(i64, WASM_I64)
SHORT_VALTYPE(f32, WASM_F32)
SHORT_VALTYPE(f64, WASM_F64)
SHORT_VALTYPE(externref, WASM_EXTERNREF)
SHORT_VALTYPE(funcref, WASM_FUNCREF)

/* Whether the type has these kinds, in order; deletes it. */
static bool has_kinds(wasm_functype_t* type, size_t params, size_t results) {
    static const wasm_valkind_t kinds[] = {WASM_I32, WASM_I64, WASM_F32};
    const wasm_valtype_vec_t* const p = wasm_functype_params(type);
    const wasm_valtype_vec_t* const r = wasm_functype_results(type);
    bool good = p->size == params && r->size == results;
    for (size_t i = 0; good && i < params; ++i)
        good = wasm_valtype_kind(p->data[i]) == kinds[i];
    for (size_t i = 0; good && i < results; ++i)
        good = wasm_valtype_kind(r->data[i]) == kinds[i];
    wasm_functype_delete(type);
    return good;
}

TEST(short_names_of_function_types) {
    wasm_valtype_t* (*const a)(void) = wasm_valtype_new_i32;
    wasm_valtype_t* (*const b)(void) = wasm_valtype_new_i64;
    wasm_valtype_t* (*const c)(void) = wasm_valtype_new_f32;
    CHECK(has_kinds(wasm_functype_new_0_0(), 0, 0));
    CHECK(has_kinds(wasm_functype_new_1_0(a()), 1, 0));
    CHECK(has_kinds(wasm_functype_new_2_0(a(), b()), 2, 0));
    CHECK(has_kinds(wasm_functype_new_3_0(a(), b(), c()), 3, 0));
    CHECK(has_kinds(wasm_functype_new_0_1(a()), 0, 1));
    CHECK(has_kinds(wasm_functype_new_1_1(a(), a()), 1, 1));
    CHECK(has_kinds(wasm_functype_new_2_1(a(), b(), a()), 2, 1));
    CHECK(has_kinds(wasm_functype_new_3_1(a(), b(), c(), a()), 3, 1));
    CHECK(has_kinds(wasm_functype_new_0_2(a(), b()), 0, 2));
    CHECK(has_kinds(wasm_functype_new_1_2(a(), a(), b()), 1, 2));
    CHECK(has_kinds(wasm_functype_new_2_2(a(), b(), a(), b()), 2, 2));
    CHECK(has_kinds(wasm_functype_new_3_2(a(), b(), c(), a(), b()), 3, 2));
}

TEST(function_types_take_their_vectors) {
    wasm_valtype_t* types[] = {wasm_valtype_new_i32(), wasm_valtype_new_i64()};
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_new(&params, 2, types);
    wasm_valtype_vec_new_empty(&results);
    wasm_functype_t* const type = wasm_functype_new(&params, &results);
    CHECK(params.size == 0 && params.data == NULL);
    wasm_functype_t* const copy = wasm_functype_copy(type);
    CHECK(has_kinds(copy, 2, 0));
    CHECK(has_kinds(type, 2, 0));
    CHECK(wasm_functype_copy(NULL) == NULL);
    wasm_functype_delete(NULL);
    /* without vectors */
    CHECK(has_kinds(wasm_functype_new(NULL, NULL), 0, 0));
    /* with a type that could not be made */
    CHECK(wasm_functype_new_2_1(wasm_valtype_new_i32(), NULL, wasm_valtype_new_i32()) == NULL);
}

TEST(global_types_have_a_content) {
    wasm_globaltype_t* const type = wasm_globaltype_new(wasm_valtype_new_f64(), WASM_VAR);
    wasm_globaltype_t* const copy = wasm_globaltype_copy(type);
    CHECK(wasm_valtype_kind(wasm_globaltype_content(copy)) == WASM_F64);
    CHECK(wasm_globaltype_mutability(copy) == WASM_VAR);
    wasm_globaltype_delete(type);
    wasm_globaltype_delete(copy);
    wasm_globaltype_delete(NULL);
    CHECK(wasm_globaltype_new(NULL, WASM_CONST) == NULL && wasm_globaltype_copy(NULL) == NULL);
}

TEST(table_types_have_an_element_and_limits) {
    wasm_tabletype_t* const type = wasm_tabletype_new(wasm_valtype_new_externref(), &limits);
    wasm_tabletype_t* const copy = wasm_tabletype_copy(type);
    CHECK(wasm_valtype_kind(wasm_tabletype_element(copy)) == WASM_EXTERNREF);
    CHECK(wasm_tabletype_limits(copy)->min == 3);
    CHECK(wasm_tabletype_limits(copy)->max == wasm_limits_max_default);
    wasm_tabletype_delete(type);
    wasm_tabletype_delete(copy);
    wasm_tabletype_delete(NULL);
    CHECK(wasm_tabletype_new(NULL, &limits) == NULL && wasm_tabletype_copy(NULL) == NULL);
    CHECK(wasm_tabletype_new(wasm_valtype_new_i32(), &limits) == NULL);
}

TEST(memory_types_have_limits) {
    wasm_memorytype_t* const type = wasm_memorytype_new(&limits);
    wasm_memorytype_t* const copy = wasm_memorytype_copy(type);
    CHECK(wasm_memorytype_limits(copy)->min == 3 && wasm_memorytype_limits(copy)->max == 0xffffffff);
    wasm_memorytype_delete(type);
    wasm_memorytype_delete(copy);
    wasm_memorytype_delete(NULL);
    CHECK(wasm_memorytype_copy(NULL) == NULL);
}

/* A type as an external type, and back: only to the kind that it is. */
#define EXTERNAL_TYPE(name, expected, make)                                                                  \
    TEST(external_types_that_are_##name) {                                                                   \
        wasm_##name##_t* const type = make;                                                                  \
        wasm_externtype_t* const external = wasm_##name##_as_externtype(type);                               \
        CHECK(wasm_##name##_as_externtype_const(type) == external);                                          \
        CHECK(wasm_externtype_kind(external) == expected);                                                   \
        CHECK((wasm_externtype_as_functype(external) != NULL) == (expected == WASM_EXTERN_FUNC));            \
        CHECK((wasm_externtype_as_globaltype(external) != NULL) == (expected == WASM_EXTERN_GLOBAL));        \
        CHECK((wasm_externtype_as_tabletype(external) != NULL) == (expected == WASM_EXTERN_TABLE));          \
        CHECK((wasm_externtype_as_memorytype(external) != NULL) == (expected == WASM_EXTERN_MEMORY));        \
        CHECK(wasm_externtype_as_##name##_const(external) == type);                                          \
        CHECK(wasm_externtype_as_##name(NULL) == NULL);                                                      \
        CHECK(wasm_##name##_as_externtype(NULL) == NULL);                                                    \
        CHECK(warpbeam_externtype_as_tag_functype(external) == NULL);                                        \
        wasm_externtype_t* const copy = wasm_externtype_copy(external);                                      \
        CHECK(wasm_externtype_kind(copy) == expected && copy != external);                                   \
        wasm_externtype_delete(copy);                                                                        \
        wasm_externtype_delete(external);                                                                    \
    }
EXTERNAL_TYPE(functype, WASM_EXTERN_FUNC, wasm_functype_new_0_1(wasm_valtype_new_i32()))
EXTERNAL_TYPE(globaltype, WASM_EXTERN_GLOBAL, wasm_globaltype_new(wasm_valtype_new_i32(), WASM_CONST))
EXTERNAL_TYPE(tabletype, WASM_EXTERN_TABLE, wasm_tabletype_new(wasm_valtype_new_funcref(), &limits))
EXTERNAL_TYPE(memorytype, WASM_EXTERN_MEMORY, wasm_memorytype_new(&limits))

TEST(external_types_may_be_null) {
    CHECK(wasm_externtype_copy(NULL) == NULL);
    wasm_externtype_delete(NULL);
}

TEST(import_types_have_two_names) {
    wasm_name_t module, name;
    wasm_name_new_from_string(&module, "env");
    wasm_name_new_from_string(&name, "f");
    wasm_importtype_t* const type =
        wasm_importtype_new(&module, &name, wasm_functype_as_externtype(wasm_functype_new_0_0()));
    CHECK(module.data == NULL && name.data == NULL);
    wasm_importtype_t* const copy = wasm_importtype_copy(type);
    wasm_importtype_delete(type);
    CHECK(is_name(wasm_importtype_module(copy), "env") && is_name(wasm_importtype_name(copy), "f"));
    CHECK(wasm_externtype_kind(wasm_importtype_type(copy)) == WASM_EXTERN_FUNC);
    wasm_importtype_delete(copy);
    wasm_importtype_delete(NULL);
    CHECK(wasm_importtype_copy(NULL) == NULL);
    wasm_name_new_from_string(&module, "env");
    CHECK(wasm_importtype_new(&module, NULL, NULL) == NULL);
}

TEST(export_types_have_a_name) {
    wasm_name_t name;
    wasm_name_new_from_string(&name, "f");
    wasm_exporttype_t* const type =
        wasm_exporttype_new(&name, wasm_functype_as_externtype(wasm_functype_new_0_0()));
    CHECK(name.data == NULL);
    wasm_exporttype_t* const copy = wasm_exporttype_copy(type);
    wasm_exporttype_delete(type);
    CHECK(is_name(wasm_exporttype_name(copy), "f"));
    CHECK(wasm_externtype_kind(wasm_exporttype_type(copy)) == WASM_EXTERN_FUNC);
    wasm_exporttype_delete(copy);
    wasm_exporttype_delete(NULL);
    CHECK(wasm_exporttype_copy(NULL) == NULL);
    wasm_name_new_from_string(&name, "f");
    CHECK(wasm_exporttype_new(&name, NULL) == NULL);
}
