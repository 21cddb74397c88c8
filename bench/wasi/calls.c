// Calls of WASI, many times: calls.wasm WAY COUNT [FILE]
//   puts   lines through the C library's buffer
//   write  lines without a buffer
//   open   opens, reads and closes FILE
//   cat    copies FILE, COUNT times
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buffer[65536];

static int copy(const char* path) {
    const int file = open(path, O_RDONLY);
    if (file < 0)
        return 1;
    for (ssize_t read_bytes; (read_bytes = read(file, buffer, sizeof buffer)) > 0;)
        if (write(STDOUT_FILENO, buffer, (size_t)read_bytes) != read_bytes)
            return 1;
    return close(file);
}

static int open_and_read(const char* path) {
    const int file = open(path, O_RDONLY);
    if (file < 0 || read(file, buffer, 64) <= 0)
        return 1;
    return close(file);
}

int main(int argc, char** argv) {
    if (argc < 3)
        return 2;
    const long count = strtol(argv[2], NULL, 10);
    for (long i = 0; i < count; ++i) {
        if (strcmp(argv[1], "puts") == 0)
            puts("a line");
        else if (strcmp(argv[1], "write") == 0  ? write(STDOUT_FILENO, "a line\n", 7) != 7
                 : argc < 4                     ? 1
                 : strcmp(argv[1], "open") == 0 ? open_and_read(argv[3])
                                                : copy(argv[3]))
            return 1;
    }
    return 0;
}
