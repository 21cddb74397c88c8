#include "check.h"

/* Objects of the heap, and exceptions. */

static const char types[] = "(module (type $s (struct (field (mut i32)) (field i8) (field (mut anyref))))"
                            " (type $a (array (mut i64))) (type $f (func))"
                            " (func (export \"sum\") (param anyref) (result i32)"
                            "  (i32.add (struct.get $s 0 (ref.cast (ref $s) (local.get 0)))"
                            "           (struct.get_u $s 1 (ref.cast (ref $s) (local.get 0))))))";

TEST(structures_have_fields) {
    wasm_store_t* const store = open_store();
    wasm_module_t* const module = load(store, types);
    const uint32_t type = warpbeam_module_type(module, 0);
    CHECK(type != UINT32_MAX && warpbeam_module_type(module, 9) == UINT32_MAX);
    CHECK(warpbeam_module_type(NULL, 0) == UINT32_MAX);
    wasm_val_t fields[] = {WASM_I32_VAL(40), WASM_I32_VAL(0x102), WASM_INIT_VAL};
    wasm_val_vec_t vec = WASM_ARRAY_VEC(fields);
    wasm_ref_t *object, *none;
    REQUIRE(warpbeam_struct_new(store, type, &vec, &object) == NULL);
    CHECK(warpbeam_object_size(object) == 3);
    wasm_instance_t* const instance = wasm_instance_new(store, module, NULL, NULL);
    wasm_func_t* const sum = func_at(instance, 0);
    wasm_val_t arg = WASM_REF_VAL(object), result;
    const wasm_val_vec_t args = {1, &arg};
    wasm_val_vec_t results = {1, &result};
    CHECK(wasm_func_call(sum, &args, &results) == NULL && result.of.i32 == 42);
    CHECK(warpbeam_object_get(object, 1, &result) == NULL && result.of.i32 == 2);
    CHECK(warpbeam_object_set(object, 0, &result) == NULL);
    CHECK(wasm_func_call(sum, &args, &results) == NULL && result.of.i32 == 4);
    CHECK(fails_with(warpbeam_object_set(object, 1, &result), WARPBEAM_ERROR_USAGE)); /* immutable */
    CHECK(fails_with(warpbeam_object_set(object, 3, &result), WARPBEAM_ERROR_USAGE));
    CHECK(fails_with(warpbeam_object_get(object, 3, &result), WARPBEAM_ERROR_USAGE));
    /* a structure that refers to itself */
    CHECK(warpbeam_object_set(object, 2, &arg) == NULL);
    CHECK(warpbeam_object_get(object, 2, &result) == NULL);
    CHECK(result.kind == WARPBEAM_ANYREF && wasm_ref_same(result.of.ref, object));
    wasm_val_delete(&result);
    result.kind = WASM_I64;
    CHECK(fails_with(warpbeam_object_set(object, 0, &result), WARPBEAM_ERROR_USAGE));
    /* what is no such type, or does not fit */
    CHECK(fails_with(warpbeam_struct_new(store, warpbeam_module_type(module, 1), &vec, &none),
                     WARPBEAM_ERROR_USAGE));
    CHECK(fails_with(warpbeam_struct_new(store, UINT32_MAX, &vec, &none), WARPBEAM_ERROR_USAGE) &&
          none == NULL);
    CHECK(fails_with(warpbeam_struct_new(NULL, type, &vec, &none), WARPBEAM_ERROR_USAGE));
    fields[0].kind = WASM_F32;
    CHECK(fails_with(warpbeam_struct_new(store, type, &vec, &none), WARPBEAM_ERROR_USAGE));
    vec.size = 2;
    CHECK(fails_with(warpbeam_struct_new(store, type, &vec, &none), WARPBEAM_ERROR_USAGE));
    wasm_ref_delete(object);
    wasm_func_delete(sum);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    close_store(store);
}

