#include "check.h"

/* What wasm.h allows several threads at once. Mistakes are found by ThreadSanitizer, or break what is checked
 * here. CHECK is for one thread, so each thread counts its own mistakes. */

enum { thread_count = 4, rounds = 50 };

static const char module_text[] =
    "(module (type $s (struct (field (mut i32))))"
    " (import \"host\" \"twice\" (func $twice (param i32) (result i32)))"
    " (table (export \"t\") 1 (ref null $s))"
    " (func (export \"f\") (param i32) (result i32) (local (ref $s))"
    "  (local.set 1 (struct.new $s (local.get 0))) (table.set (i32.const 0) (local.get 1))"
    "  (call $twice (struct.get $s 0 (local.get 1)))))";

/* All that the threads share. */
typedef struct shared_t {
    wasm_engine_t* engine;
    wasm_byte_vec_t binary;
    wasm_shared_module_t* module;
    wasm_shared_module_t* of_other_engine;
    warpbeam_linker_t* linker;
    wasm_functype_t* type;       /* independent of engines */
    wasm_externtype_t* of_table; /* of a type in the engine's registry */
    int factor;                  /* that the host function reads */
    size_t mistakes[thread_count];
} shared_t;

static wasm_trap_t* multiply(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    results->data[0].of.i32 = args->data[0].of.i32 * *(const int*)env;
    return NULL;
}

static wasm_trap_t* successor(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    results->data[0].of.i32 = args->data[0].of.i32 + 1;
    return NULL;
}

/* Whether a function gives that result; deletes it. */
static bool gives(wasm_func_t* func, int32_t argument, int32_t expected) {
    wasm_val_t args[] = {WASM_I32_VAL(argument)};
    wasm_val_t results[] = {WASM_INIT_VAL};
    const wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args);
    wasm_val_vec_t result_vec = WASM_ARRAY_VEC(results);
    wasm_trap_t* const trap = func != NULL ? wasm_func_call(func, &arg_vec, &result_vec) : NULL;
    const bool right = func != NULL && trap == NULL && results[0].of.i32 == expected;
    wasm_trap_delete(trap);
    wasm_func_delete(func);
    return right;
}

/* An instance made by the linker, whose function gives the right result; deletes the module. */
static bool works(const shared_t* s, wasm_store_t* store, wasm_module_t* module, int32_t argument) {
    wasm_trap_t* trap = NULL;
    wasm_instance_t* const instance = warpbeam_linker_instance_new(s->linker, store, module, &trap);
    wasm_extern_t* const f = instance != NULL ? warpbeam_instance_export_new(instance, "f") : NULL;
    const bool right = f != NULL && gives(wasm_extern_as_func(f), argument, argument * s->factor);
    wasm_trap_delete(trap);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    return right;
}

/* A module with types that no other thread has. */
static bool has_own_types(wasm_store_t* store, int number) {
    char text[200];
    (void)snprintf(text, sizeof text, "(module (type (array (mut i%d))) (rec (type (struct)) %.*s))",
                   number % 2 == 0 ? 32 : 64, number % 8 * 15,
                   "(type (struct))(type (struct))(type (struct))"
                   "(type (struct))(type (struct))(type (struct))(type (struct))");
    wasm_byte_vec_t binary;
    warpbeam_error_t* const error = warpbeam_wat2wasm(text, strlen(text), &binary);
    wasm_module_t* const module = error == NULL ? wasm_module_new(store, &binary) : NULL;
    const bool made = module != NULL;
    warpbeam_error_delete(error);
    wasm_module_delete(module);
    wasm_byte_vec_delete(&binary);
    return made;
}

