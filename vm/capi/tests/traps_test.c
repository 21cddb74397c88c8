#include "check.h"

static const char fails[] = "(module (import \"m\" \"f\" (func $f (param i32) (result i32)))"
                            " (func $g (export \"g\") (param i64 i64) (result i32)"
                            "  (local f64) nop (call $f (i32.const 1)))"
                            " (func (export \"h\") (unreachable)))";

/* A trap that a callback returns; it is told which by its environment. */
static wasm_trap_t* fail(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    (void)args;
    (void)results;
    return wasm_trap_copy(*(wasm_trap_t**)env);
}

static wasm_trap_t* make_trap(wasm_store_t* store, const char* text) {
    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, text);
    wasm_trap_t* const trap = wasm_trap_new(store, &message);
    wasm_name_delete(&message);
    return trap;
}

/* An instance of `fails` whose import returns the trap. */
static wasm_instance_t* instance_that_fails(wasm_store_t* store, wasm_trap_t** trap) {
    wasm_functype_t* const type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t* const func = wasm_func_new_with_env(store, type, fail, trap, NULL);
    wasm_functype_delete(type);
    wasm_extern_t* const imports[] = {wasm_func_as_extern(func)};
    wasm_instance_t* const instance = instantiate(store, fails, imports, 1);
    wasm_func_delete(func);
    return instance;
}

TEST(messages_end_with_a_zero) {
    wasm_store_t* const store = open_store();
    CHECK(has_message(make_trap(store, "no"), "no"));
    wasm_message_t message, found;
    wasm_name_new_from_string(&message, "no"); /* without a zero */
    wasm_trap_t* const trap = wasm_trap_new(store, &message);
    wasm_name_delete(&message);
    wasm_trap_message(trap, &found);
    CHECK(found.size == 3 && strcmp(found.data, "no") == 0);
    wasm_name_delete(&found);
    wasm_trap_delete(trap);
    CHECK(has_message(wasm_trap_new(store, NULL), "host function failed"));
    CHECK(wasm_trap_new(NULL, NULL) == NULL);
    close_store(store);
}

/* What messages may contain: bytes that are not text, and a zero that is not the last one. */
#define ODD "line 1\nline 2\tquote \" back \\ \033[2J \xc3\xa9 \xff\0 after a zero"

/* Whether a trap has a message of this array, whose final zero is that of the message; deletes it. */
static bool has_bytes(wasm_trap_t* trap, const char* bytes, size_t size) {
    wasm_message_t message;
    wasm_trap_message(trap, &message);
    const bool equal = message.size == size && memcmp(message.data, bytes, size) == 0;
    wasm_name_delete(&message);
    wasm_trap_delete(trap);
    return equal;
}

TEST(bytes_of_messages_stay_as_they_are) {
    static const char odd[] = ODD, two_zeros[] = "a\0";
    wasm_store_t* const store = open_store();
    for (size_t zero = 0; zero < 2; ++zero) { /* without the final zero, and with it */
        wasm_message_t message;
        wasm_byte_vec_new(&message, sizeof(odd) - 1 + zero, odd);
        wasm_trap_t* trap = wasm_trap_new(store, &message);
        wasm_name_delete(&message);
        CHECK(has_bytes(wasm_trap_copy(trap), odd, sizeof(odd)));
        wasm_instance_t* const instance = instance_that_fails(store, &trap);
        wasm_func_t* const func = func_at(instance, 0);
        wasm_val_t values[] = {WASM_I64_VAL(1), WASM_I64_VAL(2)};
        const wasm_val_vec_t args = WASM_ARRAY_VEC(values);
        CHECK(has_bytes(wasm_func_call(func, &args, NULL), odd, sizeof(odd)));
        wasm_byte_vec_t text; /* for people, who get nothing that a terminal would obey */
        warpbeam_trap_text(trap, &text);
        CHECK(is_name(&text, "line 1\\0aline 2\\09quote \" back \\ \\1b[2J \xc3\xa9 \\ff\\00 after a zero"));
        wasm_byte_vec_delete(&text);
        wasm_func_delete(func);
        wasm_instance_delete(instance);
        wasm_trap_delete(trap);
    }
    wasm_message_t message = {sizeof(two_zeros),
                              (char*)(uintptr_t)two_zeros}; /* of which one is the final one */
    CHECK(has_bytes(wasm_trap_new(store, &message), two_zeros, sizeof(two_zeros)));
    message.size = 0;
    CHECK(has_bytes(wasm_trap_new(store, &message), "", 1));
    close_store(store);
}

TEST(messages_of_imports_that_do_not_fit_have_lines) {
    static const char expected[] = "unknown import a.b: func\n"
                                   "unknown import c\\0a.d: func (param i32)\n"
                                   "unknown import e.f: global i64";
    wasm_store_t* const store = open_store();
    wasm_module_t* const module =
        load(store, "(module (import \"a\" \"b\" (func)) (import \"c\\0a\" \"d\" (func (param i32)))"
                    " (import \"e\" \"f\" (global i64)))");
    wasm_trap_t* trap = NULL;
    CHECK(wasm_instance_new(store, module, NULL, &trap) == NULL);
    wasm_byte_vec_t text;
    warpbeam_trap_text(trap, &text);
    CHECK(is_name(&text, expected));
    wasm_byte_vec_delete(&text);
    CHECK(has_message(trap, expected));
    wasm_module_delete(module);
    close_store(store);
}

