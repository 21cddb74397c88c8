#include "check.h"

static wasm_trap_t* add_env(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    results->data[0].of.i32 = args->data[0].of.i32 + *(int*)env;
    return NULL;
}

static const char imports_f[] = "(module $me (import \"env\" \"f\" (func (param i32) (result i32)))"
                                " (func $here (export \"g\") (param i32) (result i32) (call 0 (local.get 0)))"
                                " (func $bad (export \"bad\") unreachable))";

TEST(linkers_find_imports_by_name) {
    wasm_engine_t* const engine = wasm_engine_new();
    wasm_store_t* const store = wasm_store_new(engine);
    warpbeam_linker_t* const linker = warpbeam_linker_new(engine);
    int two = 2, three = 3;
    wasm_functype_t* const type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_module_t* const module = load(store, imports_f);
    wasm_trap_t* trap;
    CHECK(warpbeam_linker_instance_new(linker, store, module, &trap) == NULL);
    CHECK(has_message(trap, "unknown import env.f: func (param i32) (result i32)"));
    CHECK(warpbeam_linker_instance_new(linker, store, module, NULL) == NULL);
    CHECK(warpbeam_linker_define_func(linker, "env", "f", type, add_env, &two, NULL) == NULL);
    warpbeam_error_t* error =
        warpbeam_linker_define_func(linker, "env", "f", type, add_env, &three, count_call);
    CHECK(error != NULL && warpbeam_error_code(error) == WARPBEAM_ERROR_USAGE);
    CHECK(three == 4); /* finalized at once */
    warpbeam_error_delete(error);
    error = warpbeam_linker_define_func(linker, "env", "g", NULL, add_env, &three, count_call);
    CHECK(error != NULL && three == 5);
    warpbeam_error_delete(error);
    wasm_instance_t* const first = warpbeam_linker_instance_new(linker, store, module, &trap);
    REQUIRE(first != NULL && trap == NULL);
    wasm_func_t* const g = wasm_extern_as_func(warpbeam_instance_export_new(first, "g"));
    CHECK(call_i32(g, 40) == 42);
    CHECK(warpbeam_instance_export_new(first, "h") == NULL &&
          warpbeam_instance_export_new(NULL, "g") == NULL);
    CHECK(warpbeam_instance_export_new(first, NULL) == NULL);
    warpbeam_linker_allow_shadowing(linker, true);
    CHECK(warpbeam_linker_define_func(linker, "env", "f", type, add_env, &three, count_call) == NULL);
    wasm_instance_t* const second = warpbeam_linker_instance_new(linker, store, module, &trap);
    wasm_func_t* const h = wasm_extern_as_func(warpbeam_instance_export_new(second, "g"));
    CHECK(call_i32(h, 40) == 45 && call_i32(g, 40) == 42);
    /* exports of instances, under one name and one by one */
    CHECK(warpbeam_linker_define_instance(linker, "first", first) == NULL);
    CHECK(warpbeam_linker_define(linker, "env", "f", wasm_func_as_extern(h)) == NULL);
    wasm_module_t* const user = load(store, "(module (import \"first\" \"g\" (func (param i32) (result i32)))"
                                            " (import \"env\" \"f\" (func (param i32) (result i32)))"
                                            " (func (export \"both\") (param i32) (result i32)"
                                            "  (call 1 (call 0 (local.get 0)))))");
    wasm_instance_t* const third = warpbeam_linker_instance_new(linker, store, user, NULL);
    wasm_func_t* const both = func_at(third, 0);
    CHECK(call_i32(both, 0) == 7);
    error = warpbeam_linker_define(linker, "x", "y", NULL);
    CHECK(error != NULL);
    warpbeam_error_delete(error);
    error = warpbeam_linker_define_instance(linker, "x", NULL);
    CHECK(error != NULL);
    warpbeam_error_delete(error);
    warpbeam_linker_delete(linker);
    warpbeam_linker_delete(NULL);
    CHECK(warpbeam_linker_new(NULL) == NULL);
    CHECK(three == 5 && call_i32(h, 0) == 5); /* the store still has the function */
    wasm_func_delete(both);
    wasm_func_delete(g);
    wasm_func_delete(h);
    wasm_instance_delete(first);
    wasm_instance_delete(second);
    wasm_instance_delete(third);
    wasm_module_delete(user);
    wasm_module_delete(module);
    wasm_functype_delete(type);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    CHECK(three == 6);
}