/* A function and a table of types that all threads use. */
static bool has_shared_types(const shared_t* s, wasm_store_t* store) {
    wasm_functype_t* const type = wasm_functype_copy(s->type);
    wasm_externtype_t* const of_table = wasm_externtype_copy(s->of_table);
    wasm_table_t* const table = wasm_table_new(store, wasm_externtype_as_tabletype(of_table), NULL);
    wasm_tabletype_t* const found = table != NULL ? wasm_table_type(table) : NULL;
    const bool right = wasm_functype_params(type)->size == 1 && found != NULL &&
                       wasm_valtype_kind(wasm_tabletype_element(found)) == WARPBEAM_ANYREF &&
                       gives(wasm_func_new(store, type, successor), 1, 2) &&
                       gives(wasm_func_new(store, s->type, successor), 3, 4);
    wasm_tabletype_delete(found);
    wasm_table_delete(table);
    wasm_externtype_delete(of_table);
    wasm_functype_delete(type);
    return right;
}

static bool run_round(shared_t* s, size_t index, int number) {
    wasm_store_t* const store = wasm_store_new(s->engine);
    wasm_module_t* const obtained = wasm_module_obtain(store, s->module);
    wasm_shared_module_t* const again = wasm_module_share(obtained);
    wasm_module_t* const loaded = wasm_module_new(store, &s->binary);
    wasm_shared_module_t* const fresh = wasm_module_share(loaded);
    wasm_importtype_vec_t imports;
    wasm_module_imports(obtained, &imports);
    bool right = imports.size == 1 && is_name(wasm_importtype_name(imports.data[0]), "twice");
    wasm_importtype_vec_delete(&imports);
    right &= works(s, store, wasm_module_obtain(store, again), number);
    right &= works(s, store, wasm_module_obtain(store, fresh), number);
    right &= works(s, store, wasm_module_obtain(store, s->of_other_engine), number);
    right &= works(s, store, obtained, number) && works(s, store, loaded, number);
    right &= has_shared_types(s, store) && has_own_types(store, number + (int)index);
    wasm_shared_module_delete(again);
    wasm_shared_module_delete(fresh);
    wasm_store_delete(store);
    return right;
}

static void run_rounds(void* env, size_t index) {
    shared_t* const s = env;
    for (int i = 0; i < rounds; ++i)
        s->mistakes[index] += !run_round(s, index, i);
}

static wasm_shared_module_t* share(wasm_store_t* store) {
    wasm_module_t* const module = load(store, module_text);
    wasm_shared_module_t* const shared = wasm_module_share(module);
    wasm_module_delete(module);
    return shared;
}

TEST(threads_share_engines_types_modules_and_linkers) {
    shared_t s = {.engine = wasm_engine_new(), .factor = 2};
    wasm_store_t* const store = wasm_store_new(s.engine);
    wasm_store_t* const stranger = open_store();
    s.module = share(store);
    s.of_other_engine = share(stranger);
    close_store(stranger);
    REQUIRE(warpbeam_wat2wasm(module_text, sizeof(module_text) - 1, &s.binary) == NULL);
    s.type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    s.linker = warpbeam_linker_new(s.engine);
    REQUIRE(warpbeam_linker_define_func(s.linker, "host", "twice", s.type, multiply, &s.factor, NULL) ==
            NULL);
    wasm_module_t* const module = wasm_module_obtain(store, s.module);
    wasm_exporttype_vec_t exports;
    wasm_module_exports(module, &exports);
    s.of_table = wasm_externtype_copy(wasm_exporttype_type(exports.data[0]));
    wasm_exporttype_vec_delete(&exports);
    wasm_module_delete(module);
    wasm_store_delete(store);

    run_threads(thread_count, run_rounds, &s);

    for (size_t i = 0; i < thread_count; ++i)
        CHECK(s.mistakes[i] == 0);
    warpbeam_linker_delete(s.linker);
    wasm_functype_delete(s.type);
    wasm_externtype_delete(s.of_table);
    wasm_shared_module_delete(s.module);
    wasm_shared_module_delete(s.of_other_engine);
    wasm_byte_vec_delete(&s.binary);
    wasm_engine_delete(s.engine);
}
