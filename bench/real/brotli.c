// Brotli there and back, in memory, at quality 5.
#include "prose.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <string.h>

enum { size = 400000 };
static uint8_t input[size], unpacked[size], packed[size + 1024];

int main(int argc, char** argv) {
    const uint32_t count = iterations(argc, argv, 1);
    uint32_t sum = checksum_start;
    write_prose(input, size);
    for (uint32_t round = 0; round < count; round++) {
        input[round % size] ^= 1;
        size_t packed_size = sizeof packed;
        size_t unpacked_size = size;
        if (!BrotliEncoderCompress(5, 18, BROTLI_MODE_GENERIC, size, input, &packed_size, packed))
            fail("compression");
        if (BrotliDecoderDecompress(packed_size, packed, &unpacked_size, unpacked) !=
                BROTLI_DECODER_RESULT_SUCCESS ||
            unpacked_size != size || memcmp(input, unpacked, size) != 0)
            fail("decompression");
        sum = checksum_bytes(sum, packed, packed_size);
    }
    printf("Brotli: %08" PRIx32 "\n", sum);
    return 0;
}
