// A C program that traps in different ways; see command_test.py, which looks for the marked lines.
#include <stdio.h>
#include <string.h>

static inline void check(int n) {
    if (n == 1)
        __builtin_trap(); // line: check
}

// Overflows the C stack.
__attribute__((noinline)) static int deep(int n, char* caller) {
    char own[1000];
    memset(own, n, sizeof own);
    if (n > 0)
        deep(n - 1, own); // line: deep
    return caller[0] += own[n % 1000];
}

int main(int argc, char** argv) {
    char own[10] = {0};
    check(argc); // line: main
    return deep(100000, own) + (int)strlen(argv[0]);
}
