// Recursive Fibonacci numbers: nothing but calls, returns and a compare.
#include "bench.h"

// Without `opaque`, clang turns the second call into a loop and GCC unrolls the tree into itself; either
// way a good half of the calls is gone.
__attribute__((noinline)) static uint32_t fib(uint32_t n) {
    if (n < 2)
        return n;
    uint32_t before = fib(n - 1);
    return before + opaque(fib(n - 2));
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 40);
    uint32_t sum = checksum_start;
    for (uint32_t i = 0; i < count; i++)
        sum = checksum(sum, fib(opaque(20 + i % 4)));
    printf("fib(20..23) %" PRIu32 " times: %08" PRIx32 "\n", count, sum);
    return 0;
}
