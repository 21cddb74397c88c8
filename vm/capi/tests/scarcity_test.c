#include "check.h"

/* Memory runs out at every allocation in turn: nothing is lost, and nothing else goes wrong. */

/* What allocates in wasm.h, with null for what could not be made. */
static void use_wasm_h(void) {
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
    if (imports.size != 0)
        CHECK(is_name(wasm_importtype_module(imports.data[0]), "m") &&
              is_name(wasm_importtype_name(imports.data[0]), "f"));
    if (exports.size != 0)
        CHECK(is_name(wasm_exporttype_name(exports.data[0]), "g"));
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

/* Returns its argument, which is not null, or a trap. */
static wasm_trap_t* give_back(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    wasm_val_copy(&results->data[0], &args->data[0]);
    return results->data[0].of.ref == NULL ? wasm_trap_new(*(wasm_store_t**)env, NULL) : NULL;
}

/* What allocates when code runs. */
static void use_calls(void) {
    static const char wat[] =
        "(module (import \"m\" \"f\" (func $f (param externref) (result externref)))"
        " (table (export \"t\") 1 externref) (global (export \"g\") (mut externref) (ref.null extern))"
        " (func (export \"h\") (param externref) (result externref) (call $f (local.get 0))))";
    int finalized = 0;
    wasm_engine_t* const engine = wasm_engine_new();
    wasm_store_t* store = wasm_store_new(engine);
    wasm_functype_t* const type =
        wasm_functype_new_1_1(wasm_valtype_new_externref(), wasm_valtype_new_externref());
    wasm_func_t* const host = wasm_func_new_with_env(store, type, give_back, &store, NULL);
    wasm_byte_vec_t binary;
    warpbeam_error_delete(warpbeam_wat2wasm(wat, sizeof(wat) - 1, &binary));
    wasm_module_t* const module = wasm_module_new(store, &binary);
    wasm_extern_t* imports[] = {wasm_func_as_extern(host)};
    const wasm_extern_vec_t import_vec = WASM_ARRAY_VEC(imports);
    wasm_instance_t* const instance = wasm_instance_new(store, module, &import_vec, NULL);
    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    if (exports.size == 3) {
        wasm_val_t arg = WASM_REF_VAL(wasm_instance_as_ref(instance)), result = WASM_INIT_VAL;
        const wasm_val_vec_t args = {1, &arg};
        wasm_val_vec_t results = {1, &result};
        wasm_trap_t* const trap = wasm_func_call(wasm_extern_as_func(exports.data[2]), &args, &results);
        CHECK(trap != NULL || wasm_ref_same(result.of.ref, arg.of.ref));
        if (trap != NULL)
            CHECK(warpbeam_trap_code(trap) == WARPBEAM_TRAP_OUT_OF_MEMORY ||
                  warpbeam_trap_code(trap) == WARPBEAM_TRAP_HOST);
        wasm_trap_delete(trap);
        wasm_val_delete(&result);
        wasm_table_t* const table = wasm_extern_as_table(exports.data[0]);
        (void)wasm_table_set(table, 0, arg.of.ref);
        wasm_ref_delete(wasm_table_get(table, 0));
        wasm_global_set(wasm_extern_as_global(exports.data[1]), &arg);
        wasm_global_get(wasm_extern_as_global(exports.data[1]), &result);
        wasm_val_delete(&result);
        wasm_table_set_host_info_with_finalizer(table, &finalized, count_call);
        wasm_externtype_delete(wasm_extern_type(exports.data[2]));
    }
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_byte_vec_delete(&binary);
    wasm_func_delete(host);
    wasm_functype_delete(type);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

/* What allocates in warpbeam.h. */
static void use_warpbeam_h(void) {
    static const char wat[] =
        "(module (type $s (struct (field i32))) (import \"m\" \"f\" (func $f (result i32)))"
        " (tag (export \"e\") (param i32)) (memory (export \"memory\") 1)"
        " (func (export \"g\") (result i32) (call $f)))";
    wasm_engine_t* const engine = wasm_engine_new();
    wasm_store_t* const store = wasm_store_new(engine);
    warpbeam_linker_t* const linker = warpbeam_linker_new(engine);
    warpbeam_wasi_t* const wasi = warpbeam_wasi_new();
    wasm_functype_t* const type = wasm_functype_new_0_1(wasm_valtype_new_i32());
    wasm_byte_vec_t binary, snapshot;
    wasm_module_t* module = NULL;
    warpbeam_error_delete(warpbeam_wat2wasm(wat, sizeof(wat) - 1, &binary));
    if (store != NULL && binary.data != NULL)
        warpbeam_error_delete(warpbeam_module_new(store, &binary, &module));
    if (store != NULL && module != NULL && linker != NULL && wasi != NULL) {
        warpbeam_error_delete(warpbeam_wasi_add_arg(wasi, "arg"));
        warpbeam_error_delete(warpbeam_wasi_add_env(wasi, "name", "value"));
        warpbeam_error_delete(warpbeam_wasi_set_input(wasi, &binary));
        warpbeam_error_delete(warpbeam_wasi_collect_output(wasi, 100));
        warpbeam_error_delete(warpbeam_linker_define_wasi(linker, wasi));
        warpbeam_error_delete(warpbeam_linker_define_host_call(linker, "m", "f", type));
        wasm_trap_t* trap;
        wasm_instance_t* const instance = warpbeam_linker_instance_new(linker, store, module, &trap);
        CHECK((instance == NULL) == (trap != NULL));
        wasm_trap_delete(trap);
        wasm_extern_t* const tag = warpbeam_instance_export_new(instance, "e");
        wasm_extern_t* const g = warpbeam_instance_export_new(instance, "g");
        wasm_val_t value = WASM_I32_VAL(1);
        const wasm_val_vec_t values = {1, &value};
        wasm_ref_t *object, *exception;
        warpbeam_error_delete(warpbeam_struct_new(store, warpbeam_module_type(module, 0), &values, &object));
        warpbeam_error_delete(warpbeam_exception_new(tag, &values, &exception));
        wasm_trap_delete(warpbeam_trap_throw_new(exception));
        wasm_ref_delete(exception);
        wasm_ref_delete(object);
        wasm_ref_delete(warpbeam_i31_new(store, 1));
        uint64_t address;
        wasm_trap_delete(instance != NULL ? warpbeam_guest_allocate(instance, 8, 8, &address) : NULL);
        warpbeam_execution_t* execution;
        warpbeam_error_delete(warpbeam_execution_new(wasm_extern_as_func(g), NULL, &execution));
        if (execution != NULL) {
            warpbeam_error_delete(warpbeam_execution_resume(execution, 0));
            const wasm_instance_t* const instances[] = {instance};
            const warpbeam_execution_t* const executions[] = {execution};
            const wasm_module_t* const modules[] = {module};
            warpbeam_contents_t contents;
            warpbeam_contents_init(&contents, sizeof(contents));
            contents.instances = instances;
            contents.instance_count = 1;
            if (warpbeam_execution_state(execution) == WARPBEAM_STATE_HOST_CALL) {
                contents.executions = executions;
                contents.execution_count = 1;
            }
            warpbeam_restored_t* restored;
            warpbeam_error_delete(warpbeam_snapshot_save(store, &contents, &snapshot));
            warpbeam_error_delete(
                warpbeam_snapshot_restore(engine, &snapshot, modules, 1, linker, &restored));
            warpbeam_restored_delete(restored);
            warpbeam_error_delete(warpbeam_store_fork(store, &contents, &restored));
            warpbeam_restored_delete(restored);
            wasm_byte_vec_delete(&snapshot);
            warpbeam_execution_delete(execution);
        }
        wasm_extern_delete(tag);
        wasm_extern_delete(g);
        wasm_instance_delete(instance);
    }
    wasm_module_delete(module);
    wasm_byte_vec_delete(&binary);
    wasm_functype_delete(type);
    wasm_store_delete(store);
    warpbeam_linker_delete(linker);
    warpbeam_wasi_delete(wasi);
    wasm_engine_delete(engine);
}

/* Lets it use one more allocation each time, until there are enough; then all others fail, or only one. */
static void starve(void (*use)(void)) {
    enum { many = 10000 };
    /* What is made once for the process, also by what goes on without an engine. */
    use();
    allow_allocations(1, true);
    use();
    const size_t live = live_blocks();
    for (int only_one = 0; only_one < 2; ++only_one) {
        size_t count = 0;
        do {
            allow_allocations(count++, only_one);
            use();
        } while (failed_allocations() != 0 && count < many && CHECK(live_blocks() == live));
        allow_allocations(SIZE_MAX, false);
        CHECK(count > 50 && count < many);
    }
}

TEST(memory_may_run_out_in_wasm_h) { starve(use_wasm_h); }
TEST(memory_may_run_out_in_calls) { starve(use_calls); }
TEST(memory_may_run_out_in_warpbeam_h) { starve(use_warpbeam_h); }
