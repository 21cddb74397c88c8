// What programs for Unix want and wasi-libc does not have. Included before each of their files. Owners, modes
// and locks do nothing and say that all is well, as on a file system that has none.
#include <sys/stat.h>
#include <unistd.h>

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define F_GETLK 5
#define F_SETLK 6

static inline int fchmod(int file, mode_t mode) {
    (void)file, (void)mode;
    return 0;
}

static inline int chmod(const char* path, mode_t mode) {
    (void)path, (void)mode;
    return 0;
}

static inline int chown(const char* path, uid_t owner, gid_t group) {
    (void)path, (void)owner, (void)group;
    return 0;
}

static inline int fchown(int file, uid_t owner, gid_t group) {
    (void)file, (void)owner, (void)group;
    return 0;
}

static inline uid_t geteuid(void) {
    return 1; // not root, who would give files to their folders' owners
}
