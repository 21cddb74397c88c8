#include "check.h"

static wasm_trap_t* add(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    CHECK(args->size == 2 && results->size == 1 && results->data[0].kind == WASM_I32);
    results->data[0].of.i32 = args->data[0].of.i32 + args->data[1].of.i32;
    return NULL;
}

TEST(functions_of_the_host_can_be_called) {
    wasm_store_t* const store = open_store();
    wasm_functype_t* const type =
        wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t* const func = wasm_func_new(store, type, add);
    wasm_functype_delete(type);
    CHECK(wasm_func_param_arity(func) == 2 && wasm_func_result_arity(func) == 1);
    wasm_functype_t* const found = wasm_func_type(func);
    CHECK(wasm_functype_params(found)->size == 2);
    wasm_functype_delete(found);
    wasm_val_t values[] = {WASM_I32_VAL(40), WASM_I32_VAL(2)};
    wasm_val_t result = WASM_INIT_VAL;
    const wasm_val_vec_t args = WASM_ARRAY_VEC(values);
    wasm_val_vec_t results = {1, &result};
    CHECK(wasm_func_call(func, &args, &results) == NULL);
    CHECK(result.kind == WASM_I32 && result.of.i32 == 42);
    wasm_func_delete(func);
    close_store(store);
}

TEST(environments_are_finalized_once) {
    int count = 0;
    wasm_store_t* const store = open_store();
    wasm_functype_t* const type = wasm_functype_new_0_0();
    extern wasm_trap_t* count_env(void*, const wasm_val_vec_t*, wasm_val_vec_t*);
    wasm_func_t* const func = wasm_func_new_with_env(store, type, count_env, &count, count_call);
    CHECK(wasm_func_call(func, NULL, NULL) == NULL);
    CHECK(count == 10);
    wasm_func_delete(func);
    CHECK(count == 10);
    close_store(store);
    CHECK(count == 11);
    /* or at once, if there can be no function */
    CHECK(wasm_func_new_with_env(NULL, type, count_env, &count, count_call) == NULL);
    CHECK(count == 12);
    wasm_store_t* const other = open_store();
    CHECK(wasm_func_new_with_env(other, NULL, count_env, &count, count_call) == NULL && count == 13);
    CHECK(wasm_func_new_with_env(other, type, NULL, &count, count_call) == NULL && count == 14);
    CHECK(wasm_func_new(other, type, NULL) == NULL);
    wasm_functype_delete(type);
    close_store(other);
}
wasm_trap_t* count_env(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results);
wasm_trap_t* count_env(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    (void)args;
    (void)results;
    *(int*)env += 10;
    return NULL;
}

TEST(all_numbers_pass_unchanged) {
    wasm_store_t* const store = open_store();
    wasm_instance_t* const instance = instantiate(
        store,
        "(module (func (export \"f\") (param i32 i64 f32 f64 funcref) (result funcref f64 f32 i64 i32)"
        " (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0)))",
        NULL, 0);
    wasm_func_t* const func = func_at(instance, 0);
    wasm_val_t values[] = {WASM_I32_VAL(INT32_MIN), WASM_I64_VAL(INT64_MAX), WASM_F32_VAL(-0.0f),
                           WASM_F64_VAL(1e300), WASM_INIT_VAL};
    wasm_val_t results[7] = {WASM_INIT_VAL};
    values[4].kind = WASM_FUNCREF;
    values[4].of.ref = wasm_func_as_ref(func);
    results[5].kind = 77;
    const wasm_val_vec_t args = WASM_ARRAY_VEC(values);
    wasm_val_vec_t result_vec = WASM_ARRAY_VEC(results);
    CHECK(wasm_func_call(func, &args, &result_vec) == NULL);
    CHECK(results[0].kind == WASM_FUNCREF && wasm_ref_same(results[0].of.ref, wasm_func_as_ref(func)));
    CHECK(results[1].kind == WASM_F64 && results[1].of.f64 == 1e300);
    CHECK(results[2].kind == WASM_F32 && results[2].of.f32 == 0 && 1 / results[2].of.f32 < 0);
    CHECK(results[3].kind == WASM_I64 && results[3].of.i64 == INT64_MAX);
    CHECK(results[4].kind == WASM_I32 && results[4].of.i32 == INT32_MIN);
    CHECK(results[5].kind == 77); /* there is no such result */
    wasm_val_delete(&results[0]);
    wasm_val_vec_t few = {1, results};
    CHECK(wasm_func_call(func, &args, &few) == NULL);
    wasm_val_delete(&results[0]);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    close_store(store);
}

