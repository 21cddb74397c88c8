// An LZ77 compressor and its decompressor, round trip checked: hashing, match search, byte copies.
//
// The stream is a sequence of commands. A byte below 128 says how many literals follow, less one; any other
// says how long a match is, less 128 and the shortest match, and two bytes of distance follow it.
#include "bench.h"

#include <string.h>

enum {
    input_size = 32768,
    worst_case = input_size + input_size / 128 + 1,
    shortest_match = 4,
    longest_match = shortest_match + 127,
    hash_bits = 12,
    longest_chain = 8,
};

static uint8_t input[input_size];
static uint8_t packed[worst_case];
static uint8_t unpacked[input_size];

// Positions are stored plus one, so that zero means "none".
static uint32_t head[1 << hash_bits];
static uint32_t previous[input_size];

static uint32_t load32(const uint8_t* p) {
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

static uint32_t hash_at(uint32_t at) { return load32(input + at) * 2654435761u >> (32 - hash_bits); }

static void remember(uint32_t at) {
    uint32_t slot = hash_at(at);
    previous[at] = head[slot];
    head[slot] = at + 1;
}

static uint32_t match_length(uint32_t at, uint32_t candidate) {
    uint32_t most = input_size - at < longest_match ? input_size - at : longest_match;
    uint32_t length = 0;
    while (length < most && input[at + length] == input[candidate + length])
        length++;
    return length;
}

static uint8_t* put_literals(uint8_t* out, uint32_t from, uint32_t to) {
    while (from < to) {
        uint32_t run = to - from < 128 ? to - from : 128;
        *out++ = (uint8_t)(run - 1);
        memcpy(out, input + from, run);
        out += run;
        from += run;
    }
    return out;
}

static uint32_t compress(void) {
    memset(head, 0, sizeof head);
    uint8_t* out = packed;
    uint32_t at = 0, pending = 0; // literals not yet written begin at `pending`
    while (at + shortest_match <= input_size) {
        uint32_t best = 0, distance = 0, candidate = head[hash_at(at)];
        for (int chain = 0; candidate != 0 && chain < longest_chain; chain++) {
            uint32_t length = match_length(at, candidate - 1);
            if (length > best && at - (candidate - 1) <= UINT16_MAX) {
                best = length;
                distance = at - (candidate - 1);
            }
            candidate = previous[candidate - 1];
        }
        if (best < shortest_match) {
            remember(at++);
            continue;
        }
        out = put_literals(out, pending, at);
        *out++ = (uint8_t)(128 + best - shortest_match);
        *out++ = (uint8_t)distance;
        *out++ = (uint8_t)(distance >> 8);
        for (uint32_t end = at + best; at < end; at++) {
            if (at + shortest_match <= input_size)
                remember(at);
        }
        pending = at;
    }
    return (uint32_t)(put_literals(out, pending, input_size) - packed);
}

static uint32_t decompress(uint32_t packed_size) {
    const uint8_t *in = packed, *end = packed + packed_size;
    uint8_t* out = unpacked;
    while (in < end) {
        uint32_t command = *in++;
        if (command < 128) {
            uint32_t run = command + 1;
            if (run > (size_t)(unpacked + input_size - out) || run > (size_t)(end - in))
                fail("literals within bounds");
            memcpy(out, in, run);
            out += run;
            in += run;
        } else {
            uint32_t length = command - 128 + shortest_match;
            uint32_t distance = in[0] | (uint32_t)in[1] << 8;
            in += 2;
            if (length > (size_t)(unpacked + input_size - out) || distance > (size_t)(out - unpacked))
                fail("match within bounds");
            // Source and destination may overlap: that is how a short pattern repeats.
            for (const uint8_t* from = out - distance; length > 0; length--)
                *out++ = *from++;
        }
    }
    return (uint32_t)(out - unpacked);
}

// Sentences of invented words with a few numbers: about as compressible as prose.
static void write_prose(uint32_t* seed) {
    static const char* const syllables[] = {"ba",  "ken", "ri", "tolo", "um",
                                            "ves", "dra", "in", "so",   "quel"};
    char words[256][16];
    for (int w = 0; w < 256; w++) {
        words[w][0] = '\0';
        for (uint32_t k = 1 + random_below(seed, 3); k > 0; k--)
            strcat(words[w], syllables[random_below(seed, 10)]);
    }
    uint32_t at = 0;
    while (at < input_size) {
        char word[20];
        uint32_t kind = random_below(seed, 16);
        // The smaller of two draws favours some words, as languages do.
        uint32_t a = random_below(seed, 256), b = random_below(seed, 256);
        if (kind == 0)
            snprintf(word, sizeof word, "%" PRIu32 " ", random_below(seed, 100000));
        else
            snprintf(word, sizeof word, "%s%s", words[a < b ? a : b], kind == 1 ? ". " : " ");
        for (const char* c = word; *c != '\0' && at < input_size; c++)
            input[at++] = (uint8_t)*c;
    }
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 15);
    uint32_t seed = 8128;
    uint32_t sum = checksum_start;
    uint64_t total = 0;
    write_prose(&seed);
    for (uint32_t round = 0; round < count; round++) {
        // Edits stay near the front, else many rounds would slowly turn the prose into noise.
        for (int edit = 0; edit < 64; edit++) {
            uint32_t at = random_below(&seed, 1024);
            input[at] = (uint8_t)next_random(&seed);
        }
        uint32_t size = compress();
        memset(unpacked, 0, sizeof unpacked);
        if (decompress(size) != input_size || memcmp(input, unpacked, input_size) != 0)
            fail("round trip");
        total += size;
        sum = checksum_bytes(sum, packed, size);
    }
    printf("%" PRIu64 " bytes became %" PRIu64 ": %08" PRIx32 "\n", (uint64_t)input_size * count, total, sum);
    return 0;
}
