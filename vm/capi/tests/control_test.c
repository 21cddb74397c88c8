#define _POSIX_C_SOURCE 200809L /* posix_memalign */

#include "blocks.h"
#include "check.h"

#include <pthread.h>

static const char loops[] = "(module (func (export \"f\") (loop (br 0))))";

/* A store of an engine with these options; null for none that differ from the defaults. */
static wasm_store_t* store_with(const warpbeam_options_t* options, const warpbeam_limits_t* limits) {
    wasm_config_t* const config = wasm_config_new();
    if (options != NULL)
        REQUIRE(warpbeam_config_set_options(config, options) == NULL);
    if (limits != NULL)
        REQUIRE(warpbeam_config_set_limits(config, limits) == NULL);
    wasm_engine_t* const engine = wasm_engine_new_with_config(config);
    wasm_store_t* const store = wasm_store_new(engine);
    wasm_engine_delete(engine);
    return store;
}

TEST(errors_say_what_is_wrong_and_where) {
    wasm_store_t* const store = open_store();
    wasm_byte_vec_t binary;
    warpbeam_error_t* const error = warpbeam_wat2wasm("(module\n  (funk))", 17, &binary);
    REQUIRE(error != NULL);
    CHECK(binary.size == 0 && binary.data == NULL);
    CHECK(warpbeam_error_code(error) == WARPBEAM_ERROR_MALFORMED && warpbeam_error_offset(error) == 11);
    CHECK(strncmp(warpbeam_error_message(error), "2:4: ", 5) == 0);
    warpbeam_error_delete(error);
    warpbeam_error_delete(NULL);
    REQUIRE(warpbeam_wat2wasm("(module (func (result i32)))", 28, &binary) == NULL);
    wasm_module_t* module;
    warpbeam_error_t* const invalid = warpbeam_module_new(store, &binary, &module);
    CHECK(module == NULL && warpbeam_error_code(invalid) == WARPBEAM_ERROR_INVALID);
    CHECK(strstr(warpbeam_error_message(invalid), "type mismatch") != NULL);
    warpbeam_error_delete(invalid);
    wasm_byte_vec_delete(&binary);
    REQUIRE(warpbeam_wat2wasm("(module)", 8, &binary) == NULL);
    CHECK(warpbeam_module_new(store, &binary, &module) == NULL && module != NULL);
    wasm_module_delete(module);
    CHECK(is_error(warpbeam_module_new(NULL, &binary, &module), WARPBEAM_ERROR_USAGE,
                   "there is no store, or no binary"));
    wasm_byte_vec_delete(&binary);
    allow_allocations(0, false);
    CHECK(is_error(warpbeam_wat2wasm("(module)", 8, &binary), WARPBEAM_ERROR_OUT_OF_MEMORY, "out of memory"));
    allow_allocations(SIZE_MAX, false);
    close_store(store);
}

TEST(fuel_runs_out) {
    warpbeam_options_t options;
    warpbeam_options_init(&options, sizeof(options));
    CHECK(options.size == sizeof(options) && !options.fuel && options.waiting &&
          options.host_call_depth == 100);
    options.fuel = true;
    wasm_store_t* const store = store_with(&options, NULL);
    wasm_instance_t* const instance = instantiate(store, loops, NULL, 0);
    wasm_func_t* const func = func_at(instance, 0);
    warpbeam_store_set_fuel(store, 1000);
    CHECK(warpbeam_store_fuel(store) == 1000);
    wasm_trap_t* const trap = wasm_func_call(func, NULL, NULL);
    CHECK(warpbeam_trap_code(trap) == WARPBEAM_TRAP_OUT_OF_FUEL);
    wasm_trap_delete(trap);
    CHECK(warpbeam_store_fuel(store) == 0 && warpbeam_store_fuel(NULL) == 0);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    close_store(store);
}

static void* request(void* interrupt) {
    warpbeam_interrupt_request(interrupt);
    return NULL;
}

