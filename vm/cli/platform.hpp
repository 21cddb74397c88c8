#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What the command itself asks the operating system for: platform_posix.cpp and platform_win32.cpp.

namespace warpbeam::cli {

/// Sets the process up, before anything is printed: writing to a closed pipe is an error and not a signal,
/// and the standard streams carry bytes as they are.
void prepare_process() noexcept;

enum class StandardStream : uint8_t { in, out, err };
[[nodiscard]] bool is_terminal(StandardStream stream) noexcept;
/// Whether standard output is a pipe without a reader, such as one to `head`.
[[nodiscard]] bool has_no_reader() noexcept;

// The rest of these three work below the C library. They return the number of bytes, or nothing after an
// error, which `system_error` describes.
/// Waits for at least a byte; 0 at the end.
[[nodiscard]] std::optional<size_t> read_input(std::span<uint8_t> into) noexcept;
[[nodiscard]] std::optional<size_t> write_output(StandardStream stream,
                                                 std::span<const uint8_t> bytes) noexcept;
/// Whether there is something to read, or the input has ended: 1 or 0. With `waits` it waits for that, but
/// may return before.
[[nodiscard]] std::optional<size_t> is_input_ready(bool waits) noexcept;

/// What the system said last of one of the three, or of a function of the library.
[[nodiscard]] std::string system_error();

/// Writes a text to standard error, whatever signals arrive, as far as that can be written to. It may be
/// called anywhere, also when memory has run out.
inline void write_error(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto written =
            write_output(StandardStream::err, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
        if (written.value_or(0) == 0)
            break;
        text.remove_prefix(*written);
    }
}
/// Ends the process at once, with a message on standard error. It may be called anywhere, also when memory
/// has run out.
[[noreturn]] void end_process(std::string_view message, int status) noexcept;

[[nodiscard]] uint64_t process_number() noexcept;
/// The environment variables, as `name=value`; the last pointer is null.
[[nodiscard]] char** environment() noexcept;

// ---- Files. After a failure, errno says why. ----

/// Whether a file can be written to, or files can be made in a folder.
[[nodiscard]] bool is_writable(const char* path) noexcept;
/// Makes a file that was not there, which only its owner can read, or with the permissions of any new file.
/// Null if it fails.
[[nodiscard]] std::FILE* create_file(const char* path, bool is_private) noexcept;
/// Gives a file the permissions of another one. False if it fails, or if the other one has another owner,
/// group or further names.
[[nodiscard]] bool take_permissions(std::FILE* file, const char* other) noexcept;
/// Waits until all that was written is on the medium.
[[nodiscard]] bool write_through(std::FILE* file) noexcept;
/// Gives a file a name, and replaces the file that has it. False if it fails.
[[nodiscard]] bool replace_file(const char* from, const char* to) noexcept;

// ---- What comes from outside. Handlers do only what a signal handler may do. ----

using Handler = void (*)() noexcept;

/// Calls the handler at the next Ctrl-C; null makes Ctrl-C end the process again. So does a second Ctrl-C.
void on_ctrl_c(Handler handler) noexcept;
/// Calls the handler after that time, and forgets what was to be called before; 0 is never. A handler may
/// call this.
void on_time(std::chrono::microseconds after, Handler handler) noexcept;
/// Calls the handler at the signal USR1; false if the system has no signals.
[[nodiscard]] bool on_user_signal(Handler handler) noexcept;

} // namespace warpbeam::cli