TEST(arguments_must_fit) {
    wasm_store_t* const store = open_store();
    wasm_store_t* const stranger = open_store();
    wasm_instance_t* const instance =
        instantiate(store,
                    "(module (func (export \"f\") (param i32)) (func (export \"g\") (param funcref))"
                    " (func (export \"v\") (param v128)) (func (export \"w\") (result v128)"
                    "  (v128.const i64x2 0 0)))",
                    NULL, 0);
    wasm_func_t* const f = func_at(instance, 0);
    wasm_func_t* const g = func_at(instance, 1);
    wasm_func_t* const v = func_at(instance, 2);
    wasm_func_t* const w = func_at(instance, 3);
    wasm_val_t values[] = {WASM_I64_VAL(1), WASM_I32_VAL(2)};
    wasm_val_vec_t args = {1, values};
    wasm_val_vec_t one = {1, values + 1};
    CHECK(has_message(wasm_func_call(f, &args, NULL),
                      "argument 0: a value of kind 1 does not fit a type of kind 0"));
    CHECK(has_message(wasm_func_call(f, NULL, NULL),
                      "the function has 1 parameter, but 0 arguments are given"));
    args.size = 2;
    CHECK(has_message(wasm_func_call(f, &args, NULL),
                      "the function has 1 parameter, but 2 arguments are given"));
    args.size = 1;
    CHECK(has_message(wasm_func_call(g, &args, NULL),
                      "argument 0: a value of kind 1 does not fit a type of kind 129"));
    values[0].kind = WASM_FUNCREF; /* not a function */
    values[0].of.ref = wasm_foreign_as_ref(wasm_foreign_new(store));
    CHECK(has_message(wasm_func_call(g, &args, NULL),
                      "argument 0: the reference is to an object of another kind than its type"));
    wasm_val_delete(&values[0]);
    wasm_functype_t* const type = wasm_functype_new_0_0();
    wasm_func_t* const foreign = wasm_func_new_with_env(
        stranger, type, (wasm_func_callback_with_env_t)(void (*)(void))count_call, NULL, NULL);
    values[0].of.ref = wasm_func_as_ref(foreign); /* of another store */
    CHECK(has_message(wasm_func_call(g, &args, NULL),
                      "argument 0: the reference is to an object of another store"));
    CHECK(has_message(wasm_func_call(v, &one, NULL),
                      "argument 0: a value of kind 0 does not fit a type of kind 4"));
    CHECK(
        has_message(wasm_func_call(w, NULL, &one), "a result is a v128, which a wasm_val_t has no room for"));
    CHECK(has_message(wasm_func_call(NULL, NULL, NULL), "invalid use of the API"));
    wasm_functype_delete(type);
    wasm_func_delete(foreign);
    wasm_func_delete(f);
    wasm_func_delete(g);
    wasm_func_delete(v);
    wasm_func_delete(w);
    wasm_instance_delete(instance);
    close_store(stranger);
    close_store(store);
}

/* Returns a value of a wrong kind, with a reference that must not leak. */
static wasm_trap_t* wrong_result(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    (void)args;
    results->data[0].kind = WASM_EXTERNREF;
    results->data[0].of.ref = wasm_foreign_as_ref(wasm_foreign_new(env));
    return NULL;
}

TEST(results_of_callbacks_must_fit) {
    wasm_store_t* const store = open_store();
    wasm_functype_t* const type = wasm_functype_new_0_1(wasm_valtype_new_i32());
    wasm_func_t* const func = wasm_func_new_with_env(store, type, wrong_result, store, NULL);
    wasm_functype_delete(type);
    CHECK(has_message(wasm_func_call(func, NULL, NULL),
                      "result 0: a value of kind 128 does not fit a type of kind 0"));
    wasm_func_delete(func);
    close_store(store);
}

