#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <warpbeam.h>

/* A test: TEST(name) { ... }. Its name says what holds. */
#define TEST(name)                                                                                           \
    static void warpbeam_test_##name(void);                                                                  \
    __attribute__((constructor)) static void add_##name(void) { add_test(#name, warpbeam_test_##name); }     \
    static void warpbeam_test_##name(void)
void add_test(const char* name, void (*run)(void));

/* Counts a failure of the test, which goes on. */
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
bool check(bool condition, const char* text, const char* file, int line);
/* Ends the process if it does not hold: for what a test can't go on without. */
#define REQUIRE(condition) require((condition), #condition, __FILE__, __LINE__)
void require(bool condition, const char* text, const char* file, int line);

/* A new engine's store; both are deleted with `close_store`. */
wasm_store_t* open_store(void);
void close_store(wasm_store_t*);

/* A module in the text format, and an instance of it, which must be possible. */
wasm_module_t* load(wasm_store_t*, const char* wat);
wasm_instance_t* instantiate(wasm_store_t*, const char* wat, wasm_extern_t* const* imports, size_t count);
/* The export of that index, which the caller owns. */
wasm_extern_t* export_at(const wasm_instance_t*, size_t index);
wasm_func_t* func_at(const wasm_instance_t*, size_t index);
/* Calls a function from i32 to i32, which must return. */
int32_t call_i32(const wasm_func_t*, int32_t argument);
/* Whether a trap has this message; deletes it. */
bool has_message(wasm_trap_t*, const char* text);
/* Whether there is an error of this kind; deletes it. */
bool fails_with(warpbeam_error_t*, warpbeam_error_code_t code);
/* The same, and it has this message. */
bool is_error(warpbeam_error_t*, warpbeam_error_code_t code, const char* message);
/* Whether a name is this text. */
bool is_name(const wasm_name_t*, const char* text);

/* A finalizer that counts its calls at `count`, an int. */
void count_call(void* count);

/* Calls a function on several threads at once, each with its index, and waits for them. */
void run_threads(size_t count, void (*run)(void* env, size_t index), void* env);

/* From now on `count` allocations of the library succeed; then all others fail, or only one. Returns the
 * number of blocks that are live. */
size_t allow_allocations(size_t count, bool then_fail_once);
size_t live_blocks(void);
/* How many failed since the last `allow_allocations`. */
size_t failed_allocations(void);

#endif
