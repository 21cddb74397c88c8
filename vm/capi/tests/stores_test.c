#include "check.h"

TEST(the_version_is_that_of_the_header) {
    char expected[40];
    (void)snprintf(expected, sizeof expected, "%d.%d.%d", WARPBEAM_VERSION_MAJOR, WARPBEAM_VERSION_MINOR,
                   WARPBEAM_VERSION_PATCH);
    CHECK(strcmp(warpbeam_version(), expected) == 0);
}

TEST(engines_are_kept_by_their_stores) {
    wasm_engine_t* const engine = wasm_engine_new();
    wasm_store_t* const store = wasm_store_new(engine);
    wasm_engine_delete(engine);
    wasm_module_t* const module = load(store, "(module (func (export \"f\")))");
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_store_delete(NULL);
    wasm_engine_delete(NULL);
    CHECK(wasm_store_new(NULL) == NULL);
}

TEST(configurations_are_handed_over) {
    wasm_config_t* const config = wasm_config_new();
    wasm_engine_t* const engine = wasm_engine_new_with_config(config);
    CHECK(engine != NULL);
    wasm_engine_delete(engine);
    CHECK(wasm_engine_new_with_config(NULL) == NULL);
    wasm_config_delete(wasm_config_new());
    wasm_config_delete(NULL);
}

TEST(references_outlive_their_store) {
    wasm_store_t* const store = open_store();
    int finalized = 0;
    wasm_instance_t* const instance =
        instantiate(store,
                    "(module (func (export \"f\") unreachable) (memory (export \"m\") 1)"
                    " (table (export \"t\") 1 funcref) (global (export \"g\") (mut i32) (i32.const 7)))",
                    NULL, 0);
    wasm_func_t* const func = func_at(instance, 0);
    wasm_memory_t* const memory = wasm_extern_as_memory(export_at(instance, 1));
    wasm_table_t* const table = wasm_extern_as_table(export_at(instance, 2));
    wasm_global_t* const global = wasm_extern_as_global(export_at(instance, 3));
    wasm_foreign_t* const foreign = wasm_foreign_new(store);
    wasm_module_t* const module = load(store, "(module)");
    wasm_trap_t* const trap = wasm_func_call(func, NULL, NULL);
    wasm_frame_t* const frame = wasm_trap_origin(trap);
    CHECK(wasm_frame_instance(frame) != NULL);
    wasm_instance_set_host_info_with_finalizer(instance, &finalized, count_call);
    wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_call);
    wasm_trap_set_host_info_with_finalizer(trap, &finalized, count_call);

    wasm_store_delete(store);
    CHECK(finalized == 2); /* the trap lives as long as its references */
    CHECK(has_message(wasm_func_call(func, NULL, NULL), "invalid use of the API"));
    CHECK(wasm_func_type(func) == NULL && wasm_func_param_arity(func) == 0);
    CHECK(wasm_memory_data(memory) == NULL && wasm_memory_data_size(memory) == 0);
    CHECK(wasm_memory_size(memory) == 0 && !wasm_memory_grow(memory, 1) && wasm_memory_type(memory) == NULL);
    CHECK(wasm_table_size(table) == 0 && wasm_table_get(table, 0) == NULL);
    CHECK(!wasm_table_set(table, 0, NULL) && !wasm_table_grow(table, 1, NULL));
    wasm_val_t value = WASM_I32_VAL(1);
    wasm_global_set(global, &value);
    wasm_global_get(global, &value);
    CHECK(value.kind == WASM_I32 && value.of.i32 == 0);
    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    CHECK(exports.size == 0 && exports.data == NULL);
    wasm_exporttype_vec_t types;
    wasm_module_exports(module, &types);
    CHECK(types.size == 0);
    CHECK(wasm_module_share(module) == NULL);
    wasm_byte_vec_t bytes;
    wasm_module_serialize(module, &bytes);
    CHECK(bytes.size == 0);
    CHECK(wasm_foreign_get_host_info(foreign) == NULL);
    wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, count_call);
    CHECK(finalized == 3); /* at once, since it can't be set */
    wasm_foreign_t* const copy = wasm_foreign_copy(foreign);
    wasm_foreign_delete(copy);
    wasm_extern_t* const object = wasm_memory_as_extern(memory);
    CHECK(wasm_extern_type(object) == NULL && wasm_extern_kind(object) == WASM_EXTERN_MEMORY);
    CHECK(wasm_extern_as_memory(object) == memory && wasm_extern_as_func(object) == NULL);
    CHECK(wasm_ref_as_memory(wasm_extern_as_ref(object)) == memory);
    wasm_extern_t* const other = wasm_extern_copy(object);
    CHECK(other != NULL && wasm_extern_same(object, object) && !wasm_extern_same(object, other));
    wasm_extern_delete(other);
    CHECK(wasm_frame_instance(frame) == NULL);
    CHECK(wasm_frame_func_index(frame) == 0);
    wasm_trap_t* const second = wasm_trap_copy(trap);
    CHECK(wasm_trap_same(second, trap));
    CHECK(has_message(second, "unreachable"));

    wasm_frame_delete(frame);
    wasm_trap_delete(trap);
    CHECK(finalized == 4);
    wasm_module_delete(module);
    wasm_foreign_delete(foreign);
    wasm_global_delete(global);
    wasm_table_delete(table);
    wasm_memory_delete(memory);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
}
