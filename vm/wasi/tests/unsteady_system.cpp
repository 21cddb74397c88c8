// Takes the place of the C library's functions in a program that it is linked to: system calls move fewer
// bytes than they could, or are interrupted, and a signal arrives every millisecond. POSIX allows all that,
// so the program must do the same as without.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr uint32_t first_number = 12345;
std::atomic<uint32_t> calls = first_number;

/// The same sequence in each run, as long as one thread calls.
uint32_t random_number() {
    const uint32_t number = calls.fetch_add(0x9e37'79b9, std::memory_order_relaxed) * 0x85eb'ca6b;
    return (number ^ number >> 15) * 0xc2b2'ae35 >> 8;
}

/// Whether this call is interrupted: one of four.
bool is_interrupted() {
    if (random_number() % 4 != 0)
        return false;
    errno = EINTR;
    return true;
}

/// How many of these bytes this call moves; never none of some. The guests of most tests read and write their
/// standard streams at once; with UNSTEADY_SIZES=all in the environment, these are cut short, too; with
/// UNSTEADY_SIZES=whole, nothing is.
size_t shortened(int file, size_t size) {
    static const char* const sizes = std::getenv("UNSTEADY_SIZES");
    static const int first = sizes == nullptr                   ? STDERR_FILENO + 1
                             : std::string_view{sizes} == "all" ? STDIN_FILENO
                                                                : INT_MAX;
    return size < 2 || file < first || random_number() % 2 == 0
               ? size
               : 1 + random_number() % (size < 100 ? size : 100);
}

/// A system call that is interrupted, or made.
template <typename... Args>
long called(long number, Args... args) {
    return is_interrupted() ? -1 : ::syscall(number, args...);
}

void on_signal(int) {}

/// Signals from now on, for the whole process.
[[gnu::constructor]] void start() {
    struct sigaction action{};
    action.sa_handler = on_signal;
    // What the C library writes by itself, as printf does, is not tried again after a signal.
    action.sa_flags = SA_RESTART;
    (void)::sigaction(SIGUSR2, &action, nullptr);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR2;
    timer_t timer{};
    constexpr itimerspec each_millisecond{{0, 1'000'000}, {0, 1'000'000}};
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        ::timer_settime(timer, 0, &each_millisecond, nullptr) != 0)
        std::abort();
}

/// A program whose calls do not come here, as with other names for them, would test nothing.
[[gnu::destructor]] void end() {
    const char* const sizes = std::getenv("UNSTEADY_SIZES");
    if (sizes != nullptr && std::string_view{sizes} == "whole" && calls == first_number)
        std::abort();
}

} // namespace

extern "C" {

int accept4(int file, sockaddr* address, socklen_t* size, int flags) {
    return static_cast<int>(called(SYS_accept4, file, address, size, flags));
}

ssize_t recvmsg(int file, msghdr* message, int flags) { return called(SYS_recvmsg, file, message, flags); }

ssize_t send(int file, const void* from, size_t size, int flags) {
    return called(SYS_sendto, file, from, size, flags, nullptr, 0);
}

ssize_t read(int file, void* into, size_t size) {
    return called(SYS_read, file, into, shortened(file, size));
}

ssize_t write(int file, const void* from, size_t size) {
    return called(SYS_write, file, from, shortened(file, size));
}

ssize_t pread(int file, void* into, size_t size, off_t offset) {
    return called(SYS_pread64, file, into, shortened(file, size), offset);
}

ssize_t pwrite(int file, const void* from, size_t size, off_t offset) {
    return called(SYS_pwrite64, file, from, shortened(file, size), offset);
}

// Of several parts the first only, which may be all that a call moves.
ssize_t readv(int file, const iovec* parts, int count) {
    return count == 0 ? 0 : ::read(file, parts->iov_base, parts->iov_len);
}

ssize_t writev(int file, const iovec* parts, int count) {
    return count == 0 ? 0 : ::write(file, parts->iov_base, parts->iov_len);
}

ssize_t preadv(int file, const iovec* parts, int count, off_t offset) {
    return count == 0 ? 0 : ::pread(file, parts->iov_base, parts->iov_len, offset);
}

ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) {
    return count == 0 ? 0 : ::pwrite(file, parts->iov_base, parts->iov_len, offset);
}

int ppoll(pollfd* files, nfds_t count, const timespec* timeout, const sigset_t* mask) {
    timespec time = timeout != nullptr ? *timeout : timespec{};
    return static_cast<int>(
        called(SYS_ppoll, files, count, timeout != nullptr ? &time : nullptr, mask, sizeof(uint64_t)));
}

int poll(pollfd* files, nfds_t count, int timeout) {
    const timespec time{timeout / 1000, timeout % 1000 * 1'000'000L};
    return ::ppoll(files, count, timeout < 0 ? nullptr : &time, nullptr);
}

int open(const char* path, int flags, ...) {
    std::va_list more;
    va_start(more, flags);
    const bool creates = (flags & (O_CREAT | O_TMPFILE)) != 0;
    const unsigned mode = creates ? va_arg(more, unsigned) : 0;
    va_end(more);
    return ::openat(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char* path, int flags, ...) {
    std::va_list more;
    va_start(more, flags);
    const bool creates = (flags & (O_CREAT | O_TMPFILE)) != 0;
    const unsigned mode = creates ? va_arg(more, unsigned) : 0;
    va_end(more);
    return static_cast<int>(called(SYS_openat, folder, path, flags, mode));
}

int fsync(int file) { return static_cast<int>(called(SYS_fsync, file)); }

int fdatasync(int file) { return static_cast<int>(called(SYS_fdatasync, file)); }

int ftruncate(int file, off_t size) { return static_cast<int>(called(SYS_ftruncate, file, size)); }

int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) {
    if (is_interrupted()) {
        if (left != nullptr)
            *left = *time;
        return EINTR;
    }
    return ::syscall(SYS_clock_nanosleep, clock, flags, time, left) == 0 ? 0 : errno;
}

int nanosleep(const timespec* time, timespec* left) {
    errno = ::clock_nanosleep(CLOCK_MONOTONIC, 0, time, left);
    return errno == 0 ? 0 : -1;
}

} // extern "C"
