#include "check.h"

TEST(globals_have_values) {
    wasm_store_t* const store = open_store();
    wasm_globaltype_t* const type = wasm_globaltype_new(wasm_valtype_new_i64(), WASM_VAR);
    wasm_val_t value = WASM_I64_VAL(7);
    wasm_global_t* const global = wasm_global_new(store, type, &value);
    REQUIRE(global != NULL);
    value.of.i64 = 0;
    wasm_global_get(global, &value);
    CHECK(value.kind == WASM_I64 && value.of.i64 == 7);
    value.of.i64 = 8;
    wasm_global_set(global, &value);
    const wasm_val_t wrong = WASM_I32_VAL(9);
    wasm_global_set(global, &wrong); /* does nothing */
    wasm_global_set(global, NULL);
    wasm_global_get(global, &value);
    CHECK(value.of.i64 == 8);
    wasm_globaltype_t* const found = wasm_global_type(global);
    CHECK(wasm_globaltype_mutability(found) == WASM_VAR);
    CHECK(wasm_valtype_kind(wasm_globaltype_content(found)) == WASM_I64);
    wasm_globaltype_delete(found);
    CHECK(wasm_global_new(store, type, &wrong) == NULL);
    CHECK(wasm_global_new(NULL, type, &value) == NULL && wasm_global_new(store, NULL, &value) == NULL);
    CHECK(wasm_global_new(store, type, NULL) == NULL);
    wasm_globaltype_delete(type);
    wasm_global_delete(global);
    wasm_global_get(NULL, &value);
    CHECK(value.kind == WASM_I32);
    close_store(store);
}

TEST(constants_stay) {
    wasm_store_t* const store = open_store();
    wasm_globaltype_t* const type = wasm_globaltype_new(wasm_valtype_new_f32(), WASM_CONST);
    wasm_val_t value = WASM_F32_VAL(1.5f);
    wasm_global_t* const global = wasm_global_new(store, type, &value);
    value.of.f32 = 2;
    wasm_global_set(global, &value);
    wasm_global_get(global, &value);
    CHECK(value.of.f32 == 1.5f);
    wasm_globaltype_delete(type);
    wasm_global_delete(global);
    close_store(store);
}

TEST(tables_have_elements) {
    wasm_store_t* const store = open_store();
    const wasm_limits_t limits = {2, 4};
    wasm_tabletype_t* const type = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
    wasm_instance_t* const instance = instantiate(store, "(module (func (export \"f\")))", NULL, 0);
    wasm_func_t* const func = func_at(instance, 0);
    wasm_foreign_t* const foreign = wasm_foreign_new(store);
    wasm_table_t* const table = wasm_table_new(store, type, NULL);
    REQUIRE(table != NULL);
    CHECK(wasm_table_size(table) == 2 && wasm_table_get(table, 0) == NULL);
    CHECK(wasm_table_set(table, 1, wasm_func_as_ref(func)));
    wasm_ref_t* const element = wasm_table_get(table, 1);
    CHECK(wasm_ref_same(element, wasm_func_as_ref(func)) && wasm_ref_as_func(element) != NULL);
    wasm_ref_delete(element);
    CHECK(!wasm_table_set(table, 2, NULL));                         /* beyond the end */
    CHECK(!wasm_table_set(table, 0, wasm_foreign_as_ref(foreign))); /* not a function */
    CHECK(wasm_table_get(table, 2) == NULL && wasm_table_get(table, UINT32_MAX) == NULL);
    CHECK(wasm_table_grow(table, 2, wasm_func_as_ref(func)) && wasm_table_size(table) == 4);
    wasm_ref_t* const last = wasm_table_get(table, 3);
    CHECK(wasm_ref_same(last, wasm_func_as_ref(func)));
    wasm_ref_delete(last);
    CHECK(!wasm_table_grow(table, 1, NULL)); /* the maximum */
    CHECK(!wasm_table_grow(table, 0, wasm_foreign_as_ref(foreign)));
    wasm_tabletype_t* const found = wasm_table_type(table);
    CHECK(wasm_tabletype_limits(found)->min == 4 && wasm_tabletype_limits(found)->max == 4);
    CHECK(wasm_valtype_kind(wasm_tabletype_element(found)) == WASM_FUNCREF);
    wasm_tabletype_delete(found);
    CHECK(wasm_table_new(store, type, wasm_foreign_as_ref(foreign)) == NULL);
    CHECK(wasm_table_new(NULL, type, NULL) == NULL && wasm_table_new(store, NULL, NULL) == NULL);
    wasm_tabletype_delete(type);
    wasm_foreign_delete(foreign);
    wasm_func_delete(func);
    wasm_table_delete(table);
    wasm_instance_delete(instance);
    close_store(store);
}