TEST(traps_have_codes_and_names) {
    wasm_engine_t* const engine = wasm_engine_new();
    wasm_store_t* const store = wasm_store_new(engine);
    warpbeam_linker_t* const linker = warpbeam_linker_new(engine);
    wasm_functype_t* const type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    CHECK(warpbeam_linker_define_host_call(linker, "env", "f", type) == NULL);
    warpbeam_error_t* const error = warpbeam_linker_define_host_call(linker, "env", "f", NULL);
    CHECK(error != NULL);
    warpbeam_error_delete(error);
    wasm_module_t* const module = load(store, imports_f);
    wasm_instance_t* const instance = warpbeam_linker_instance_new(linker, store, module, NULL);
    wasm_func_t* const bad = wasm_extern_as_func(warpbeam_instance_export_new(instance, "bad"));
    wasm_func_t* const g = wasm_extern_as_func(warpbeam_instance_export_new(instance, "g"));
    wasm_trap_t* const trap = wasm_func_call(bad, NULL, NULL);
    CHECK(warpbeam_trap_code(trap) == WARPBEAM_TRAP_UNREACHABLE && warpbeam_trap_exit_status(trap) == 0);
    wasm_frame_t* const frame = wasm_trap_origin(trap);
    wasm_name_t name;
    warpbeam_frame_func_name(frame, &name);
    CHECK(is_name(&name, "bad"));
    wasm_name_delete(&name);
    warpbeam_frame_module_name(frame, &name);
    CHECK(is_name(&name, "me"));
    wasm_name_delete(&name);
    warpbeam_trap_text(trap, &name);
    static const char expected[] = "unreachable\n    at me!bad (function 2), offset 0x";
    CHECK(name.size > sizeof(expected) && memcmp(name.data, expected, sizeof(expected) - 1) == 0);
    wasm_name_delete(&name);
    wasm_frame_delete(frame);
    wasm_trap_delete(trap);
    /* host calls need an execution */
    wasm_val_t one = WASM_I32_VAL(1);
    const wasm_val_vec_t args = {1, &one};
    wasm_trap_t* const waits = wasm_func_call(g, &args, NULL);
    CHECK(warpbeam_trap_code(waits) == WARPBEAM_TRAP_CANNOT_SUSPEND);
    wasm_trap_delete(waits);
    wasm_trap_t* const own = wasm_trap_new(store, NULL);
    CHECK(warpbeam_trap_code(own) == WARPBEAM_TRAP_HOST);
    wasm_trap_delete(own);
    CHECK(warpbeam_trap_code(NULL) == WARPBEAM_TRAP_USAGE);
    wasm_func_delete(bad);
    wasm_func_delete(g);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_functype_delete(type);
    warpbeam_linker_delete(linker);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

/* Writes its input, its argument 1 and the variable to standard output, and exits with status 3 if the input
 * ends. */
static const char program[] =
    "(module"
    " (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read (param i32 i32 i32 i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"args_get\" (func $args (param i32 i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"environ_get\" (func $env (param i32 i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"fd_prestat_get\" (func $prestat (param i32 i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"
    " (memory (export \"memory\") 1)"
    " (func (export \"_start\")"
    "  (i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 5))"
    "  (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))"
    "  (drop (call $args (i32.const 40) (i32.const 105)))" /* `p\\0arg\\0` */
    "  (drop (call $env (i32.const 60) (i32.const 111)))"  /* `A=b\\0` */
    "  (i32.store (i32.const 4) (i32.const 14))"
    "  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"
    "  (i32.store (i32.const 4) (i32.const 2))"
    "  (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))"
    "  (call $exit (i32.add (i32.add (i32.const 3) (call $prestat (i32.const 3) (i32.const 200)))"
    "   (i32.add (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.load (i32.const "
    "8)))))))";

TEST(programs_run_in_a_world) {
    wasm_engine_t* const engine = wasm_engine_new();
    wasm_store_t* const store = wasm_store_new(engine);
    warpbeam_linker_t* const linker = warpbeam_linker_new(engine);
    warpbeam_wasi_t* const wasi = warpbeam_wasi_new();
    wasm_byte_vec_t bytes;
    wasm_name_new_from_string(&bytes, "input");
    CHECK(warpbeam_wasi_set_input(wasi, &bytes) == NULL);
    wasm_name_delete(&bytes);
    CHECK(warpbeam_wasi_collect_output(wasi, 1000) == NULL);
    CHECK(warpbeam_wasi_add_arg(wasi, "p") == NULL && warpbeam_wasi_add_arg(wasi, "arg") == NULL);
    CHECK(warpbeam_wasi_add_env(wasi, "A", "b") == NULL);
    CHECK(fails_with(warpbeam_wasi_add_env(wasi, "A=B", "c"), WARPBEAM_ERROR_USAGE));
    CHECK(fails_with(warpbeam_wasi_add_env(wasi, "", "c"), WARPBEAM_ERROR_USAGE));
    CHECK(fails_with(warpbeam_wasi_add_env(wasi, NULL, "c"), WARPBEAM_ERROR_USAGE));
    CHECK(warpbeam_wasi_add_directory(wasi, "/", "/", false) == NULL);
    CHECK(fails_with(warpbeam_wasi_add_directory(wasi, "/x", "/no/such/directory", true),
                     WARPBEAM_ERROR_USAGE));
    CHECK(warpbeam_linker_define_wasi(linker, wasi) == NULL);
    CHECK(fails_with(warpbeam_linker_define_wasi(linker, NULL), WARPBEAM_ERROR_USAGE));
    wasm_module_t* const module = load(store, program);
    wasm_instance_t* const instance = warpbeam_linker_instance_new(linker, store, module, NULL);
    REQUIRE(instance != NULL);
    wasm_func_t* const start = wasm_extern_as_func(warpbeam_instance_export_new(instance, "_start"));
    wasm_trap_t* const trap = wasm_func_call(start, NULL, NULL);
    CHECK(warpbeam_trap_code(trap) == WARPBEAM_TRAP_EXIT && warpbeam_trap_exit_status(trap) == 3);
    wasm_trap_delete(trap);
    warpbeam_wasi_output(wasi, 1, &bytes);
    CHECK(bytes.size == 14 && memcmp(bytes.data, "inputp\0arg\0A=b", 14) == 0);
    wasm_byte_vec_delete(&bytes);
    warpbeam_wasi_output(wasi, 2, &bytes);
    CHECK(is_name(&bytes, "in"));
    wasm_byte_vec_delete(&bytes);
    warpbeam_wasi_output(wasi, 0, &bytes);
    CHECK(bytes.size == 0 && bytes.data == NULL);
    wasm_func_delete(start);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_store_delete(store);
    warpbeam_linker_delete(linker);
    warpbeam_wasi_delete(wasi);
    warpbeam_wasi_delete(NULL);
    wasm_engine_delete(engine);
}

TEST(memories_of_guests) {
    wasm_store_t* const store = open_store();
    wasm_instance_t* const instance = instantiate(store, "(module (memory (export \"memory\") 1))", NULL, 0);
    wasm_memory_t* const memory = wasm_extern_as_memory(export_at(instance, 0));
    uint64_t address = 0, other = 0;
    CHECK(warpbeam_guest_allocate(instance, 100, 16, &address) == NULL);
    CHECK(warpbeam_guest_allocate(instance, 100, 16, &other) == NULL);
    CHECK(address % 16 == 0 && (address + 100 <= other || other + 100 <= address));
    char found[6] = "";
    CHECK(warpbeam_memory_write(memory, address, "hello", 6) &&
          warpbeam_memory_read(memory, address, found, 6));
    CHECK(strcmp(found, "hello") == 0);
    CHECK(!warpbeam_memory_read(memory, wasm_memory_data_size(memory) - 5, found, 6));
    CHECK(!warpbeam_memory_write(memory, UINT64_MAX, found, 6) && !warpbeam_memory_read(NULL, 0, found, 1));
    CHECK(!warpbeam_memory_write(NULL, 0, found, 1));
    CHECK(warpbeam_guest_free(instance, address) == NULL);
    wasm_trap_t* const trap = warpbeam_guest_free(instance, address + 1);
    CHECK(trap != NULL && warpbeam_trap_code(trap) == WARPBEAM_TRAP_USAGE);
    wasm_trap_delete(trap);
    CHECK(has_message(warpbeam_guest_free(NULL, 0), "invalid use of the API"));
    CHECK(has_message(warpbeam_guest_allocate(NULL, 1, 1, &address), "invalid use of the API"));
    wasm_memory_delete(memory);
    wasm_instance_delete(instance);
    wasm_instance_t* const without = instantiate(store, "(module)", NULL, 0);
    wasm_trap_t* const none = warpbeam_guest_allocate(without, 1, 1, &address);
    CHECK(none != NULL && address == 0);
    wasm_trap_delete(none);
    wasm_instance_delete(without);
    close_store(store);
}
