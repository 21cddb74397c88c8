#include "check.h"

/* Executions, snapshots and forks. */

static const char asks[] =
    "(module (import \"env\" \"ask\" (func $ask (param i32) (result i32)))"
    " (global $calls (mut i32) (i32.const 0))"
    " (func (export \"f\") (param i32) (result i32)"
    "  (global.set $calls (i32.add (global.get $calls) (i32.const 1)))"
    "  (i32.add (global.get $calls) (call $ask (i32.mul (local.get 0) (i32.const 2)))))"
    " (func (export \"spin\") (loop (br 0))))";

/* What all these tests use: an instance of `asks` in a store with fuel, and an execution of `f(21)`. */
struct scene {
    wasm_engine_t* engine;
    wasm_store_t* store;
    warpbeam_linker_t* linker;
    wasm_module_t* module;
    wasm_instance_t* instance;
    wasm_func_t* func;
    warpbeam_execution_t* execution;
};

static struct scene open_scene(void) {
    struct scene s;
    warpbeam_options_t options;
    wasm_config_t* const config = wasm_config_new();
    warpbeam_options_init(&options, sizeof(options));
    options.fuel = true;
    REQUIRE(warpbeam_config_set_options(config, &options) == NULL);
    s.engine = wasm_engine_new_with_config(config);
    s.store = wasm_store_new(s.engine);
    s.linker = warpbeam_linker_new(s.engine);
    wasm_functype_t* const type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    REQUIRE(warpbeam_linker_define_host_call(s.linker, "env", "ask", type) == NULL);
    wasm_functype_delete(type);
    s.module = load(s.store, asks);
    s.instance = warpbeam_linker_instance_new(s.linker, s.store, s.module, NULL);
    REQUIRE(s.instance != NULL);
    s.func = func_at(s.instance, 0);
    wasm_val_t arg = WASM_I32_VAL(21);
    const wasm_val_vec_t args = {1, &arg};
    REQUIRE(warpbeam_execution_new(s.func, &args, &s.execution) == NULL);
    return s;
}

static void close_scene(struct scene* s) {
    warpbeam_execution_delete(s->execution);
    wasm_func_delete(s->func);
    wasm_instance_delete(s->instance);
    wasm_module_delete(s->module);
    warpbeam_linker_delete(s->linker);
    wasm_store_delete(s->store);
    wasm_engine_delete(s->engine);
}

/* Answers the call that an execution waits for, and checks what it returns. */
static void finish(warpbeam_execution_t* execution, int32_t answer, int32_t expected) {
    wasm_val_t value = WASM_I32_VAL(answer);
    const wasm_val_vec_t values = {1, &value};
    wasm_val_vec_t results;
    CHECK(warpbeam_execution_state(execution) == WARPBEAM_STATE_HOST_CALL);
    CHECK(warpbeam_execution_answer(execution, &values) == NULL);
    CHECK(warpbeam_execution_state(execution) == WARPBEAM_STATE_READY);
    CHECK(warpbeam_execution_resume(execution, 100) == NULL);
    CHECK(warpbeam_execution_state(execution) == WARPBEAM_STATE_DONE);
    CHECK(warpbeam_execution_results(execution, &results) == NULL);
    CHECK(results.size == 1 && results.data[0].kind == WASM_I32 && results.data[0].of.i32 == expected);
    wasm_val_vec_delete(&results);
}

