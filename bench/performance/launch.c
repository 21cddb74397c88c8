// Runs a program and appends to a file what it took: launch FILE PROGRAM [ARGUMENT...] writes "MICROSECONDS
// KIB", the CPU time and the largest resident size. Linux counts the memory of the process that started a
// program as the program's own until it executes, so a large interpreter can't measure a small program's.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc < 3)
        return 125;
    const pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(126);
    }
    int status;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) < 0)
        return 125;
    FILE* const out = fopen(argv[1], "a");
    if (out == NULL)
        return 125;
    const long long seconds = (long long)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
    fprintf(out, "%lld %ld\n", seconds * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec,
            usage.ru_maxrss);
    if (fclose(out) != 0)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
