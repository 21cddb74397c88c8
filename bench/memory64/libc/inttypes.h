#ifndef WARPBEAM_BENCH_INTTYPES_H
#define WARPBEAM_BENCH_INTTYPES_H

#include <stdint.h>

#define PRIu32 "u"
#define PRIx32 "x"
#define PRIu64 "llu"

#endif