TEST(traps_of_callbacks_stay_the_same) {
    wasm_store_t* const store = open_store();
    int count = 0;
    wasm_trap_t* trap = make_trap(store, "callback abort");
    wasm_trap_set_host_info_with_finalizer(trap, &count, count_call);
    wasm_instance_t* const instance = instance_that_fails(store, &trap);
    wasm_func_t* const func = func_at(instance, 0);
    wasm_val_t values[] = {WASM_I64_VAL(1), WASM_I64_VAL(2)};
    const wasm_val_vec_t args = WASM_ARRAY_VEC(values);
    wasm_trap_t* const caught = wasm_func_call(func, &args, NULL);
    REQUIRE(caught != NULL);
    CHECK(wasm_trap_same(caught, trap) && wasm_trap_get_host_info(caught) == &count);
    wasm_frame_t* const frame = wasm_trap_origin(caught);
    REQUIRE(frame != NULL);
    CHECK(wasm_frame_func_index(frame) == 1);
    CHECK(wasm_frame_func_offset(frame) == 6); /* 3 bytes of locals, nop, i32.const 1 */
    CHECK(wasm_frame_module_offset(frame) > wasm_frame_func_offset(frame));
    CHECK(wasm_instance_same(wasm_frame_instance(frame), instance));
    wasm_frame_t* const copy = wasm_frame_copy(frame);
    wasm_frame_delete(frame);
    CHECK(wasm_instance_same(wasm_frame_instance(copy), instance));
    wasm_frame_delete(copy);
    wasm_frame_delete(NULL);
    CHECK(wasm_frame_copy(NULL) == NULL && wasm_frame_instance(NULL) == NULL);
    /* once more, with the trap that has passed already */
    wasm_trap_t* const first = trap;
    trap = caught;
    wasm_trap_t* const again = wasm_func_call(func, &args, NULL);
    CHECK(wasm_trap_same(again, first));
    wasm_trap_delete(first);
    wasm_trap_delete(caught);
    CHECK(count == 0);
    CHECK(has_message(again, "callback abort"));
    CHECK(count == 1);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    close_store(store);
}

TEST(traps_of_code_have_a_trace) {
    wasm_store_t* const store = open_store();
    wasm_trap_t* unused = NULL;
    wasm_instance_t* const instance = instance_that_fails(store, &unused);
    wasm_func_t* const func = func_at(instance, 1);
    wasm_trap_t* const trap = wasm_func_call(func, NULL, NULL);
    wasm_frame_vec_t trace;
    wasm_trap_trace(trap, &trace);
    REQUIRE(trace.size == 1);
    CHECK(wasm_frame_func_index(trace.data[0]) == 2 && wasm_frame_func_offset(trace.data[0]) == 1);
    wasm_frame_vec_delete(&trace);
    CHECK(has_message(trap, "unreachable"));
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    close_store(store);
}

TEST(traps_without_code_have_no_origin) {
    wasm_store_t* const store = open_store();
    wasm_trap_t* const trap = make_trap(store, "no");
    CHECK(wasm_trap_origin(trap) == NULL);
    wasm_frame_vec_t trace;
    wasm_trap_trace(trap, &trace);
    CHECK(trace.size == 0 && trace.data == NULL);
    wasm_trap_delete(trap);
    close_store(store);
}

/* Calls a function of another store, and passes its trap on. */
static wasm_trap_t* call_other(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
    (void)args;
    (void)results;
    return wasm_func_call(env, NULL, NULL);
}

TEST(traps_pass_from_store_to_store) {
    for (size_t i = 0; i < 2; ++i) { /* a trap, and an exception */
        wasm_store_t* const outer = open_store();
        wasm_store_t* const inner = open_store();
        wasm_instance_t* const throws = instantiate(
            inner, "(module (tag $e) (func (export \"f\") unreachable) (func (export \"g\") (throw $e)))",
            NULL, 0);
        wasm_func_t* const f = func_at(throws, i);
        wasm_functype_t* const type = wasm_functype_new_0_0();
        wasm_func_t* const host = wasm_func_new_with_env(outer, type, call_other, f, NULL);
        wasm_functype_delete(type);
        wasm_extern_t* const imports[] = {wasm_func_as_extern(host)};
        wasm_instance_t* const calls = instantiate(
            outer, "(module (import \"m\" \"f\" (func)) (func (export \"g\") (call 0)))", imports, 1);
        wasm_func_t* const g = func_at(calls, 0);
        wasm_trap_t* const trap = wasm_func_call(g, NULL, NULL);
        wasm_func_delete(f);
        wasm_instance_delete(throws);
        close_store(inner);
        wasm_frame_vec_t trace;
        wasm_trap_trace(trap, &trace);
        CHECK(trace.size == 2 - i); /* an exception does not pass: there is another trap instead */
        for (size_t j = 0; j < trace.size; ++j) {
            /* that of a trap which has passed may be of the inner store */
            CHECK((wasm_frame_instance(trace.data[j]) == NULL) == (i == 0));
            wasm_frame_t* const copy = wasm_frame_copy(trace.data[j]);
            CHECK(wasm_frame_func_offset(copy) == wasm_frame_func_offset(trace.data[j]));
            wasm_frame_delete(copy);
        }
        wasm_frame_vec_delete(&trace);
        CHECK(warpbeam_trap_exception_new(trap) == NULL);
        CHECK(has_message(trap, i == 0 ? "unreachable"
                                       : "a host function threw an exception that belongs to another store"));
        wasm_func_delete(g);
        wasm_instance_delete(calls);
        wasm_func_delete(host);
        close_store(outer);
    }
}
