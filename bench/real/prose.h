// Text that compresses as prose does, the same everywhere.
#ifndef WARPBEAM_BENCH_PROSE_H
#define WARPBEAM_BENCH_PROSE_H

#include "../programs/bench.h"

// Few words are frequent and many are rare.
static inline void write_prose(uint8_t* out, size_t size) {
    enum { words = 2000, longest = 12 };
    static char vocabulary[words][longest + 1];
    uint32_t seed = 1;
    for (int w = 0; w < words; w++) {
        const uint32_t letters = 2 + random_below(&seed, longest - 1);
        for (uint32_t i = 0; i < letters; i++)
            vocabulary[w][i] = "etaoinshrdlucmfwypvbgkjqxz"[random_below(&seed, 1 + random_below(&seed, 26))];
    }
    for (size_t at = 0; at < size;) {
        const char* word = vocabulary[random_below(&seed, 1 + random_below(&seed, words))];
        while (*word != '\0' && at < size)
            out[at++] = (uint8_t)*word++;
        if (at < size)
            out[at++] = random_below(&seed, 12) == 0 ? '\n' : ' ';
    }
}

#endif
