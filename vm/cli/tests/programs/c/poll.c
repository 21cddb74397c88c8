// A server and a client, whose standard input and output are pipes to each other. Both wait in poll; what
// they saw goes to standard error.
//
//   poll server|client
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { requests = 20, pause_milliseconds = 50, patience_milliseconds = 20000 };

static void must(int holds, const char* what) {
    if (holds)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static int wait_for_input(int milliseconds) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    const int ready = poll(&input, 1, milliseconds);
    must(ready >= 0, "poll");
    return ready;
}

// A line, without its end; the messages are far shorter than a pipe's buffer. 0 at the end of the input.
static int read_line(char* line, size_t size) {
    size_t used = 0;
    for (;;) {
        must(wait_for_input(patience_milliseconds) == 1, "nothing arrived");
        const ssize_t got = read(0, line + used, 1);
        must(got >= 0, "read");
        if (got == 0)
            return 0;
        if (line[used] == '\n') {
            line[used] = '\0';
            return 1;
        }
        must(++used < size, "a long line");
    }
}

static void write_line(const char* line) {
    struct pollfd output = {.fd = 1, .events = POLLOUT};
    must(poll(&output, 1, patience_milliseconds) == 1 && (output.revents & POLLOUT), "no space for output");
    must(write(1, line, strlen(line)) == (ssize_t)strlen(line), "write");
}

static void serve(void) {
    char line[100], answer[120];
    int count = 0;
    while (read_line(line, sizeof line)) {
        ++count;
        snprintf(answer, sizeof answer, "%d: %s\n", count, line);
        write_line(answer);
    }
    fprintf(stderr, "server: %d requests\n", count);
}

static void ask(void) {
    char line[120];
    int early = 0;
    for (int i = 0; i < requests; ++i) {
        early += wait_for_input(pause_milliseconds);
        snprintf(line, sizeof line, "request %d\n", i * i);
        write_line(line);
        must(read_line(line, sizeof line), "the server ended");
        fprintf(stderr, "client: %s\n", line);
    }
    fprintf(stderr, "client: %d answers without a request\n", early);
}

int main(int argc, char** argv) {
    if (argc == 2 && strcmp(argv[1], "server") == 0)
        serve();
    else if (argc == 2 && strcmp(argv[1], "client") == 0)
        ask();
    else
        return 2;
    return 0;
}