TEST(tables_hold_foreign_objects) {
    wasm_store_t* const store = open_store();
    const wasm_limits_t limits = {1, wasm_limits_max_default};
    wasm_tabletype_t* const type = wasm_tabletype_new(wasm_valtype_new_externref(), &limits);
    wasm_foreign_t* const foreign = wasm_foreign_new(store);
    int count = 0;
    wasm_foreign_set_host_info_with_finalizer(foreign, &count, count_call);
    wasm_table_t* const table = wasm_table_new(store, type, wasm_foreign_as_ref(foreign));
    wasm_foreign_delete(foreign);
    warpbeam_store_collect(store);
    CHECK(count == 0);
    wasm_ref_t* const element = wasm_table_get(table, 0);
    CHECK(wasm_ref_as_foreign(element) != NULL && wasm_ref_get_host_info(element) == &count);
    wasm_ref_delete(element);
    CHECK(wasm_table_set(table, 0, NULL));
    warpbeam_store_collect(store);
    CHECK(count == 1);
    wasm_tabletype_delete(type);
    wasm_table_delete(table);
    close_store(store);
}

TEST(memories_have_bytes) {
    wasm_store_t* const store = open_store();
    const wasm_limits_t limits = {1, 3};
    wasm_memorytype_t* const type = wasm_memorytype_new(&limits);
    wasm_memory_t* const memory = wasm_memory_new(store, type);
    REQUIRE(memory != NULL);
    CHECK(wasm_memory_size(memory) == 1 && wasm_memory_data_size(memory) == MEMORY_PAGE_SIZE);
    wasm_memory_data(memory)[MEMORY_PAGE_SIZE - 1] = 42;
    CHECK(wasm_memory_grow(memory, 2) && wasm_memory_size(memory) == 3);
    CHECK(wasm_memory_data(memory)[MEMORY_PAGE_SIZE - 1] == 42);
    CHECK(wasm_memory_data(memory)[3 * MEMORY_PAGE_SIZE - 1] == 0);
    CHECK(!wasm_memory_grow(memory, 1) && !wasm_memory_grow(memory, UINT32_MAX));
    CHECK(wasm_memory_grow(memory, 0));
    wasm_memorytype_t* const found = wasm_memory_type(memory);
    CHECK(wasm_memorytype_limits(found)->min == 3 && wasm_memorytype_limits(found)->max == 3);
    wasm_memorytype_delete(found);
    wasm_memorytype_delete(type);
    wasm_memory_delete(memory);
    CHECK(wasm_memory_new(store, NULL) == NULL && wasm_memory_new(NULL, NULL) == NULL);
    CHECK(wasm_memory_data(NULL) == NULL && wasm_memory_data_size(NULL) == 0);
    CHECK(wasm_memory_size(NULL) == 0 && !wasm_memory_grow(NULL, 1));
    const wasm_limits_t wrong = {70000, 80000}; /* more than 32-bit addresses reach */
    wasm_memorytype_t* const too_large = wasm_memorytype_new(&wrong);
    CHECK(wasm_memory_new(store, too_large) == NULL);
    wasm_memorytype_delete(too_large);
    close_store(store);
}

TEST(external_objects_have_kinds_and_types) {
    wasm_store_t* const store = open_store();
    static const wasm_externkind_t kinds[] = {WASM_EXTERN_FUNC, WASM_EXTERN_GLOBAL, WASM_EXTERN_TABLE,
                                              WASM_EXTERN_MEMORY, WARPBEAM_EXTERN_TAG};
    wasm_instance_t* const instance =
        instantiate(store,
                    "(module (func (export \"f\")) (global (export \"g\") i32 (i32.const 7))"
                    " (table (export \"t\") 2 funcref) (memory (export \"m\") 1) (tag (export \"e\")))",
                    NULL, 0);
    for (size_t i = 0; i < 5; ++i) {
        wasm_extern_t* const object = export_at(instance, i);
        wasm_externtype_t* const type = wasm_extern_type(object);
        CHECK(wasm_extern_kind(object) == kinds[i] && wasm_externtype_kind(type) == kinds[i]);
        CHECK((wasm_extern_as_func(object) != NULL) == (i == 0));
        CHECK((wasm_extern_as_memory(object) != NULL) == (i == 3));
        wasm_externtype_delete(type);
        wasm_extern_delete(object);
    }
    CHECK(wasm_extern_type(NULL) == NULL);
    wasm_instance_delete(instance);
    close_store(store);
}
