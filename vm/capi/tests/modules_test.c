#include "check.h"

static const char wat[] = "(module (import \"a\" \"f\" (func (param i32) (result f64)))"
                          " (import \"b\" \"\" (memory 1 5)) (import \"c\" \"t\" (table 2 externref))"
                          " (import \"d\" \"g\" (global (mut i64)))"
                          " (func (export \"run\") (param f32)) (memory (export \"big\") i64 1 0x100000001)"
                          " (tag $e (export \"tag\") (param i32)))";

TEST(modules_must_be_valid) {
    wasm_store_t* const store = open_store();
    wasm_byte_vec_t binary;
    REQUIRE(warpbeam_wat2wasm("(module)", 8, &binary) == NULL);
    CHECK(wasm_module_validate(store, &binary));
    wasm_module_t* const module = wasm_module_new(store, &binary);
    CHECK(module != NULL);
    wasm_module_delete(module);
    binary.data[4] = 9; /* another version */
    CHECK(!wasm_module_validate(store, &binary) && wasm_module_new(store, &binary) == NULL);
    wasm_byte_vec_delete(&binary);
    CHECK(!wasm_module_validate(store, &binary) && wasm_module_new(store, &binary) == NULL);
    CHECK(!wasm_module_validate(store, NULL) && wasm_module_new(store, NULL) == NULL);
    CHECK(!wasm_module_validate(NULL, &binary) && wasm_module_new(NULL, &binary) == NULL);
    close_store(store);
}

TEST(modules_have_imports) {
    wasm_store_t* const store = open_store();
    wasm_module_t* const module = load(store, wat);
    wasm_importtype_vec_t imports;
    wasm_module_imports(module, &imports);
    wasm_module_delete(module);
    close_store(store); /* types need neither */
    REQUIRE(imports.size == 4);
    CHECK(is_name(wasm_importtype_module(imports.data[0]), "a"));
    CHECK(is_name(wasm_importtype_name(imports.data[0]), "f"));
    CHECK(is_name(wasm_importtype_name(imports.data[1]), ""));
    const wasm_functype_t* const func =
        wasm_externtype_as_functype_const(wasm_importtype_type(imports.data[0]));
    CHECK(wasm_valtype_kind(wasm_functype_params(func)->data[0]) == WASM_I32);
    CHECK(wasm_valtype_kind(wasm_functype_results(func)->data[0]) == WASM_F64);
    const wasm_memorytype_t* const memory =
        wasm_externtype_as_memorytype_const(wasm_importtype_type(imports.data[1]));
    CHECK(wasm_memorytype_limits(memory)->min == 1 && wasm_memorytype_limits(memory)->max == 5);
    const wasm_tabletype_t* const table =
        wasm_externtype_as_tabletype_const(wasm_importtype_type(imports.data[2]));
    CHECK(wasm_tabletype_limits(table)->min == 2);
    CHECK(wasm_tabletype_limits(table)->max == wasm_limits_max_default);
    CHECK(wasm_valtype_kind(wasm_tabletype_element(table)) == WASM_EXTERNREF);
    const wasm_globaltype_t* const global =
        wasm_externtype_as_globaltype_const(wasm_importtype_type(imports.data[3]));
    CHECK(wasm_globaltype_mutability(global) == WASM_VAR);
    CHECK(wasm_valtype_kind(wasm_globaltype_content(global)) == WASM_I64);
    wasm_importtype_vec_delete(&imports);
    wasm_module_imports(NULL, &imports);
    CHECK(imports.size == 0);
}

TEST(modules_have_exports) {
    wasm_store_t* const store = open_store();
    wasm_module_t* const module = load(store, wat);
    wasm_exporttype_vec_t exports;
    wasm_module_exports(module, &exports);
    REQUIRE(exports.size == 3);
    CHECK(is_name(wasm_exporttype_name(exports.data[0]), "run"));
    CHECK(wasm_externtype_kind(wasm_exporttype_type(exports.data[0])) == WASM_EXTERN_FUNC);
    const wasm_memorytype_t* const memory =
        wasm_externtype_as_memorytype_const(wasm_exporttype_type(exports.data[1]));
    CHECK(wasm_memorytype_limits(memory)->max == UINT32_MAX); /* the real one is larger */
    wasm_externtype_t* const tag = wasm_externtype_copy(wasm_exporttype_type(exports.data[2]));
    CHECK(wasm_externtype_kind(tag) == WARPBEAM_EXTERN_TAG);
    CHECK(wasm_functype_params(warpbeam_externtype_as_tag_functype(tag))->size == 1);
    CHECK(wasm_externtype_as_functype(tag) == NULL);
    wasm_externtype_delete(tag);
    wasm_exporttype_vec_delete(&exports);
    wasm_module_delete(module);
    close_store(store);
}

