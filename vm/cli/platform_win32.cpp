#include "platform.hpp"

#ifdef _WIN32

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <io.h>
#include <mutex>
#include <sys/stat.h>
#include <system_error>
#include <utility>
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

namespace warpbeam::cli {
namespace {

/// Handlers run on threads of the system. They hold this lock, and so does what sets them: a handler that was
/// replaced runs no more.
std::recursive_mutex lock;
Handler ctrl_c = nullptr;
Handler time_handler = nullptr;
HANDLE timer = nullptr;

HANDLE handle_of(StandardStream stream) noexcept {
    constexpr DWORD handles[] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};
    return GetStdHandle(handles[static_cast<size_t>(stream)]);
}

BOOL WINAPI on_control(DWORD event) noexcept {
    const std::lock_guard held{lock};
    if ((event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) || ctrl_c == nullptr)
        return FALSE; // then the process ends
    const Handler handler = std::exchange(ctrl_c, nullptr);
    handler();
    return TRUE;
}

/// Which timer is the current one: one that was deleted may still come.
uintptr_t timer_number = 0;

void CALLBACK on_timer(void* number, BOOLEAN) noexcept {
    const std::lock_guard held{lock};
    if (time_handler != nullptr && reinterpret_cast<uintptr_t>(number) == timer_number)
        time_handler();
}

/// Makes the system's error errno.
bool fail() noexcept {
    errno = std::system_category().default_error_condition(static_cast<int>(GetLastError())).value();
    return false;
}

} // namespace

void prepare_process() noexcept {
    // The C runtime would end the process at a stream that isn't open.
    (void)::_set_invalid_parameter_handler(
        [](const wchar_t*, const wchar_t*, const wchar_t*, unsigned, uintptr_t) {});
    for (int stream = 0; stream < 3; ++stream)
        (void)::_setmode(stream, _O_BINARY);
    (void)SetConsoleOutputCP(CP_UTF8);
    (void)SetConsoleCP(CP_UTF8);
    // Once and without our lock, since the system calls the handler with a lock of its own.
    (void)SetConsoleCtrlHandler(on_control, TRUE);
}

bool is_terminal(StandardStream stream) noexcept {
    DWORD mode = 0;
    return GetConsoleMode(handle_of(stream), &mode) != 0;
}

bool has_no_reader() noexcept {
    DWORD count = 0;
    const HANDLE output = handle_of(StandardStream::out);
    return GetFileType(output) == FILE_TYPE_PIPE && WriteFile(output, "", 0, &count, nullptr) == 0;
}

std::optional<size_t> read_input(std::span<uint8_t> into) noexcept {
    DWORD count = 0;
    if (ReadFile(handle_of(StandardStream::in), into.data(), static_cast<DWORD>(into.size()), &count,
                 nullptr) != 0)
        return count;
    return GetLastError() == ERROR_BROKEN_PIPE ? std::optional<size_t>{0} : std::nullopt;
}

std::optional<size_t> write_output(StandardStream stream, std::span<const uint8_t> bytes) noexcept {
    constexpr size_t max_bytes = 1 << 30;
    DWORD count = 0;
    return WriteFile(handle_of(stream), bytes.data(), static_cast<DWORD>(std::min(bytes.size(), max_bytes)),
                     &count, nullptr) != 0
               ? std::optional<size_t>{count}
               : std::nullopt;
}

std::optional<size_t> is_input_ready(bool waits) noexcept {
    const HANDLE input = handle_of(StandardStream::in);
    DWORD count = 0;
    // A read from anything else gives a byte at once; and one that has to wait may do so.
    if (waits || GetFileType(input) != FILE_TYPE_PIPE)
        return 1;
    if (PeekNamedPipe(input, nullptr, 0, nullptr, &count, nullptr) != 0)
        return count != 0;
    return GetLastError() == ERROR_BROKEN_PIPE ? std::optional<size_t>{1} : std::nullopt;
}

std::string system_error() { return std::system_category().message(static_cast<int>(GetLastError())); }

void end_process(std::string_view message, int status) noexcept {
    write_error(message);
    ::_exit(status);
}

uint64_t process_number() noexcept { return GetCurrentProcessId(); }

char** environment() noexcept { return _environ; }

bool is_writable(const char* path) noexcept {
    return ::_access(path, 2) == 0; // only whether it is there: who may write is known when a file is made
}

std::FILE* create_file(const char* path, bool) noexcept {
    // Who can read it, the folder says: those of a user are the user's alone.
    const int descriptor =
        ::_open(path, _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY | _O_NOINHERIT, _S_IREAD | _S_IWRITE);
    return descriptor >= 0 ? ::_fdopen(descriptor, "wb") : nullptr;
}

bool take_permissions(std::FILE*, const char*) noexcept { return true; } // the folder says

bool write_through(std::FILE* file) noexcept {
    return std::fflush(file) == 0 && ::_commit(::_fileno(file)) == 0;
}

bool replace_file(const char* from, const char* to) noexcept {
    return MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING) != 0 || fail();
}

void on_ctrl_c(Handler handler) noexcept {
    const std::lock_guard held{lock};
    ctrl_c = handler;
}

void on_time(std::chrono::microseconds after, Handler handler) noexcept {
    const std::lock_guard held{lock};
    if (timer != nullptr)
        (void)DeleteTimerQueueTimer(nullptr, std::exchange(timer, nullptr), nullptr); // not waiting for it
    time_handler = after.count() != 0 ? handler : nullptr;
    constexpr int64_t max_milliseconds = UINT32_MAX - 1;
    const int64_t milliseconds = std::min((after.count() + 999) / 1000, max_milliseconds);
    if (after.count() != 0)
        (void)CreateTimerQueueTimer(&timer, nullptr, on_timer, reinterpret_cast<void*>(++timer_number),
                                    static_cast<DWORD>(milliseconds), 0, WT_EXECUTEONLYONCE);
}

bool on_user_signal(Handler) noexcept { return false; }

} // namespace warpbeam::cli

#endif
