#include "platform.hpp"

#ifndef _WIN32

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

extern char** environ; // macOS declares it nowhere

namespace warpbeam::cli {
namespace {

std::atomic<Handler> ctrl_c = nullptr;
std::atomic<Handler> alarm_handler = nullptr;
std::atomic<Handler> user_signal = nullptr;
static_assert(std::atomic<Handler>::is_always_lock_free);

void on_signal(int signal) {
    const Handler handler = signal == SIGINT ? ctrl_c : signal == SIGALRM ? alarm_handler : user_signal;
    if (handler != nullptr)
        handler();
}

void set_action(int signal, void (*handler)(int), int flags) noexcept {
    struct sigaction action{};
    action.sa_handler = handler;
    action.sa_flags = flags;
    (void)::sigaction(signal, &action, nullptr);
}

/// Repeats a system call that a signal interrupted.
template <typename Call>
auto retried(Call call) noexcept {
    for (;;)
        if (const auto done = call(); done >= 0 || errno != EINTR)
            return done;
}

std::optional<size_t> count(ssize_t result) noexcept {
    return result >= 0 ? std::optional{static_cast<size_t>(result)} : std::nullopt;
}

} // namespace

void prepare_process() noexcept { (void)std::signal(SIGPIPE, SIG_IGN); }

bool is_terminal(StandardStream stream) noexcept { return ::isatty(static_cast<int>(stream)) == 1; }

bool has_no_reader() noexcept {
    pollfd output{STDOUT_FILENO, POLLOUT, 0};
    return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

std::optional<size_t> read_input(std::span<uint8_t> into) noexcept {
    for (;;) {
        const auto size = count(::read(STDIN_FILENO, into.data(), into.size()));
        if (size || (errno != EINTR && errno != EAGAIN))
            return size;
        if (errno == EAGAIN) // another process has read what was there
            (void)is_input_ready(true);
    }
}

std::optional<size_t> write_output(StandardStream stream, std::span<const uint8_t> bytes) noexcept {
    return count(retried([&] { return ::write(static_cast<int>(stream), bytes.data(), bytes.size()); }));
}

std::optional<size_t> is_input_ready(bool waits) noexcept {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&input, 1, waits ? -1 : 0);
    return ready < 0 && errno == EINTR ? std::optional<size_t>{0} : count(ready);
}

std::string system_error() { return std::strerror(errno); }

void end_process(std::string_view message, int status) noexcept {
    write_error(message);
    ::_exit(status);
}

uint64_t process_number() noexcept { return static_cast<uint64_t>(::getpid()); }

char** environment() noexcept { return environ; }

bool is_writable(const char* path) noexcept { return ::access(path, W_OK) == 0; }

std::FILE* create_file(const char* path, bool is_private) noexcept {
    const int descriptor = retried(
        [&] { return ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_private ? 0600 : 0666); });
    return descriptor >= 0 ? ::fdopen(descriptor, "wb") : nullptr;
}

bool take_permissions(std::FILE* file, const char* other) noexcept {
    struct stat mine{}, its{};
    if (::fstat(::fileno(file), &mine) != 0 || ::stat(other, &its) != 0)
        return false;
    if (mine.st_uid != its.st_uid || mine.st_gid != its.st_gid || its.st_nlink != 1) {
        errno = EPERM;
        return false;
    }
    return ::fchmod(::fileno(file), its.st_mode & 0777) == 0;
}

bool write_through(std::FILE* file) noexcept {
    return std::fflush(file) == 0 && retried([&] { return ::fsync(::fileno(file)); }) == 0;
}

bool replace_file(const char* from, const char* to) noexcept { return std::rename(from, to) == 0; }

void on_ctrl_c(Handler handler) noexcept {
    ctrl_c = handler;
    set_action(SIGINT, handler != nullptr ? on_signal : SIG_DFL, static_cast<int>(SA_RESETHAND));
}

void on_time(std::chrono::microseconds after, Handler handler) noexcept {
    const itimerval timer{{},
                          {static_cast<time_t>(after.count() / 1'000'000),
                           static_cast<suseconds_t>(after.count() % 1'000'000)}};
    alarm_handler = handler;
    set_action(SIGALRM, on_signal, 0);
    (void)::setitimer(ITIMER_REAL, &timer, nullptr);
}

bool on_user_signal(Handler handler) noexcept {
    user_signal = handler;
    set_action(SIGUSR1, on_signal, 0);
    return true;
}

} // namespace warpbeam::cli

#endif
