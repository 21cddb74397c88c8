// The smallest program that prints something: what starting one takes.
#include <stdio.h>

int main(void) {
    puts("hello");
    return 0;
}
