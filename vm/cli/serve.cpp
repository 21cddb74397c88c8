#include "command.hpp"
#include "options.hpp"

#include <cerrno>
#include <cstring>
#include <new>
#include <poll.h>
#include <server.hpp>
#include <unistd.h>

namespace warpbeam::cli {
namespace {

/// Nothing can be allocated any more: whoever has started the process learns it from its end.
void out_of_memory() {
    constexpr std::string_view message = "warpbeam: out of memory\n";
    (void)!::write(STDERR_FILENO, message.data(), message.size());
    ::_exit(exit_failure);
}

[[noreturn]] void fail(const char* what) {
    throw Failure(std::string("warpbeam: cannot ") + what + ": " + std::strerror(errno));
}

/// Writes all of it, and waits for the reader.
void write_all(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (written >= 0)
            bytes = bytes.subspan(static_cast<size_t>(written));
        else if (errno != EINTR)
            fail("write to standard output");
    }
}

/// Whether there is something to read, or the input has ended. Waits for it if nothing runs.
bool is_readable(bool waits) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&input, 1, waits ? -1 : 0);
    if (ready < 0 && errno != EINTR)
        fail("wait for standard input");
    return ready > 0;
}

} // namespace

int serve(Words words) {
    bool is_stdio = false;
    serve::Server::Limits limits;
    Options options{
        "serve --stdio [OPTIONS]",
        "Runs instances for another program, which has started this one and speaks to it over standard\n"
        "input and output: frames of terms in the external format of Erlang, see docs/serve.md. If the\n"
        "process dies, that program goes on. It ends with its input.\n"};
    options.flag("--stdio", "speak over standard input and output; it is needed", is_stdio)
        .value("--max-frame", "BYTES", "refuse larger frames (default: 1G); K, M and G may follow",
               [&limits](std::string_view text) {
                   const uint64_t bytes = parse_count(text, true);
                   if (bytes > INT32_MAX)
                       throw UsageError("a frame has at most 2147483647 bytes, not " + std::to_string(bytes));
                   limits.frame_bytes = static_cast<uint32_t>(bytes);
               })
        .value("--max-requests", "N", "refuse more requests at the same time (default: 100000)",
               [&limits](std::string_view text) { limits.requests = parse_size(text); });
    const auto given = options.parse(words);
    if (!given)
        return exit_success;
    if (!given->empty())
        throw options.error("'" + std::string(given->front()) + "' is not needed");
    if (!is_stdio)
        throw options.error("--stdio is needed");
    if (::isatty(STDIN_FILENO) != 0)
        throw options.error("standard input is a terminal; a program must start this command");
    (void)std::set_new_handler(out_of_memory);

    serve::Server server{WARPBEAM_VERSION, limits};
    std::vector<uint8_t> buffer(256 * 1024);
    for (;;) {
        write_all(server.output());
        server.output().clear();
        if (is_readable(!server.runs())) {
            const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
            if (size < 0 && errno != EINTR && errno != EAGAIN)
                fail("read standard input");
            if (size == 0)
                break;
            if (size > 0)
                if (const auto taken = server.receive({buffer.data(), static_cast<size_t>(size)}); !taken)
                    throw Failure("warpbeam: standard input has " + taken.error());
        }
        if (server.runs())
            server.run_slice();
    }
    if (server.unfinished() != 0)
        throw Failure("warpbeam: standard input ends " + std::to_string(server.unfinished()) +
                      " bytes after the beginning of a frame");
    return exit_success;
}

} // namespace warpbeam::cli
