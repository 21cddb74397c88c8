#include "check.h"

static wasm_trap_t* nothing(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    (void)args;
    (void)results;
    return NULL;
}

TEST(instances_have_exports) {
    wasm_store_t* const store = open_store();
    wasm_instance_t* const instance =
        instantiate(store, "(module (func (export \"f\")) (memory (export \"m\") 1))", NULL, 0);
    wasm_extern_vec_t first, second;
    wasm_instance_exports(instance, &first);
    wasm_instance_exports(instance, &second);
    REQUIRE(first.size == 2 && second.size == 2);
    CHECK(wasm_extern_same(first.data[0], second.data[0]) && !wasm_extern_same(first.data[0], first.data[1]));
    wasm_extern_vec_delete(&first);
    wasm_extern_vec_delete(&second);
    wasm_instance_exports(NULL, &first);
    CHECK(first.size == 0 && first.data == NULL);
    wasm_instance_delete(instance);
    close_store(store);
}

TEST(imports_must_fit) {
    wasm_store_t* const store = open_store();
    wasm_store_t* const stranger = open_store();
    wasm_functype_t* const type = wasm_functype_new_0_0();
    wasm_functype_t* const wrong_type = wasm_functype_new_1_0(wasm_valtype_new_i32());
    wasm_func_t* const func = wasm_func_new(store, type, nothing);
    wasm_func_t* const wrong = wasm_func_new(store, wrong_type, nothing);
    wasm_func_t* const foreign = wasm_func_new(stranger, type, nothing);
    wasm_module_t* const module = load(store, "(module (import \"env\" \"f\" (func)))");
    wasm_extern_t* externs[] = {NULL, wasm_func_as_extern(func)};
    wasm_extern_vec_t imports = {1, externs};
    wasm_trap_t* trap;
    CHECK(wasm_instance_new(store, module, &imports, &trap) == NULL);
    CHECK(has_message(trap, "import 0 is null, or of another store"));
    externs[0] = wasm_func_as_extern(foreign);
    CHECK(wasm_instance_new(store, module, &imports, &trap) == NULL);
    CHECK(has_message(trap, "import 0 is null, or of another store"));
    externs[0] = wasm_func_as_extern(wrong);
    CHECK(wasm_instance_new(store, module, &imports, &trap) == NULL);
    CHECK(has_message(trap, "incompatible import type for env.f: func, found func (param i32)"));
    CHECK(wasm_instance_new(store, module, NULL, NULL) == NULL); /* without a reason */
    CHECK(wasm_instance_new(store, module, NULL, &trap) == NULL);
    CHECK(trap != NULL);
    wasm_trap_delete(trap);
    CHECK(wasm_instance_new(store, NULL, NULL, &trap) == NULL);
    CHECK(has_message(trap, "there is no module"));
    CHECK(wasm_instance_new(NULL, module, NULL, &trap) == NULL);
    CHECK(has_message(trap, "invalid use of the API"));
    externs[0] = wasm_func_as_extern(func);
    wasm_instance_t* const instance = wasm_instance_new(store, module, &imports, &trap);
    CHECK(instance != NULL && trap == NULL);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_func_delete(func);
    wasm_func_delete(wrong);
    wasm_func_delete(foreign);
    wasm_functype_delete(type);
    wasm_functype_delete(wrong_type);
    close_store(stranger);
    close_store(store);
}

TEST(start_functions_may_trap) {
    wasm_store_t* const store = open_store();
    wasm_module_t* const module = load(store, "(module (func $f unreachable) (start $f))");
    wasm_trap_t* trap;
    CHECK(wasm_instance_new(store, module, NULL, &trap) == NULL);
    wasm_frame_t* const frame = wasm_trap_origin(trap);
    CHECK(frame != NULL && wasm_frame_func_index(frame) == 0 && wasm_frame_instance(frame) != NULL);
    wasm_frame_delete(frame);
    CHECK(has_message(trap, "unreachable"));
    wasm_module_delete(module);
    close_store(store);
}

TEST(segments_may_trap) {
    wasm_store_t* const store = open_store();
    wasm_module_t* const module = load(store, "(module (memory 1) (data (i32.const 65536) \"x\"))");
    wasm_trap_t* trap;
    CHECK(wasm_instance_new(store, module, NULL, &trap) == NULL);
    REQUIRE(trap != NULL);
    CHECK(wasm_trap_origin(trap) == NULL);
    wasm_trap_delete(trap);
    wasm_module_delete(module);
    close_store(store);
}

TEST(instances_share_imported_objects) {
    wasm_store_t* const store = open_store();
    const wasm_limits_t limits = {1, 2};
    wasm_memorytype_t* const type = wasm_memorytype_new(&limits);
    wasm_memory_t* const memory = wasm_memory_new(store, type);
    wasm_memorytype_delete(type);
    wasm_extern_t* const imports[] = {wasm_memory_as_extern(memory)};
    wasm_instance_t* const instance =
        instantiate(store,
                    "(module (import \"m\" \"m\" (memory 1))"
                    " (func (export \"f\") (param i32) (result i32) (i32.load8_u (local.get 0))))",
                    imports, 1);
    wasm_func_t* const func = func_at(instance, 0);
    wasm_memory_data(memory)[1000] = 42;
    CHECK(call_i32(func, 1000) == 42);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    wasm_memory_delete(memory);
    close_store(store);
}
