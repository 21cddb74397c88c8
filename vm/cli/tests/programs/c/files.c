// Makes, renames, reads and removes many files, below the directory that is its argument.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { files = 10000 };

static void fail(const char* what, const char* path) {
    fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static void must(int result, const char* what, const char* path) {
    if (result < 0)
        fail(what, path);
}

// Prints how many entries a directory has, and the sum of the numbers in their names.
static void list(const char* path) {
    DIR* directory = opendir(path);
    if (!directory)
        fail("opendir", path);
    long entries = 0, others = 0, sum = 0;
    for (struct dirent* entry; (entry = readdir(directory));) {
        const char* digits = strpbrk(entry->d_name, "0123456789");
        if (digits)
            ++entries, sum += atol(digits);
        else
            ++others;
    }
    closedir(directory);
    printf("%ld entries, sum %ld, and %ld others\n", entries, sum, others);
}

int main(int argc, char** argv) {
    if (argc != 2)
        return 2;
    char from[200], to[200], text[32], seen[32];
    snprintf(from, sizeof from, "%s/from", argv[1]);
    snprintf(to, sizeof to, "%s/to", argv[1]);
    must(mkdir(from, 0755), "mkdir", from);
    must(mkdir(to, 0755), "mkdir", to);

    for (int i = 0; i < files; ++i) {
        snprintf(from, sizeof from, "%s/from/file-%d", argv[1], i);
        const int file = open(from, O_CREAT | O_EXCL | O_WRONLY, 0644);
        must(file, "create", from);
        const int size = snprintf(text, sizeof text, "contents of %d\n", i);
        must((int)write(file, text, (size_t)size), "write", from);
        close(file);
    }
    snprintf(from, sizeof from, "%s/from", argv[1]);
    list(from);

    for (int i = 0; i < files; ++i) {
        snprintf(from, sizeof from, "%s/from/file-%d", argv[1], i);
        snprintf(to, sizeof to, "%s/to/moved-%d", argv[1], files - i);
        must(rename(from, to), "rename", to);
    }
    snprintf(from, sizeof from, "%s/from", argv[1]);
    snprintf(to, sizeof to, "%s/to", argv[1]);
    list(from);
    list(to);

    long bytes = 0, wrong = 0;
    for (int i = 0; i < files; ++i) {
        snprintf(to, sizeof to, "%s/to/moved-%d", argv[1], files - i);
        struct stat status;
        must(stat(to, &status), "stat", to);
        bytes += (long)status.st_size;
        const int file = open(to, O_RDONLY);
        must(file, "open", to);
        const ssize_t size = read(file, seen, sizeof seen);
        must((int)size, "read", to);
        close(file);
        snprintf(text, sizeof text, "contents of %d\n", i);
        wrong += (size_t)size != strlen(text) || memcmp(seen, text, (size_t)size) != 0;
    }
    printf("%ld bytes, %ld wrong\n", bytes, wrong);

    snprintf(to, sizeof to, "%s/to", argv[1]);
    printf("a full directory is removed: %d, %s\n", rmdir(to), strerror(errno));
    for (int i = 1; i <= files; ++i) {
        snprintf(to, sizeof to, "%s/to/moved-%d", argv[1], i);
        must(unlink(to), "unlink", to);
    }
    snprintf(to, sizeof to, "%s/to", argv[1]);
    list(to);
    must(rmdir(to), "rmdir", to);
    must(rmdir(from), "rmdir", from);
    printf("removed again: %d, %s\n", rmdir(from), strerror(errno));
    return 0;
}
