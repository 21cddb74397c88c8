// SHA-256 (FIPS 180-4) over a buffer that takes in its own digest: rotations and 32-bit arithmetic in long
// straight runs with many live values.
#include "bench.h"

#include <math.h>
#include <string.h>

typedef struct {
    uint32_t state[8];
    uint64_t length;
    uint8_t block[64];
} Sha256;

static uint32_t round_constant[64];
static uint32_t initial_state[8];

// The constants are the first 32 fraction bits of roots of primes: few enough for a double to hold exactly.
static uint32_t fraction_bits(double x) { return (uint32_t)((x - floor(x)) * 4294967296.0); }

static void make_constants(void) {
    uint32_t found = 0;
    for (uint32_t candidate = 2; found < 64; candidate++) {
        uint32_t divisor = 2;
        while (candidate % divisor != 0)
            divisor++;
        if (divisor != candidate)
            continue;
        if (found < 8)
            initial_state[found] = fraction_bits(sqrt(candidate));
        round_constant[found++] = fraction_bits(cbrt(candidate));
    }
}

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void compress(uint32_t state[8], const uint8_t* block) {
    uint32_t w[64];
    for (int t = 0; t < 16; t++) {
        const uint8_t* p = block + 4 * t;
        w[t] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
        uint32_t choose = (e & f) ^ (~e & g);
        uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        uint32_t t1 = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + choose + round_constant[t] + w[t];
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + majority;
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void begin(Sha256* sha) {
    memcpy(sha->state, initial_state, sizeof sha->state);
    sha->length = 0;
}

static void update(Sha256* sha, const uint8_t* data, size_t size) {
    size_t filled = sha->length % 64;
    sha->length += size;
    if (filled != 0) {
        size_t take = size < 64 - filled ? size : 64 - filled;
        memcpy(sha->block + filled, data, take);
        data += take, size -= take;
        if (filled + take < 64)
            return;
        compress(sha->state, sha->block);
    }
    for (; size >= 64; data += 64, size -= 64)
        compress(sha->state, data);
    memcpy(sha->block, data, size);
}

static void finish(Sha256* sha, uint8_t digest[32]) {
    uint8_t padding[72] = {0x80};
    uint64_t bits = sha->length * 8;
    size_t zeros = (119 - sha->length % 64) % 64;
    for (int i = 0; i < 8; i++)
        padding[1 + zeros + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
    update(sha, padding, 1 + zeros + 8);
    for (int i = 0; i < 32; i++)
        digest[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 400);
    make_constants();

    static const uint8_t digest_of_abc[4] = {0xba, 0x78, 0x16, 0xbf}; // FIPS 180-4's own example
    Sha256 sha;
    uint8_t digest[32];
    begin(&sha);
    update(&sha, (const uint8_t*)"abc", 3);
    finish(&sha, digest);
    if (memcmp(digest, digest_of_abc, sizeof digest_of_abc) != 0)
        fail("SHA-256 of \"abc\"");

    static uint8_t buffer[4000];
    uint32_t seed = 256;
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (uint8_t)next_random(&seed);
    for (uint32_t i = 0; i < count; i++) {
        begin(&sha);
        update(&sha, buffer, sizeof buffer / 3); // leaves a partial block for the second update
        update(&sha, buffer + sizeof buffer / 3, sizeof buffer - sizeof buffer / 3);
        finish(&sha, digest);
        memcpy(buffer + i % (sizeof buffer - sizeof digest), digest, sizeof digest);
    }

    for (size_t i = 0; i < sizeof digest; i++)
        printf("%02x", digest[i]);
    printf(" after %" PRIu32 " rounds\n", count);
    return 0;
}
