// The little of a C library that the bench programs need which are built for 32- and 64-bit memories: there
// is none for wasm64 in Debian. Addresses in WASI's calls have the size of a pointer.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

struct piece {
    const char* data;
    size_t size;
};
IMPORT(fd_write) int fd_write(int descriptor, const struct piece* pieces, size_t count, size_t* written);
IMPORT(args_sizes_get) int args_sizes_get(size_t* count, size_t* size);
IMPORT(args_get) int args_get(char** pointers, char* text);
IMPORT(proc_exit) _Noreturn void proc_exit(int status);

int main(int argc, char** argv);

void exit(int status) { proc_exit(status); }

unsigned long strtoul(const char* text, char** end, int base) {
    (void)base;
    unsigned long number = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (unsigned long)(*text - '0');
    *end = (char*)(uintptr_t)text;
    return number;
}

// With bulk memory, clang makes a call of these builtins one instruction, memory.copy or memory.fill.
void* memcpy(void* to, const void* from, size_t size) { return __builtin_memcpy(to, from, size); }
void* memset(void* to, int value, size_t size) { return __builtin_memset(to, value, size); }

int memcmp(const void* left, const void* right, size_t size) {
    const unsigned char* a = left;
    const unsigned char* b = right;
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

int strcmp(const char* left, const char* right) {
    for (; *left != 0 && *left == *right; left++)
        right++;
    return (unsigned char)*left - (unsigned char)*right;
}

enum { line_size = 512 };
struct line {
    char text[line_size];
    size_t length;
};

static void put(struct line* line, char letter) {
    if (line->length == line_size)
        exit(3);
    line->text[line->length++] = letter;
}

static void put_number(struct line* line, unsigned long long number, unsigned base, int digits) {
    char reversed[24];
    int count = 0;
    do {
        reversed[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0 || count < digits);
    while (count > 0)
        put(line, reversed[--count]);
}

// Knows %s, %d, %u, %llu, and %x with a number of digits. Anything else ends the program.
static void put_formatted(struct line* line, const char* format, va_list arguments) {
    for (; *format != 0; format++) {
        if (*format != '%') {
            put(line, *format);
            continue;
        }
        int digits = 0;
        for (format++; *format >= '0' && *format <= '9'; format++)
            digits = digits * 10 + (*format - '0');
        if (memcmp(format, "llu", 3) == 0) {
            put_number(line, va_arg(arguments, unsigned long long), 10, digits);
            format += 2;
        } else if (*format == 'u') {
            put_number(line, va_arg(arguments, unsigned), 10, digits);
        } else if (*format == 'x') {
            put_number(line, va_arg(arguments, unsigned), 16, digits);
        } else if (*format == 'd') {
            const long long number = va_arg(arguments, int);
            if (number < 0)
                put(line, '-');
            put_number(line, (unsigned long long)(number < 0 ? -number : number), 10, digits);
        } else if (*format == 's') {
            for (const char* text = va_arg(arguments, const char*); *text != 0; text++)
                put(line, *text);
        } else {
            exit(3);
        }
    }
}

static int write_line(int stream, const char* format, va_list arguments) {
    struct line line = {.length = 0};
    put_formatted(&line, format, arguments);
    const struct piece piece = {line.text, line.length};
    size_t written;
    return fd_write(stream, &piece, 1, &written) == 0 ? (int)written : -1;
}

int printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int written = write_line(stdout, format, arguments);
    va_end(arguments);
    return written;
}

int fprintf(int stream, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int written = write_line(stream, format, arguments);
    va_end(arguments);
    return written;
}

__attribute__((export_name("_start"))) void start(void) {
    enum { most = 16 };
    static char* arguments[most + 1];
    static char text[1024];
    size_t count, size;
    if (args_sizes_get(&count, &size) != 0 || count > most || size > sizeof text ||
        args_get(arguments, text) != 0)
        exit(3);
    exit(main((int)count, arguments));
}
