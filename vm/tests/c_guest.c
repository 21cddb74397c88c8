/* A guest with a C stack, for execution_guest_stack_test.cpp. */

#include <stdlib.h>
#include <string.h>

__attribute__((import_module("env"), import_name("ask"))) int ask(int n);

/* Keeps its numbers in a frame in memory while it waits for the next one; their sum, or -1 if one has
 * changed. */
static int collect(int seed, int depth) {
    volatile int numbers[32];
    int sum = 0;
    for (int i = 0; i < 32; ++i)
        numbers[i] = seed + i;
    if (depth > 0)
        sum = collect(seed + 1, depth - 1);
    else
        sum = ask(seed);
    for (int i = 0; i < 32; ++i)
        if (numbers[i] != seed + i)
            return -1;
    return sum < 0 ? sum : sum + numbers[0];
}

__attribute__((export_name("run"))) int run(int seed, int depth) { return collect(seed, depth); }

/* Waits with a block of the heap, too. */
__attribute__((export_name("copy"))) int copy(int n) {
    char local[64];
    char* const block = malloc(64);
    if (block == NULL)
        return -1;
    memset(local, n, sizeof local);
    memset(block, n, 64);
    (void)ask(n);
    const int same = memcmp(local, block, 64) == 0 && local[0] == n;
    free(block);
    return same;
}

__attribute__((export_name("fail"))) int fail(int n) {
    volatile int local[16];
    local[0] = ask(n);
    __builtin_trap();
    return local[0];
}

static int address_of(const volatile char* data) { return (int)(size_t)data; }

/* Where the stack ends now. */
__attribute__((export_name("here"))) int here(void) {
    volatile char local[16];
    local[0] = 0;
    return address_of(local);
}