TEST(arrays_have_elements) {
    wasm_store_t* const store = open_store();
    wasm_module_t* const module = load(store, types);
    const uint32_t type = warpbeam_module_type(module, 1);
    wasm_val_t value = WASM_I64_VAL(INT64_MIN);
    wasm_ref_t *array, *none;
    REQUIRE(warpbeam_array_new(store, type, 3, &value, &array) == NULL);
    CHECK(warpbeam_object_size(array) == 3);
    value.of.i64 = 42;
    CHECK(warpbeam_object_set(array, 1, &value) == NULL);
    CHECK(warpbeam_object_get(array, 0, &value) == NULL && value.of.i64 == INT64_MIN);
    CHECK(warpbeam_object_get(array, 1, &value) == NULL && value.of.i64 == 42);
    CHECK(fails_with(warpbeam_object_get(array, 3, &value), WARPBEAM_ERROR_USAGE));
    CHECK(value.kind == WASM_I32 && value.of.i32 == 0);
    CHECK(fails_with(warpbeam_array_new(store, type, 1, &value, &none), WARPBEAM_ERROR_USAGE) &&
          none == NULL);
    value.kind = WASM_I64;
    CHECK(fails_with(warpbeam_array_new(store, type, UINT32_MAX, &value, &none), WARPBEAM_ERROR_LIMIT));
    CHECK(fails_with(warpbeam_array_new(store, warpbeam_module_type(module, 0), 1, &value, &none),
                     WARPBEAM_ERROR_USAGE));
    CHECK(fails_with(warpbeam_array_new(store, type, 1, NULL, &none), WARPBEAM_ERROR_USAGE));
    wasm_ref_delete(array);
    wasm_module_delete(module);
    wasm_foreign_t* const foreign = wasm_foreign_new(store);
    CHECK(warpbeam_object_size(wasm_foreign_as_ref(foreign)) == 0 && warpbeam_object_size(NULL) == 0);
    CHECK(fails_with(warpbeam_object_get(wasm_foreign_as_ref(foreign), 0, &value), WARPBEAM_ERROR_USAGE));
    CHECK(fails_with(warpbeam_object_set(wasm_foreign_as_ref(foreign), 0, &value), WARPBEAM_ERROR_USAGE));
    wasm_foreign_delete(foreign);
    close_store(store);
}

TEST(numbers_can_be_references) {
    wasm_store_t* const store = open_store();
    wasm_instance_t* const instance =
        instantiate(store,
                    "(module (func (export \"f\") (param anyref) (result anyref)"
                    " (ref.i31 (i32.add (i32.const 1) (i31.get_s (ref.cast (ref i31) (local.get 0)))))))",
                    NULL, 0);
    wasm_func_t* const func = func_at(instance, 0);
    uint32_t number;
    wasm_val_t arg = WASM_REF_VAL(warpbeam_i31_new(store, 41)), result;
    const wasm_val_vec_t args = {1, &arg};
    wasm_val_vec_t results = {1, &result};
    CHECK(warpbeam_i31_get(arg.of.ref, &number) && number == 41);
    CHECK(wasm_func_call(func, &args, &results) == NULL);
    CHECK(warpbeam_i31_get(result.of.ref, &number) && number == 42);
    wasm_ref_t* const same = warpbeam_i31_new(store, 42);
    CHECK(wasm_ref_same(same, result.of.ref) && !wasm_ref_same(same, arg.of.ref));
    wasm_ref_set_host_info(same, &number); /* equal numbers are one object */
    CHECK(wasm_ref_get_host_info(result.of.ref) == &number && wasm_ref_get_host_info(arg.of.ref) == NULL);
    CHECK(!warpbeam_i31_get(wasm_func_as_ref(func), &number) && number == 0);
    CHECK(!warpbeam_i31_get(NULL, &number) && warpbeam_i31_new(NULL, 1) == NULL);
    wasm_ref_delete(same);
    wasm_val_delete(&arg);
    wasm_val_delete(&result);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    close_store(store);
}

/* Throws the exception that is its environment. */
static wasm_trap_t* throw_it(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    (void)args;
    (void)results;
    return warpbeam_trap_throw_new(*(wasm_ref_t**)env);
}

