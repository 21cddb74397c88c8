// bzip2 there and back, in memory.
#include "prose.h"

#include <bzlib.h>
#include <string.h>

enum { size = 400000 };
static uint8_t input[size], unpacked[size];
static char packed[size + size / 100 + 600];

void bz_internal_error(int code) { exit(code); }

int main(int argc, char** argv) {
    const uint32_t count = iterations(argc, argv, 1);
    uint32_t sum = checksum_start;
    write_prose(input, size);
    for (uint32_t round = 0; round < count; round++) {
        input[round % size] ^= 1;
        unsigned packed_size = sizeof packed;
        unsigned unpacked_size = size;
        if (BZ2_bzBuffToBuffCompress(packed, &packed_size, (char*)input, size, 9, 0, 30) != BZ_OK)
            fail("compression");
        if (BZ2_bzBuffToBuffDecompress((char*)unpacked, &unpacked_size, packed, packed_size, 0, 0) != BZ_OK ||
            unpacked_size != size || memcmp(input, unpacked, size) != 0)
            fail("decompression");
        sum = checksum_bytes(sum, packed, packed_size);
    }
    printf("bzip2: %08" PRIx32 "\n", sum);
    return 0;
}
