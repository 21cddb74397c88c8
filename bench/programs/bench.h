// Shared by the benchmark programs: the command line, reproducible random numbers and a running checksum.
// Everything uses fixed-width integers, so a 64-bit native build prints the same as the 32-bit guest.
#ifndef WARPBEAM_BENCH_H
#define WARPBEAM_BENCH_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline uint32_t iterations(int argc, char** argv, uint32_t by_default) {
    if (argc < 2)
        return by_default;
    char* end;
    unsigned long count = strtoul(argv[1], &end, 10);
    if (end == argv[1] || *end != '\0' || count == 0 || count > 1000000000ul) {
        fprintf(stderr, "usage: %s [iterations]\n", argv[0]);
        exit(2);
    }
    return (uint32_t)count;
}

_Noreturn static inline void fail(const char* what) {
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

// Marsaglia's xorshift: any seed but zero will do.
static inline uint32_t next_random(uint32_t* state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static inline uint32_t random_below(uint32_t* state, uint32_t limit) {
    return (uint32_t)(((uint64_t)next_random(state) * limit) >> 32);
}

// FNV-1a, also over whole words where a byte at a time would outweigh the work being measured.
static const uint32_t checksum_start = 2166136261u;

static inline uint32_t checksum(uint32_t sum, uint32_t word) { return (sum ^ word) * 16777619u; }

static inline uint32_t checksum_bytes(uint32_t sum, const void* data, size_t size) {
    const uint8_t* bytes = data;
    for (size_t i = 0; i < size; i++)
        sum = checksum(sum, bytes[i]);
    return sum;
}

// Hides the origin of a value, where the optimiser would otherwise rewrite the very thing we measure.
static inline uint32_t opaque(uint32_t value) {
    __asm__("" : "+r"(value));
    return value;
}

#endif
