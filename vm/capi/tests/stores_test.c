#include "check.h"

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
    CHECK(wasm_extern_type(wasm_func_as_extern(func)) == NULL);
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

/* Everything that allocates, with null for what could not be made. */
static void use_everything(void) {
    wasm_engine_t* const engine = wasm_engine_new_with_config(wasm_config_new());
    wasm_store_t* const store = wasm_store_new(engine);
    wasm_engine_delete(engine);
    wasm_functype_t* const type = wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_externref(),
                                                        wasm_valtype_new_externref());
    wasm_functype_delete(wasm_functype_copy(type));
    wasm_byte_vec_t binary;
    static const char wat[] = "(module (import \"m\" \"f\" (func)) (func (export \"g\") call 0)"
                              " (memory (export \"m\") 1))";
    warpbeam_error_delete(warpbeam_wat2wasm(wat, sizeof(wat) - 1, &binary));
    if (store == NULL || type == NULL || binary.data == NULL) {
        wasm_byte_vec_delete(&binary);
        wasm_functype_delete(type);
        wasm_store_delete(store);
        return;
    }
    wasm_module_t* const module = wasm_module_new(store, &binary);
    wasm_byte_vec_delete(&binary);
    wasm_importtype_vec_t imports;
    wasm_exporttype_vec_t exports;
    wasm_module_imports(module, &imports);
    wasm_module_exports(module, &exports);
    wasm_importtype_vec_t imports_copy;
    wasm_importtype_vec_copy(&imports_copy, &imports);
    wasm_importtype_vec_delete(&imports_copy);
    wasm_importtype_vec_delete(&imports);
    wasm_exporttype_vec_delete(&exports);
    wasm_byte_vec_t serial;
    wasm_module_serialize(module, &serial);
    wasm_module_delete(wasm_module_deserialize(store, &serial));
    wasm_byte_vec_delete(&serial);
    wasm_shared_module_t* const shared = wasm_module_share(module);
    wasm_module_delete(wasm_module_obtain(store, shared));
    wasm_shared_module_delete(shared);
    wasm_trap_t* trap = NULL;
    wasm_instance_t* instance = wasm_instance_new(store, module, NULL, &trap);
    CHECK(instance == NULL && trap != NULL); /* also without memory */
    wasm_trap_delete(wasm_trap_copy(trap));
    wasm_trap_delete(trap);
    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, "no");
    wasm_trap_t* const own_trap = wasm_trap_new(store, &message);
    CHECK(own_trap != NULL);
    wasm_name_delete(&message);
    wasm_trap_message(own_trap, &message);
    wasm_name_delete(&message);
    wasm_trap_delete(own_trap);
    wasm_foreign_t* const foreign = wasm_foreign_new(store);
    wasm_foreign_delete(wasm_foreign_copy(foreign));
    wasm_foreign_delete(foreign);
    wasm_module_delete(module);
    wasm_functype_delete(type);
    wasm_store_delete(store);
}

TEST(memory_may_run_out_anywhere) {
    size_t count = 0;
    const size_t live = allow_allocations(SIZE_MAX);
    do {
        allow_allocations(count++);
        use_everything();
        const size_t failed = failed_allocations();
        if (!CHECK(allow_allocations(SIZE_MAX) == live))
            break;
        if (failed == 0)
            break;
    } while (count < 10000);
    CHECK(count > 50 && count < 10000);
}