TEST(other_threads_interrupt) {
    for (int patched = 0; patched < 2; ++patched) {
        warpbeam_options_t options;
        warpbeam_options_init(&options, sizeof(options));
        options.interruption = true;
        options.patched_interruption = patched != 0;
        wasm_store_t* const store = store_with(&options, NULL);
        wasm_instance_t* const instance = instantiate(store, loops, NULL, 0);
        wasm_func_t* const func = func_at(instance, 0);
        warpbeam_interrupt_t* const interrupt = warpbeam_interrupt_new(store);
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, request, interrupt) == 0);
        wasm_trap_t* const trap = wasm_func_call(func, NULL, NULL);
        CHECK(warpbeam_trap_code(trap) == WARPBEAM_TRAP_INTERRUPTED);
        wasm_trap_delete(trap);
        pthread_join(thread, NULL);
        /* a request that is withdrawn has no effect */
        wasm_instance_t* const other = instantiate(store, "(module (func (export \"f\")))", NULL, 0);
        wasm_func_t* const quick = func_at(other, 0);
        warpbeam_interrupt_request(interrupt);
        warpbeam_store_clear_interrupt(store);
        CHECK(wasm_func_call(quick, NULL, NULL) == NULL);
        wasm_func_delete(quick);
        wasm_instance_delete(other);
        wasm_func_delete(func);
        wasm_instance_delete(instance);
        close_store(store);
        warpbeam_interrupt_request(interrupt); /* has no effect any more */
        warpbeam_interrupt_delete(interrupt);
    }
    warpbeam_interrupt_delete(NULL);
    CHECK(warpbeam_interrupt_new(NULL) == NULL);
}

TEST(stores_have_limits) {
    warpbeam_limits_t limits, usage;
    warpbeam_limits_init(&limits, sizeof(limits));
    CHECK(limits.table_elements == 10000000 && limits.memories == UINT32_MAX);
    limits.memory_bytes = 2 * MEMORY_PAGE_SIZE;
    wasm_store_t* const store = store_with(NULL, &limits);
    const wasm_limits_t pages = {2, 3};
    wasm_memorytype_t* const type = wasm_memorytype_new(&pages);
    wasm_memory_t* const memory = wasm_memory_new(store, type);
    CHECK(memory != NULL && !wasm_memory_grow(memory, 1) && wasm_memory_new(store, type) == NULL);
    warpbeam_store_usage(store, &usage, sizeof(usage));
    CHECK(usage.size == sizeof(usage) && usage.memory_bytes == 2 * MEMORY_PAGE_SIZE && usage.memories == 1);
    wasm_memory_delete(memory);
    wasm_memorytype_delete(type);
    close_store(store);
    warpbeam_store_usage(NULL, &usage, sizeof(usage));
    CHECK(usage.memories == 0);
}

TEST(options_of_other_versions) {
    struct {
        warpbeam_options_t known;
        uint64_t later;
    } newer;
    wasm_config_t* const config = wasm_config_new();
    memset(&newer, 1, sizeof(newer));
    warpbeam_options_init(&newer.known, sizeof(newer));
    CHECK(newer.known.size == sizeof(newer) && newer.later == 0);
    CHECK(warpbeam_config_set_options(config, &newer.known) == NULL); /* what is unknown has its default */
    newer.later = 1;
    warpbeam_error_t* const error = warpbeam_config_set_options(config, &newer.known);
    CHECK(error != NULL && warpbeam_error_code(error) == WARPBEAM_ERROR_USAGE);
    warpbeam_error_delete(error);
    /* an older program, which has only some members: the others have their defaults */
    warpbeam_options_t older;
    memset(&older, 1, sizeof(older));
    warpbeam_options_init(&older, offsetof(warpbeam_options_t, host_call_depth));
    CHECK(older.host_call_depth == 0x01010101);
    CHECK(warpbeam_config_set_options(config, &older) == NULL);
    warpbeam_limits_t few;
    memset(&few, 1, sizeof(few));
    few.size = sizeof(few.size);
    CHECK(warpbeam_config_set_limits(config, &few) == NULL);
    few.size = 3;
    CHECK(is_error(warpbeam_config_set_limits(config, &few), WARPBEAM_ERROR_USAGE,
                   "the options are null, or have no size"));
    CHECK(is_error(warpbeam_config_set_limits(config, NULL), WARPBEAM_ERROR_USAGE,
                   "the options are null, or have no size"));
    wasm_config_delete(config);
}

