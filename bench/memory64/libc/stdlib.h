#ifndef WARPBEAM_BENCH_STDLIB_H
#define WARPBEAM_BENCH_STDLIB_H

_Noreturn void exit(int status);
/// Decimal digits only, whatever the base.
unsigned long strtoul(const char* text, char** end, int base);

#endif
