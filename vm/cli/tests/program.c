// A C program that uses everything we have of WASI, and prints the results; see command_test.py.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return -1;
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char** argv) {
    for (int i = 1; i < argc; i++)
        printf("argument %s\n", argv[i]);
    const char* variable = getenv("GREETING");
    printf("variable %s\n", variable ? variable : "(none)");
    printf("terminal %d %d\n", isatty(0), isatty(1));

    char line[64];
    while (fgets(line, sizeof line, stdin))
        printf("line %s", line);
    printf("end %d\n", feof(stdin) != 0);

    double before = seconds(CLOCK_MONOTONIC);
    struct timespec pause = {0, 3000000};
    nanosleep(&pause, NULL);
    double passed = seconds(CLOCK_MONOTONIC) - before;
    printf("slept %d\n", passed >= 0.003 && passed < 10);
    printf("date %d\n", seconds(CLOCK_REALTIME) > 1.7e9);

    unsigned char random[600] = {0};
    int some = 0;
    if (getentropy(random, 256) == 0)
        for (int i = 0; i < 256; i++)
            some |= random[i];
    printf("random %d\n", some != 0);

    printf("file %s\n", fopen("/etc/passwd", "r") ? "opened" : strerror(errno));
    printf("seek %d\n", fseek(stdout, 0, SEEK_SET));
    fprintf(stderr, "about to end\n");
    exit(argc);
}
