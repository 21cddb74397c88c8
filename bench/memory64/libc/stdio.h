#ifndef WARPBEAM_BENCH_STDIO_H
#define WARPBEAM_BENCH_STDIO_H

// Streams are file descriptors.
#define stdout 1
#define stderr 2

__attribute__((format(printf, 1, 2))) int printf(const char* format, ...);
__attribute__((format(printf, 2, 3))) int fprintf(int stream, const char* format, ...);

#endif
