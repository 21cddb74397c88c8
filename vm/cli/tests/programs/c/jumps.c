// Jumps out of deep calls, past other targets, and again and again to the same one.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf outer;
static jmp_buf inner;

static void descend(int depth, jmp_buf target, int value) {
    if (depth == 0)
        longjmp(target, value);
    descend(depth - 1, target, value);
    puts("never");
}

static void pass_by(int value) {
    if (setjmp(inner) == 0)
        descend(50, outer, value); // goes past this function
    puts("never");
}

int main(void) {
    volatile int local = 7;
    const int first = setjmp(outer);
    if (first == 0) {
        local = 8;
        descend(100, outer, 42);
    }
    printf("value %d, local %d\n", first, local);

    const int second = setjmp(outer);
    if (second == 0)
        pass_by(43);
    printf("past another target: %d\n", second);

    // 0 becomes 1.
    const int third = setjmp(inner);
    if (third == 0)
        longjmp(inner, 0);
    printf("zero is %d\n", third);

    volatile long sum = 0;
    volatile int round = 0;
    const int counted = setjmp(inner);
    sum += counted;
    if (++round < 10000)
        descend(round % 10, inner, round);
    printf("%d jumps, sum %ld\n", round, sum);

    // Two targets in one function.
    volatile int steps = 0;
    if (setjmp(outer) == 0) {
        if (setjmp(inner) == 0)
            longjmp(inner, 1);
        steps += 10;
        longjmp(outer, 1);
    }
    steps += 1;
    printf("steps %d\n", steps);
    return 0;
}
