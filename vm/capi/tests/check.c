#include "check.h"

static struct {
    const char* name;
    void (*run)(void);
} tests[400];
static size_t test_count;
static size_t failures;

void add_test(const char* name, void (*run)(void)) {
    REQUIRE(test_count < sizeof(tests) / sizeof(tests[0]));
    tests[test_count].name = name;
    tests[test_count++].run = run;
}

bool check(bool condition, const char* text, const char* file, int line) {
    if (!condition) {
        printf("%s:%d: %s does not hold\n", file, line, text);
        ++failures;
    }
    return condition;
}

void require(bool condition, const char* text, const char* file, int line) {
    if (check(condition, text, file, line))
        return;
    fflush(stdout);
    abort();
}

wasm_store_t* open_store(void) {
    wasm_engine_t* const engine = wasm_engine_new();
    REQUIRE(engine != NULL);
    wasm_store_t* const store = wasm_store_new(engine);
    REQUIRE(store != NULL);
    wasm_engine_delete(engine); /* the store keeps what it needs */
    return store;
}
void close_store(wasm_store_t* store) { wasm_store_delete(store); }

wasm_module_t* load(wasm_store_t* store, const char* wat) {
    wasm_byte_vec_t binary;
    warpbeam_error_t* const error = warpbeam_wat2wasm(wat, strlen(wat), &binary);
    if (error != NULL)
        printf("%s\n", warpbeam_error_message(error));
    REQUIRE(error == NULL);
    wasm_module_t* const module = wasm_module_new(store, &binary);
    wasm_byte_vec_delete(&binary);
    REQUIRE(module != NULL);
    return module;
}

wasm_instance_t* instantiate(wasm_store_t* store, const char* wat, wasm_extern_t* const* imports,
                             size_t count) {
    wasm_module_t* const module = load(store, wat);
    const wasm_extern_vec_t vec = {count, (wasm_extern_t**)(uintptr_t)imports};
    wasm_trap_t* trap = NULL;
    wasm_instance_t* const instance = wasm_instance_new(store, module, &vec, &trap);
    if (trap != NULL)
        REQUIRE(has_message(trap, "no trap"));
    REQUIRE(instance != NULL);
    wasm_module_delete(module);
    return instance;
}

wasm_extern_t* export_at(const wasm_instance_t* instance, size_t index) {
    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    REQUIRE(index < exports.size);
    wasm_extern_t* const found = exports.data[index];
    exports.data[index] = NULL;
    wasm_extern_vec_delete(&exports);
    return found;
}
wasm_func_t* func_at(const wasm_instance_t* instance, size_t index) {
    wasm_func_t* const func = wasm_extern_as_func(export_at(instance, index));
    REQUIRE(func != NULL);
    return func;
}

int32_t call_i32(const wasm_func_t* func, int32_t argument) {
    wasm_val_t args[] = {WASM_I32_VAL(argument)};
    wasm_val_t results[] = {WASM_INIT_VAL};
    const wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args);
    wasm_val_vec_t result_vec = WASM_ARRAY_VEC(results);
    wasm_trap_t* const trap = wasm_func_call(func, &arg_vec, &result_vec);
    if (trap != NULL)
        REQUIRE(has_message(trap, "no trap"));
    CHECK(results[0].kind == WASM_I32);
    return results[0].of.i32;
}

bool has_message(wasm_trap_t* trap, const char* text) {
    if (trap == NULL) {
        printf("there is no trap\n");
        return false;
    }
    wasm_message_t message;
    wasm_trap_message(trap, &message);
    const bool equal = message.size == strlen(text) + 1 && strcmp(message.data, text) == 0;
    if (!equal)
        printf("the message is: %s\n", message.data);
    wasm_byte_vec_delete(&message);
    wasm_trap_delete(trap);
    return equal;
}

bool fails_with(warpbeam_error_t* error, warpbeam_error_code_t code) {
    const bool equal = error != NULL && warpbeam_error_code(error) == code;
    warpbeam_error_delete(error);
    return equal;
}

bool is_error(warpbeam_error_t* error, warpbeam_error_code_t code, const char* message) {
    if (error == NULL)
        return false;
    const bool equal =
        warpbeam_error_code(error) == code && strcmp(warpbeam_error_message(error), message) == 0;
    if (!equal)
        printf("the error is %d: %s\n", (int)warpbeam_error_code(error), warpbeam_error_message(error));
    warpbeam_error_delete(error);
    return equal;
}

bool is_name(const wasm_name_t* name, const char* text) {
    return name->size == strlen(text) && (name->size == 0 || memcmp(name->data, text, name->size) == 0);
}

void count_call(void* count) { ++*(int*)count; }

int main(void) {
    size_t failed = 0;
    for (size_t i = 0; i < test_count; ++i) {
        const size_t before = failures;
        size_t live = live_blocks();
        tests[i].run();
        if (live_blocks() != live) { /* what is made once for the process is made now */
            live = live_blocks();
            tests[i].run();
        }
        if (live_blocks() != live) {
            printf("%zu blocks are left\n", live_blocks() - live);
            ++failures;
        }
        if (failures != before) {
            printf("%s: FAILED\n", tests[i].name);
            ++failed;
        }
    }
    printf("%zu passed, %zu failed\n", test_count - failed, failed);
    return failed != 0;
}
