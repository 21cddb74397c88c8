// Blurs a picture of bytes with a 3 x 3 kernel, sixteen pixels at a time: unaligned loads, widening and
// narrowing lanes, shifts. Built with -msimd128; without it the compiler splits the vectors.
#include "bench.h"

#include <string.h>

#define width 256
#define height 128
#define lanes 16

typedef uint8_t bytes __attribute__((vector_size(16)));
typedef uint16_t shorts __attribute__((vector_size(16)));
typedef uint8_t half __attribute__((vector_size(8)));

// A border on all sides, which stays unchanged.
static uint8_t picture[height + 2][width + 2 * lanes], sums[height + 2][width + 2 * lanes];

typedef struct {
    shorts low, high;
} wide;

static wide load(const uint8_t* from) {
    half low, high;
    memcpy(&low, from, sizeof low);
    memcpy(&high, from + sizeof low, sizeof high);
    return (wide){__builtin_convertvector(low, shorts), __builtin_convertvector(high, shorts)};
}

static void store(uint8_t* to, wide from) {
    half low = __builtin_convertvector(from.low, half), high = __builtin_convertvector(from.high, half);
    memcpy(to, &low, sizeof low);
    memcpy(to + sizeof low, &high, sizeof high);
}

// (a + 2 b + c + 2) / 4
static wide mix(wide a, wide b, wide c) {
    return (wide){(a.low + b.low + b.low + c.low + 2) >> 2, (a.high + b.high + b.high + c.high + 2) >> 2};
}

static void blur(void) {
    for (int y = 1; y <= height; y++)
        for (int x = lanes; x < width + lanes; x += lanes)
            store(&sums[y][x], mix(load(&picture[y][x - 1]), load(&picture[y][x]), load(&picture[y][x + 1])));
    for (int x = lanes; x < width + lanes; x += lanes)
        for (int y = 1; y <= height; y++)
            store(&picture[y][x], mix(load(&sums[y - 1][x]), load(&sums[y][x]), load(&sums[y + 1][x])));
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 40);
    uint32_t seed = 19670412;
    for (int y = 0; y < height + 2; y++)
        for (int x = 0; x < width + 2 * lanes; x++)
            picture[y][x] = (uint8_t)random_below(&seed, 256);
    for (uint32_t round = 0; round < count; round++) {
        blur();
        picture[1 + round % height][lanes + round * 7 % width] ^= 255;
    }
    uint32_t sum = checksum_bytes(checksum_start, picture, sizeof picture);
    printf("%" PRIu32 " times blurred: %08" PRIx32 "\n", count, sum);
    return 0;
}