/* Counts down through code that calls it again, and deletes the only reference to that on the way. */
struct recursion {
    wasm_func_t* again;
    wasm_func_t* deleted;
    int depth;
};
static wasm_trap_t* recurse(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    struct recursion* const self = env;
    ++self->depth;
    wasm_func_delete(self->deleted);
    self->deleted = NULL;
    wasm_val_t left = WASM_I32_VAL(args->data[0].of.i32 - 1);
    const wasm_val_vec_t left_vec = {1, &left};
    return args->data[0].of.i32 == 0 ? NULL : wasm_func_call(self->again, &left_vec, results);
}

TEST(callbacks_may_call_code) {
    wasm_store_t* const store = open_store();
    struct recursion self = {NULL, NULL, 0};
    wasm_functype_t* const type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t* const host = wasm_func_new_with_env(store, type, recurse, &self, NULL);
    wasm_functype_delete(type);
    wasm_extern_t* const imports[] = {wasm_func_as_extern(host)};
    wasm_instance_t* const instance =
        instantiate(store,
                    "(module (import \"m\" \"f\" (func (param i32) (result i32)))"
                    " (func (export \"g\") (param i32) (result i32)"
                    "  (i32.add (i32.const 1) (call 0 (local.get 0)))))",
                    imports, 1);
    self.again = func_at(instance, 0);
    self.deleted = wasm_func_copy(self.again);
    wasm_func_t* const first = self.deleted;
    CHECK(call_i32(first, 20) == 21);
    CHECK(self.depth == 21);
    wasm_val_t much = WASM_I32_VAL(1000);
    const wasm_val_vec_t args = {1, &much};
    CHECK(has_message(wasm_func_call(self.again, &args, NULL), "call stack exhausted"));
    wasm_func_delete(self.again);
    wasm_func_delete(host);
    wasm_instance_delete(instance);
    close_store(store);
}

TEST(callbacks_may_have_many_parameters) {
    wasm_store_t* const store = open_store();
    wasm_instance_t* const instance =
        instantiate(store,
                    "(module (type $t (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))"
                    " (func (export \"f\") (type $t) (i32.add (local.get 0) (local.get 9))))",
                    NULL, 0);
    wasm_func_t* const func = func_at(instance, 0);
    wasm_val_t values[10];
    for (int i = 0; i < 10; ++i) {
        values[i].kind = WASM_I32;
        values[i].of.i32 = i;
    }
    values[0].of.i32 = 33;
    wasm_val_t result;
    const wasm_val_vec_t args = WASM_ARRAY_VEC(values);
    wasm_val_vec_t results = {1, &result};
    CHECK(wasm_func_call(func, &args, &results) == NULL && result.of.i32 == 42);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    close_store(store);
}

/* Returns its last argument. */
static wasm_trap_t* last_of(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    results->data[0] = args->data[args->size - 1];
    return NULL;
}

TEST(calls_with_up_to_eight_values_take_no_memory) {
    wasm_store_t* const store = open_store();
    for (size_t count = 6; count <= 8; ++count) { /* and one result */
        wasm_valtype_t* types[8];
        wasm_val_t values[8];
        for (int i = 0; i < (int)count; ++i) {
            types[i] = wasm_valtype_new_i32();
            values[i].kind = WASM_I32;
            values[i].of.i32 = i;
        }
        wasm_valtype_vec_t params, result_types;
        wasm_valtype_t* result_type = wasm_valtype_new_i32();
        wasm_valtype_vec_new(&params, count, types);
        wasm_valtype_vec_new(&result_types, 1, &result_type);
        wasm_functype_t* const type = wasm_functype_new(&params, &result_types);
        wasm_func_t* const func = wasm_func_new(store, type, last_of);
        wasm_functype_delete(type);
        wasm_val_t result = WASM_INIT_VAL;
        const wasm_val_vec_t args = {count, values};
        wasm_val_vec_t results = {1, &result};
        CHECK(wasm_func_call(func, &args, &results) == NULL && result.of.i32 == (int32_t)count - 1);
        allow_allocations(0, false);
        wasm_trap_t* const trap = wasm_func_call(func, &args, &results);
        const size_t failed = failed_allocations();
        allow_allocations(SIZE_MAX, false);
        CHECK((trap == NULL) == (count < 8) && (failed == 0) == (count < 8));
        wasm_trap_delete(trap);
        wasm_func_delete(func);
    }
    close_store(store);
}