TEST(features_can_be_switched) {
    wasm_config_t* const config = wasm_config_new();
    CHECK(warpbeam_config_set_feature(config, "simd", false) == NULL);
    CHECK(warpbeam_config_set_feature(config, "threads", true) == NULL);
    CHECK(is_error(warpbeam_config_set_feature(config, "jit", true), WARPBEAM_ERROR_USAGE,
                   "there is no feature `jit`"));
    CHECK(is_error(warpbeam_config_set_feature(config, NULL, true), WARPBEAM_ERROR_USAGE,
                   "there is no feature `(null)`"));
    wasm_engine_t* const engine = wasm_engine_new_with_config(config);
    wasm_store_t* const store = wasm_store_new(engine);
    wasm_module_delete(load(store, "(module (memory 1 1 shared))"));
    wasm_byte_vec_t binary;
    REQUIRE(warpbeam_wat2wasm("(module (func (param v128)))", 28, &binary) == NULL);
    wasm_module_t* module;
    warpbeam_error_t* const error = warpbeam_module_new(store, &binary, &module);
    CHECK(error != NULL && strstr(warpbeam_error_message(error), "simd") != NULL);
    warpbeam_error_delete(error);
    wasm_byte_vec_delete(&binary);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

/* Counts the blocks that are live, and the calls. */
struct counts {
    size_t live, calls;
};
static void* counted_allocate(void* env, size_t size, size_t alignment) {
    struct counts* const counts = env;
    void* const block = new_block(size, alignment);
    if (block == NULL)
        return NULL;
    ++counts->live;
    ++counts->calls;
    return block;
}
static void counted_deallocate(void* env, void* block, size_t size, size_t alignment) {
    (void)size;
    (void)alignment;
    --((struct counts*)env)->live;
    free_block(block);
}

TEST(memory_comes_from_the_allocator) {
    struct counts counts = {0, 0};
    warpbeam_allocator_t* const allocator =
        warpbeam_allocator_new(&counts, counted_allocate, counted_deallocate);
    warpbeam_options_t options;
    warpbeam_options_init(&options, sizeof(options));
    options.allocator = allocator;
    wasm_store_t* const store = store_with(&options, NULL);
    wasm_instance_t* const instance =
        instantiate(store, "(module (func (export \"f\") unreachable))", NULL, 0);
    wasm_func_t* const func = func_at(instance, 0);
    CHECK(has_message(wasm_func_call(func, NULL, NULL), "unreachable"));
    CHECK(counts.calls > 10 && counts.live > 5);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    close_store(store);
    CHECK(counts.live == 0);
    warpbeam_allocator_delete(allocator);
    warpbeam_allocator_delete(NULL);
    CHECK(warpbeam_allocator_new(NULL, NULL, counted_deallocate) == NULL);
}

TEST(collections_free_garbage) {
    wasm_store_t* const store = open_store();
    int count = 0;
    wasm_foreign_t* const foreign = wasm_foreign_new(store);
    wasm_foreign_set_host_info_with_finalizer(foreign, &count, count_call);
    wasm_foreign_delete(foreign);
    warpbeam_store_collect(store);
    CHECK(count == 1);
    warpbeam_store_collect(NULL);
    warpbeam_store_set_fuel(NULL, 1);
    warpbeam_store_clear_interrupt(NULL);
    close_store(store);
}
