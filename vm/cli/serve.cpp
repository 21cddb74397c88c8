#include "command.hpp"
#include "options.hpp"
#include "platform.hpp"

#include <new>
#include <server.hpp>

namespace warpbeam::cli {
namespace {

/// Nothing can be allocated any more: whoever has started the process learns it from its end.
void out_of_memory() { end_process("warpbeam: out of memory\n", exit_failure); }

/// The result of a call of the system.
size_t need(std::optional<size_t> result, const char* what) {
    if (!result)
        throw Failure(std::string("warpbeam: cannot ") + what + ": " + system_error());
    return *result;
}

/// Writes all of it, and waits for the reader.
void write_all(std::span<const uint8_t> bytes) {
    while (!bytes.empty())
        bytes = bytes.subspan(need(write_output(StandardStream::out, bytes), "write to standard output"));
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
               [&limits](std::string_view text) { limits.requests = parse_size(text, false); });
    const auto given = options.parse(words);
    if (!given)
        return exit_success;
    if (!given->empty())
        throw options.error("'" + std::string(given->front()) + "' is not needed");
    if (!is_stdio)
        throw options.error("--stdio is needed");
    if (is_terminal(StandardStream::in))
        throw options.error("standard input is a terminal; a program must start this command");
    (void)std::set_new_handler(out_of_memory);

    serve::Server server{WARPBEAM_VERSION, limits};
    std::vector<uint8_t> buffer(256 * 1024);
    for (;;) {
        write_all(server.output());
        server.output().clear();
        // Waits for it if nothing runs.
        if (need(is_input_ready(!server.runs()), "wait for standard input") != 0) {
            const size_t size = need(read_input(buffer), "read standard input");
            if (size == 0)
                break;
            if (const auto taken = server.receive({buffer.data(), size}); !taken)
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
