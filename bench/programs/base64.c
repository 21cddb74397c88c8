// Encodes and decodes Base64, sixteen characters at a time: shuffles of bytes, comparisons into masks, shifts
// of lanes of different widths. Built with -msimd128; without it the compiler splits the vectors.
#include "bench.h"

#include <string.h>

typedef uint8_t bytes __attribute__((vector_size(16)));
typedef int8_t signed_bytes __attribute__((vector_size(16)));
typedef uint32_t words __attribute__((vector_size(16)));

#define groups 1024
#define text_size (16 * groups)
#define data_size (12 * groups)

static uint8_t data[data_size + 4], decoded[data_size + 4], text[text_size];

static bytes load(const uint8_t* from) {
    bytes loaded;
    memcpy(&loaded, from, sizeof loaded);
    return loaded;
}

static bytes all(uint8_t value) { return (bytes){0} + value; }

// `value` where it lies between the bounds, zero elsewhere.
static bytes where(bytes number, uint8_t least, uint8_t largest, bytes value) {
    return (bytes)((number >= all(least)) & (number <= all(largest))) & value;
}

// Twelve bytes become sixteen numbers below 64, and these become characters.
static bytes encoded(bytes from) {
    const words of_three =
        (words)__builtin_shufflevector(from, from, 2, 1, 0, 0, 5, 4, 3, 3, 8, 7, 6, 6, 11, 10, 9, 9);
    const bytes number = (bytes)((of_three >> 18 & 63) | (of_three >> 4 & 63 << 8) |
                                 (of_three << 10 & 63 << 16) | (of_three & 63) << 24);
    return number + where(number, 0, 25, all('A')) + where(number, 26, 51, all('a' - 26)) +
           where(number, 52, 61, all((uint8_t)('0' - 52))) + where(number, 62, 62, all((uint8_t)('+' - 62))) +
           where(number, 63, 63, all((uint8_t)('/' - 63)));
}

// The inverse; the bits of `wrong` are set where a character belongs to no number.
static bytes decoded_group(bytes from, bytes* wrong) {
    const bytes upper = where(from, 'A', 'Z', all((uint8_t)-'A')),
                lower = where(from, 'a', 'z', all((uint8_t)(26 - 'a'))),
                digit = where(from, '0', '9', all(52 - '0')), plus = where(from, '+', '+', all(62 - '+')),
                slash = where(from, '/', '/', all(63 - '/'));
    const bytes shift = upper | lower | digit | plus | slash;
    *wrong |= (bytes)(shift == all(0));
    const words number = (words)(from + shift);
    const words three =
        (number & 63) << 18 | (number & 63 << 8) << 4 | (number >> 10 & 63 << 6) | number >> 24;
    const bytes parts = (bytes)three;
    return __builtin_shufflevector(parts, parts, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 3, 7, 11, 15);
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 200);
    uint32_t seed = 19670412;
    for (uint32_t i = 0; i < data_size; i++)
        data[i] = (uint8_t)random_below(&seed, 256);
    uint32_t sum = checksum_start;
    bytes wrong = all(0);
    for (uint32_t round = 0; round < count; round++) {
        for (uint32_t group = 0; group < groups; group++) {
            const bytes characters = encoded(load(data + 12 * group));
            memcpy(text + 16 * group, &characters, sizeof characters);
        }
        for (uint32_t group = 0; group < groups; group++) {
            const bytes part = decoded_group(load(text + 16 * group), &wrong);
            memcpy(decoded + 12 * group, &part, sizeof part);
        }
        if (memcmp(data, decoded, data_size) != 0)
            fail("decoded data differs");
        data[round % data_size] ^= text[round % text_size];
        sum = checksum(sum, text[round * 7 % text_size]);
    }
    for (size_t i = 0; i < sizeof wrong; i++)
        if (((uint8_t*)&wrong)[i] != 0)
            fail("a character that encodes nothing");
    printf("%" PRIu32 " times encoded and decoded: %08" PRIx32 "\n", count,
           checksum_bytes(sum, text, text_size));
    return 0;
}