TEST(exceptions_pass_both_ways) {
    wasm_store_t* const store = open_store();
    wasm_functype_t* const carries = wasm_functype_new_1_0(wasm_valtype_new_i32());
    wasm_functype_t* const type = wasm_functype_new_0_0();
    wasm_extern_t* const tag = warpbeam_tag_new(store, carries);
    REQUIRE(tag != NULL && wasm_extern_kind(tag) == WARPBEAM_EXTERN_TAG);
    wasm_val_t value = WASM_I32_VAL(42);
    wasm_val_vec_t values = {1, &value};
    wasm_ref_t *exception, *none;
    REQUIRE(warpbeam_exception_new(tag, &values, &exception) == NULL);
    wasm_func_t* const thrower = wasm_func_new_with_env(store, type, throw_it, &exception, NULL);
    wasm_extern_t* const imports[] = {wasm_func_as_extern(thrower), tag};
    wasm_instance_t* const instance =
        instantiate(store,
                    "(module (import \"m\" \"f\" (func $f)) (import \"m\" \"e\" (tag $e (param i32)))"
                    " (func (export \"catch\") (param i32) (result i32)"
                    "  (block $h (result i32) (try_table (catch $e $h) (call $f)) (i32.const 0)))"
                    " (func (export \"throw\") (throw $e (i32.const 7))))",
                    imports, 2);
    wasm_func_t* const catches = func_at(instance, 0);
    wasm_func_t* const throws = func_at(instance, 1);
    CHECK(call_i32(catches, 0) == 42);
    wasm_trap_t* const trap = wasm_func_call(throws, NULL, NULL);
    CHECK(warpbeam_trap_code(trap) == WARPBEAM_TRAP_UNCAUGHT_EXCEPTION);
    wasm_ref_t* const caught = warpbeam_trap_exception_new(trap);
    REQUIRE(caught != NULL);
    wasm_extern_t* const its_tag = warpbeam_exception_tag_new(caught);
    CHECK(wasm_extern_same(its_tag, tag));
    wasm_val_vec_t carried;
    warpbeam_exception_values(caught, &carried);
    CHECK(carried.size == 1 && carried.data[0].of.i32 == 7);
    wasm_val_vec_delete(&carried);
    wasm_trap_delete(trap);
    /* what is no exception, or does not fit */
    CHECK(warpbeam_trap_throw_new(wasm_func_as_ref(throws)) == NULL && warpbeam_trap_throw_new(NULL) == NULL);
    CHECK(warpbeam_exception_tag_new(wasm_func_as_ref(throws)) == NULL);
    warpbeam_exception_values(NULL, &carried);
    CHECK(carried.size == 0 && carried.data == NULL);
    value.kind = WASM_F64;
    CHECK(fails_with(warpbeam_exception_new(tag, &values, &none), WARPBEAM_ERROR_USAGE) && none == NULL);
    CHECK(fails_with(warpbeam_exception_new(tag, NULL, &none), WARPBEAM_ERROR_USAGE));
    CHECK(fails_with(warpbeam_exception_new(wasm_func_as_extern(throws), NULL, &none), WARPBEAM_ERROR_USAGE));
    CHECK(warpbeam_trap_exception_new(NULL) == NULL && warpbeam_tag_new(NULL, type) == NULL);
    CHECK(warpbeam_tag_new(store, NULL) == NULL);
    wasm_trap_t* const plain = wasm_trap_new(store, NULL);
    CHECK(warpbeam_trap_exception_new(plain) == NULL);
    wasm_trap_delete(plain);
    wasm_extern_delete(its_tag);
    wasm_ref_delete(caught);
    wasm_ref_delete(exception);
    wasm_func_delete(catches);
    wasm_func_delete(throws);
    wasm_instance_delete(instance);
    wasm_func_delete(thrower);
    wasm_extern_delete(tag);
    wasm_functype_delete(type);
    wasm_functype_delete(carries);
    close_store(store);
}
