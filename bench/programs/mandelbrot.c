// The Mandelbrot set, four points at a time in vectors of f32: multiplications, comparisons, masks. Built
// with -msimd128; without it the compiler splits the vectors.
#include "bench.h"

#define width 128
#define height 96
#define limit 96

typedef float floats __attribute__((vector_size(16)));
typedef int32_t ints __attribute__((vector_size(16)));
typedef int64_t halves __attribute__((vector_size(16)));

static ints escape_time(floats re, floats im) {
    floats x = {0}, y = {0};
    ints count = {0};
    for (int i = 0; i < limit; i++) {
        floats xx = x * x, yy = y * y;
        ints inside = xx + yy <= 4.0f;
        halves any = (halves)inside;
        if ((any[0] | any[1]) == 0)
            break;
        count -= inside;
        y = 2.0f * x * y + im;
        x = xx - yy + re;
    }
    return count;
}

int main(int argc, char** argv) {
    uint32_t count = iterations(argc, argv, 3);
    uint32_t sum = checksum_start;
    float scale = 3.0f / width;
    for (uint32_t round = 0; round < count; round++) {
        for (int row = 0; row < height; row++) {
            float im = (float)(row - height / 2) * scale;
            for (int column = 0; column < width; column += 4) {
                floats re = {0, 1, 2, 3};
                re = (re + (float)(column - 2 * width / 3)) * scale;
                ints times = escape_time(re, (floats){im, im, im, im});
                for (int i = 0; i < 4; i++)
                    sum = checksum(sum, (uint32_t)times[i]);
            }
        }
        scale *= 0.99f;
    }
    printf("%" PRIu32 " pictures: %08" PRIx32 "\n", count, sum);
    return 0;
}
