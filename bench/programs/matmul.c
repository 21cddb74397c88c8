// Dense products of f64 matrices, the plain triple loop: floating multiply-add with strided loads.
#include "bench.h"

#include <string.h>

#define n 80

static double left[n][n], right[n][n], product[n][n];

static void multiply(void) {
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            double dot = 0;
            for (int k = 0; k < n; k++)
                dot += left[i][k] * right[k][j];
            product[i][j] = dot;
        }
    }
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 15);
    uint32_t seed = 20240229;
    // The rows of `right` sum to less than one, so that repeated products neither overflow nor fade away.
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            left[i][j] = random_below(&seed, 1000) / 8.0;
            right[i][j] = random_below(&seed, 1000) / (n * 1000.0);
        }
    }

    for (uint32_t round = 0; round < count; round++) {
        multiply();
        memcpy(left, product, sizeof left);
        for (int i = 0; i < n; i++)
            left[i][(i * 7 + (int)(round % n)) % n] += 1000.0 + i;
    }

    double trace = 0;
    for (int i = 0; i < n; i++)
        trace += product[i][i];
    uint32_t sum = checksum_bytes(checksum_start, product, sizeof product);
    printf("trace %.9f after %" PRIu32 " products: %08" PRIx32 "\n", trace, count, sum);
    return 0;
}