TEST(executions_wait_for_answers) {
    struct scene s = open_scene();
    wasm_name_t module, name;
    wasm_val_vec_t args, results;
    CHECK(warpbeam_execution_state(s.execution) == WARPBEAM_STATE_READY);
    CHECK(fails_with(warpbeam_execution_results(s.execution, &results), WARPBEAM_ERROR_USAGE) &&
          results.size == 0);
    CHECK(warpbeam_execution_resume(s.execution, 0) == NULL);
    CHECK(warpbeam_execution_state(s.execution) == WARPBEAM_STATE_OUT_OF_FUEL);
    CHECK(fails_with(warpbeam_execution_call_args(s.execution, &args), WARPBEAM_ERROR_USAGE));
    CHECK(warpbeam_execution_resume(s.execution, 100) == NULL);
    CHECK(warpbeam_execution_state(s.execution) == WARPBEAM_STATE_HOST_CALL);
    CHECK(warpbeam_execution_fuel(s.execution) > 0 && warpbeam_execution_fuel(s.execution) < 100);
    warpbeam_execution_call_name(s.execution, &module, &name);
    CHECK(is_name(&module, "env") && is_name(&name, "ask"));
    wasm_name_delete(&module);
    wasm_name_delete(&name);
    CHECK(warpbeam_execution_call_args(s.execution, &args) == NULL);
    CHECK(args.size == 1 && args.data[0].kind == WASM_I32 && args.data[0].of.i32 == 42);
    wasm_val_vec_delete(&args);
    CHECK(fails_with(warpbeam_execution_resume(s.execution, 0),
                     WARPBEAM_ERROR_USAGE)); /* not without an answer */
    wasm_val_t wrong = WASM_I64_VAL(1);
    const wasm_val_vec_t wrong_vec = {1, &wrong};
    CHECK(fails_with(warpbeam_execution_answer(s.execution, &wrong_vec), WARPBEAM_ERROR_USAGE));
    CHECK(is_error(warpbeam_execution_answer(s.execution, NULL), WARPBEAM_ERROR_USAGE,
                   "1 value is needed, 0 given"));
    CHECK(warpbeam_execution_trap_new(s.execution) == NULL);
    finish(s.execution, 6, 7);
    CHECK(fails_with(warpbeam_execution_resume(s.execution, 0), WARPBEAM_ERROR_USAGE));
    close_scene(&s);
}

