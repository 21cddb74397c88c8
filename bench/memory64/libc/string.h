#ifndef WARPBEAM_BENCH_STRING_H
#define WARPBEAM_BENCH_STRING_H

#include <stddef.h>

void* memcpy(void* to, const void* from, size_t size);
void* memset(void* to, int value, size_t size);
int memcmp(const void* left, const void* right, size_t size);
int strcmp(const char* left, const char* right);

#endif
