// LZ4 in memory: `compress` or `decompress`, and how often.
#include "prose.h"

#include <lz4.h>
#include <string.h>

enum { size = 1000000 };
static uint8_t input[size], unpacked[size];
static char packed[LZ4_COMPRESSBOUND(size)];

int main(int argc, char** argv) {
    const uint32_t count = iterations(argc - 1, argv + 1, 1);
    const int compresses = argc > 1 && strcmp(argv[1], "compress") == 0;
    uint32_t sum = checksum_start;
    write_prose(input, size);
    int packed_size = LZ4_compress_default((char*)input, packed, size, sizeof packed);
    for (uint32_t round = 0; round < count; round++) {
        if (compresses) {
            input[round] ^= 1;
            packed_size = LZ4_compress_default((char*)input, packed, size, sizeof packed);
            sum = checksum(sum, (uint32_t)packed_size);
        } else if (LZ4_decompress_safe(packed, (char*)unpacked, packed_size, size) != size) {
            fail("decompression");
        }
    }
    if (LZ4_decompress_safe(packed, (char*)unpacked, packed_size, size) != size ||
        memcmp(input, unpacked, size) != 0)
        fail("the text is another");
    printf("LZ4: %d bytes, %08" PRIx32 "\n", packed_size, sum);
    return 0;
}