TEST(host_calls_have_all_their_arguments) {
    wasm_engine_t* const engine = wasm_engine_new();
    wasm_store_t* const store = wasm_store_new(engine);
    warpbeam_linker_t* const linker = warpbeam_linker_new(engine);
    wasm_functype_t* const type =
        wasm_functype_new_3_0(wasm_valtype_new_i32(), wasm_valtype_new_i64(), wasm_valtype_new_f64());
    REQUIRE(warpbeam_linker_define_host_call(linker, "env", "tell", type) == NULL);
    wasm_functype_delete(type);
    wasm_module_t* const module =
        load(store, "(module (import \"env\" \"tell\" (func (param i32 i64 f64)))"
                    " (func (export \"f\") (call 0 (i32.const 1) (i64.const -2) (f64.const 0.5))))");
    wasm_instance_t* const instance = warpbeam_linker_instance_new(linker, store, module, NULL);
    wasm_func_t* const func = func_at(instance, 0);
    warpbeam_execution_t* execution;
    wasm_val_vec_t args;
    REQUIRE(warpbeam_execution_new(func, NULL, &execution) == NULL);
    CHECK(warpbeam_execution_resume(execution, 0) == NULL);
    CHECK(warpbeam_execution_call_args(execution, &args) == NULL);
    REQUIRE(args.size == 3);
    CHECK(args.data[0].kind == WASM_I32 && args.data[0].of.i32 == 1);
    CHECK(args.data[1].kind == WASM_I64 && args.data[1].of.i64 == -2);
    CHECK(args.data[2].kind == WASM_F64 && args.data[2].of.f64 == 0.5);
    wasm_val_vec_delete(&args);
    warpbeam_execution_delete(execution);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    warpbeam_linker_delete(linker);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

TEST(answers_may_be_traps) {
    struct scene s = open_scene();
    wasm_message_t message;
    CHECK(warpbeam_execution_resume(s.execution, 100) == NULL);
    wasm_name_new_from_string_nt(&message, "refused");
    wasm_trap_t* const refusal = wasm_trap_new(s.store, &message);
    wasm_name_delete(&message);
    CHECK(fails_with(warpbeam_execution_refuse(s.execution, NULL), WARPBEAM_ERROR_USAGE));
    CHECK(warpbeam_execution_refuse(s.execution, refusal) == NULL);
    CHECK(warpbeam_execution_resume(s.execution, 100) == NULL);
    CHECK(warpbeam_execution_state(s.execution) == WARPBEAM_STATE_TRAPPED);
    wasm_trap_t* const trap = warpbeam_execution_trap_new(s.execution);
    CHECK(wasm_trap_same(trap, refusal));
    CHECK(has_message(trap, "refused"));
    wasm_trap_delete(refusal);
    close_scene(&s);
}

TEST(executions_need_a_function_and_a_store) {
    struct scene s = open_scene();
    warpbeam_execution_t* none;
    CHECK(fails_with(warpbeam_execution_new(NULL, NULL, &none), WARPBEAM_ERROR_USAGE) && none == NULL);
    CHECK(fails_with(warpbeam_execution_new(s.func, NULL, &none), WARPBEAM_ERROR_USAGE) && none == NULL);
    warpbeam_execution_t* const execution = s.execution;
    s.execution = NULL; /* outlives the store */
    close_scene(&s);
    wasm_val_vec_t values;
    CHECK(warpbeam_execution_state(execution) == WARPBEAM_STATE_TRAPPED);
    CHECK(fails_with(warpbeam_execution_resume(execution, 1), WARPBEAM_ERROR_USAGE));
    CHECK(fails_with(warpbeam_execution_results(execution, &values), WARPBEAM_ERROR_USAGE));
    CHECK(warpbeam_execution_trap_new(execution) == NULL && warpbeam_execution_fuel(execution) == 0);
    warpbeam_execution_delete(execution);
    warpbeam_execution_delete(NULL);
}

static wasm_trap_t* suspend(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    (void)args;
    (void)results;
    return warpbeam_trap_suspend_new(env);
}

TEST(callbacks_may_answer_later) {
    struct scene s = open_scene();
    wasm_functype_t* const type = wasm_functype_new_0_1(wasm_valtype_new_i32());
    wasm_func_t* const func = wasm_func_new_with_env(s.store, type, suspend, s.store, NULL);
    wasm_functype_delete(type);
    wasm_trap_t* const trap = wasm_func_call(func, NULL, NULL);
    CHECK(warpbeam_trap_code(trap) == WARPBEAM_TRAP_CANNOT_SUSPEND);
    wasm_trap_delete(trap);
    CHECK(warpbeam_trap_suspend_new(NULL) == NULL);
    wasm_extern_t* const imports[] = {wasm_func_as_extern(func)};
    wasm_instance_t* const instance = instantiate(
        s.store,
        "(module (import \"m\" \"f\" (func (result i32))) (func (export \"g\") (result i32) (call 0)))",
        imports, 1);
    wasm_func_t* const g = func_at(instance, 0);
    warpbeam_execution_t* execution;
    CHECK(warpbeam_execution_new(g, NULL, &execution) == NULL);
    CHECK(warpbeam_execution_resume(execution, 100) == NULL);
    finish(execution, 42, 42);
    warpbeam_execution_delete(execution);
    wasm_func_delete(g);
    wasm_instance_delete(instance);
    wasm_func_delete(func);
    close_scene(&s);
}

/* The scene's instance and execution. */
static warpbeam_contents_t contents_of(const struct scene* s, const wasm_instance_t** instances,
                                       const warpbeam_execution_t** executions) {
    warpbeam_contents_t contents;
    warpbeam_contents_init(&contents, sizeof(contents));
    instances[0] = s->instance;
    executions[0] = s->execution;
    contents.instances = instances;
    contents.instance_count = 1;
    contents.executions = executions;
    contents.execution_count = 1;
    return contents;
}

/* What was restored goes on where it was. */
static void check_restored(warpbeam_restored_t* restored) {
    wasm_instance_t* const instance = warpbeam_restored_instance_new(restored, 0);
    CHECK(instance != NULL && warpbeam_restored_instance_new(restored, 1) == NULL);
    warpbeam_execution_t* const execution = warpbeam_restored_take_execution(restored, 0);
    REQUIRE(execution != NULL);
    CHECK(warpbeam_restored_take_execution(restored, 0) == NULL); /* it was taken */
    CHECK(warpbeam_restored_take_execution(restored, 1) == NULL);
    wasm_store_t* const store = warpbeam_restored_take_store(restored);
    CHECK(store != NULL && warpbeam_restored_take_store(restored) == NULL);
    warpbeam_restored_delete(restored);
    warpbeam_restored_delete(NULL);
    finish(execution, 6, 7);
    warpbeam_execution_delete(execution);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
}

TEST(snapshots_go_on_elsewhere) {
    struct scene s = open_scene();
    const wasm_instance_t* instances[1];
    const warpbeam_execution_t* executions[1];
    const warpbeam_contents_t contents = contents_of(&s, instances, executions);
    CHECK(warpbeam_execution_resume(s.execution, 100) == NULL);
    wasm_byte_vec_t snapshot;
    CHECK(warpbeam_snapshot_save(s.store, &contents, &snapshot) == NULL && snapshot.size > 100);
    finish(s.execution, 1, 2); /* the snapshot is not changed */

    /* In another engine, as in another process. */
    struct scene other = open_scene();
    const wasm_module_t* const modules[] = {other.module};
    warpbeam_restored_t* restored;
    CHECK(warpbeam_snapshot_restore(other.engine, &snapshot, modules, 1, other.linker, &restored) == NULL);
    REQUIRE(restored != NULL);
    check_restored(restored);
    CHECK(fails_with(warpbeam_snapshot_restore(other.engine, &snapshot, NULL, 0, other.linker, &restored),
                     WARPBEAM_ERROR_UNLINKABLE) &&
          restored == NULL);
    CHECK(fails_with(warpbeam_snapshot_restore(other.engine, &snapshot, modules, 1, NULL, &restored),
                     WARPBEAM_ERROR_UNLINKABLE));
    CHECK(fails_with(warpbeam_snapshot_restore(NULL, &snapshot, modules, 1, NULL, &restored),
                     WARPBEAM_ERROR_USAGE));
    /* The store ends with it, unless it is taken: so does what is of this store. */
    CHECK(warpbeam_snapshot_restore(other.engine, &snapshot, modules, 1, other.linker, &restored) == NULL);
    warpbeam_execution_t* const execution = warpbeam_restored_take_execution(restored, 0);
    CHECK(warpbeam_execution_state(execution) == WARPBEAM_STATE_HOST_CALL);
    warpbeam_restored_delete(restored);
    CHECK(warpbeam_execution_state(execution) == WARPBEAM_STATE_TRAPPED);
    warpbeam_execution_delete(execution);
    for (size_t size = 0; size < snapshot.size; size += 7) { /* damaged */
        const wasm_byte_vec_t part = {size, snapshot.data};
        warpbeam_error_t* const error =
            warpbeam_snapshot_restore(other.engine, &part, modules, 1, other.linker, &restored);
        CHECK(error != NULL && restored == NULL);
        warpbeam_error_delete(error);
    }
    wasm_byte_vec_delete(&snapshot);
    close_scene(&other);
    close_scene(&s);
}

TEST(forks_go_on_beside_each_other) {
    struct scene s = open_scene();
    const wasm_instance_t* instances[1];
    const warpbeam_execution_t* executions[1];
    const warpbeam_contents_t contents = contents_of(&s, instances, executions);
    CHECK(warpbeam_execution_resume(s.execution, 100) == NULL);
    warpbeam_restored_t *first, *second;
    CHECK(warpbeam_store_fork(s.store, &contents, &first) == NULL);
    CHECK(warpbeam_store_fork(s.store, &contents, &second) == NULL);
    check_restored(second);
    finish(s.execution, 40, 41);
    check_restored(first);
    close_scene(&s);
}

TEST(contents_must_be_of_the_store) {
    struct scene s = open_scene();
    struct scene other = open_scene();
    const wasm_instance_t* instances[1];
    const warpbeam_execution_t* executions[1];
    warpbeam_contents_t contents = contents_of(&other, instances, executions);
    wasm_byte_vec_t snapshot;
    warpbeam_restored_t* restored;
    CHECK(fails_with(warpbeam_snapshot_save(s.store, &contents, &snapshot), WARPBEAM_ERROR_USAGE));
    contents.instance_count = 0;
    CHECK(fails_with(warpbeam_store_fork(s.store, &contents, &restored), WARPBEAM_ERROR_USAGE) &&
          restored == NULL);
    executions[0] = NULL;
    CHECK(fails_with(warpbeam_store_fork(s.store, &contents, &restored), WARPBEAM_ERROR_USAGE));
    CHECK(fails_with(warpbeam_store_fork(s.store, NULL, &restored), WARPBEAM_ERROR_USAGE));
    CHECK(fails_with(warpbeam_store_fork(NULL, &contents, &restored), WARPBEAM_ERROR_USAGE));
    close_scene(&other);
    close_scene(&s);
}