TEST(exact_types_make_functions_that_fit) {
    wasm_store_t* const store = open_store();
    wasm_module_t* const module =
        load(store, "(module (rec (type $a (struct)) (type $f (func (param (ref null $a)))))"
                    " (import \"m\" \"f\" (func (type $f))) (func (export \"g\") (call 0 (ref.null $a))))");
    wasm_importtype_vec_t imports;
    wasm_module_imports(module, &imports);
    const wasm_functype_t* const type =
        wasm_externtype_as_functype_const(wasm_importtype_type(imports.data[0]));
    CHECK(wasm_valtype_kind(wasm_functype_params(type)->data[0]) == WARPBEAM_ANYREF);
    wasm_functype_t* const copy = wasm_functype_copy(type);
    wasm_store_t* const stranger = open_store();
    extern wasm_trap_t* ignore(const wasm_val_vec_t*, wasm_val_vec_t*);
    CHECK(wasm_func_new(stranger, copy, ignore) == NULL); /* the type is one of another engine */
    wasm_func_t* const func = wasm_func_new(store, copy, ignore);
    REQUIRE(func != NULL);
    wasm_extern_t* externs[] = {wasm_func_as_extern(func)};
    const wasm_extern_vec_t vec = WASM_ARRAY_VEC(externs);
    wasm_instance_t* const instance = wasm_instance_new(store, module, &vec, NULL);
    REQUIRE(instance != NULL);
    wasm_func_t* const g = func_at(instance, 0);
    CHECK(wasm_func_call(g, NULL, NULL) == NULL);
    wasm_func_delete(g);
    wasm_instance_delete(instance);
    wasm_func_delete(func);
    wasm_functype_delete(copy);
    wasm_importtype_vec_delete(&imports);
    wasm_module_delete(module);
    close_store(stranger);
    close_store(store);
}

wasm_trap_t* ignore(const wasm_val_vec_t* args, wasm_val_vec_t* results);
wasm_trap_t* ignore(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    (void)args;
    (void)results;
    return NULL;
}

TEST(modules_can_be_serialised) {
    wasm_store_t* const store = open_store();
    wasm_module_t* const module = load(store, "(module (func (export \"f\") (param i32) (result i32)"
                                              " (i32.add (local.get 0) (i32.const 1))))");
    wasm_byte_vec_t bytes;
    wasm_module_serialize(module, &bytes);
    REQUIRE(bytes.size > 8);
    wasm_module_delete(module);
    wasm_module_t* const back = wasm_module_deserialize(store, &bytes);
    REQUIRE(back != NULL);
    wasm_instance_t* const instance = wasm_instance_new(store, back, NULL, NULL);
    wasm_func_t* const func = func_at(instance, 0);
    CHECK(call_i32(func, 41) == 42);
    /* every byte counts in the header, and every length */
    for (size_t i = 0; i < 16; ++i) {
        bytes.data[i] ^= 1;
        CHECK(wasm_module_deserialize(store, &bytes) == NULL);
        bytes.data[i] ^= 1;
    }
    for (size_t size = 0; size < bytes.size; ++size) {
        const wasm_byte_vec_t part = {size, bytes.data};
        CHECK(wasm_module_deserialize(store, &part) == NULL);
    }
    CHECK(wasm_module_deserialize(store, NULL) == NULL && wasm_module_deserialize(NULL, &bytes) == NULL);
    wasm_byte_vec_delete(&bytes);
    wasm_module_serialize(NULL, &bytes);
    CHECK(bytes.size == 0);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    wasm_module_delete(back);
    close_store(store);
}

TEST(modules_can_be_shared) {
    wasm_engine_t* const engine = wasm_engine_new();
    wasm_store_t* const first = wasm_store_new(engine);
    wasm_store_t* const second = wasm_store_new(engine);
    wasm_store_t* const stranger = open_store();
    wasm_module_t* const module = load(first, "(module (func (export \"f\")))");
    wasm_shared_module_t* const shared = wasm_module_share(module);
    wasm_module_delete(module);
    wasm_store_delete(first);
    wasm_module_t* const other = wasm_module_obtain(second, shared);
    wasm_module_t* const foreign = wasm_module_obtain(stranger, shared); /* loads it again */
    wasm_shared_module_delete(shared);
    wasm_shared_module_delete(NULL);
    wasm_instance_t* const a = wasm_instance_new(second, other, NULL, NULL);
    wasm_instance_t* const b = wasm_instance_new(stranger, foreign, NULL, NULL);
    CHECK(a != NULL && b != NULL);
    CHECK(wasm_instance_new(stranger, other, NULL, NULL) == NULL); /* a module of another engine */
    wasm_instance_delete(a);
    wasm_instance_delete(b);
    CHECK(wasm_module_obtain(second, NULL) == NULL && wasm_module_share(NULL) == NULL);
    wasm_module_delete(other);
    wasm_module_delete(foreign);
    wasm_store_delete(second);
    close_store(stranger);
    wasm_engine_delete(engine);
}
