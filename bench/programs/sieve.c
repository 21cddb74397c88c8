// The sieve of Eratosthenes over a byte per odd number: strided byte stores and a counting scan.
#include "bench.h"

#include <string.h>

enum { limit = 400000 };
static uint8_t composite[limit / 2]; // composite[i] is about the odd number 2 * i + 1

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 20);
    uint32_t sum = checksum_start;
    uint32_t primes = 0;
    for (uint32_t round = 0; round < count; round++) {
        uint32_t slots = (limit - round % 1024) / 2;
        memset(composite, 0, slots);
        for (uint32_t i = 1; 2 * i * (i + 1) < slots; i++) {
            if (composite[i])
                continue;
            uint32_t step = 2 * i + 1;
            for (uint32_t j = 2 * i * (i + 1); j < slots; j += step)
                composite[j] = 1;
        }
        primes = 1;
        for (uint32_t i = 1; i < slots; i++) {
            if (!composite[i]) {
                primes++;
                sum += i;
            }
        }
        sum = checksum(sum, primes);
    }
    printf("%" PRIu32 " primes in the last of %" PRIu32 " sieves: %08" PRIx32 "\n", primes, count, sum);
    return 0;
}
