/* A program that uses the shared library, where the tests in Python do not run: 0 if a call gives what it
 * should. */
#include <stdio.h>
#include <warpbeam.h>

static wasm_trap_t* add_two(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    results->data[0].of.i32 = args->data[0].of.i32 + *(const int*)env;
    return NULL;
}

int main(void) {
    static const char text[] = "(module (import \"host\" \"f\" (func $f (param i32) (result i32)))"
                               " (func (export \"g\") (param i32) (result i32) (call $f (local.get 0))))";
    int two = 2;
    wasm_engine_t* const engine = wasm_engine_new();
    wasm_store_t* const store = wasm_store_new(engine);
    warpbeam_linker_t* const linker = warpbeam_linker_new(engine);
    wasm_functype_t* const type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_byte_vec_t binary = WASM_EMPTY_VEC;
    wasm_module_t* module = NULL;
    if (warpbeam_linker_define_func(linker, "host", "f", type, add_two, &two, NULL) != NULL ||
        warpbeam_wat2wasm(text, sizeof(text) - 1, &binary) != NULL ||
        warpbeam_module_new(store, &binary, &module) != NULL) {
        puts("there is no module: 0 passed, 1 failed");
        return 1;
    }
    wasm_instance_t* const instance = warpbeam_linker_instance_new(linker, store, module, NULL);
    wasm_extern_t* const g = warpbeam_instance_export_new(instance, "g");
    wasm_val_t value[] = {WASM_I32_VAL(40)};
    wasm_val_vec_t values = WASM_ARRAY_VEC(value);
    wasm_trap_t* const trap = wasm_func_call(wasm_extern_as_func(g), &values, &values);
    const bool right = trap == NULL && value[0].of.i32 == 42;
    wasm_trap_delete(trap);
    wasm_extern_delete(g);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_byte_vec_delete(&binary);
    wasm_functype_delete(type);
    warpbeam_linker_delete(linker);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    puts(right ? "1 passed, 0 failed" : "0 passed, 1 failed");
    return right ? 0 : 1;
}
