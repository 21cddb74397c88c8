#include "saved_program.hpp"

#include "backtrace.hpp"
#include "files.hpp"
#include "options.hpp"
#include "platform.hpp"
#include "recording.hpp"
#include "replaced_file.hpp"
#include "stop.hpp"

#include <warpbeam/wasi/saved_files.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace warpbeam::cli {
namespace {

/// The head of the file: these bytes, the length of the state, its bytes and their SHA-256. The snapshot
/// follows.
constexpr std::string_view magic{"\0wbprog", 7};
constexpr uint8_t version = 2;
constexpr uint64_t max_state = uint64_t{1} << 30; // files in memory are part of it

void put(std::string& to, uint64_t number) {
    for (int i = 0; i < 8; ++i)
        to += static_cast<char>(number >> (8 * i));
}
void put(std::string& to, const std::string& text) {
    put(to, text.size());
    to += text;
}
void put(std::string& to, const std::vector<std::string>& list) {
    put(to, list.size());
    for (const std::string& each : list)
        put(to, each);
}

/// Reads numbers and lists from the state's bytes, whose digest is right; but anyone can compute that.
class StateReader {
public:
    explicit StateReader(std::string_view bytes) : left_{bytes} {}
    uint64_t number() {
        uint64_t value = 0;
        for (int i = 0; i < 8; ++i)
            value |= uint64_t{static_cast<uint8_t>(take(1)[0])} << (8 * i);
        return value;
    }
    std::string text() { return std::string{take(number())}; }
    std::vector<std::string> list() {
        std::vector<std::string> all;
        for (uint64_t count = number(); count != 0; --count)
            all.push_back(text());
        return all;
    }
    [[nodiscard]] bool done() const { return left_.empty(); }

private:
    std::string_view take(uint64_t size) {
        if (size > left_.size())
            throw Failure("the state of the program is damaged");
        const std::string_view taken = left_.substr(0, static_cast<size_t>(size));
        left_.remove_prefix(taken.size());
        return taken;
    }
    std::string_view left_;
};

class SnapshotFile final : public SnapshotSink {
public:
    explicit SnapshotFile(const std::string& path) : file_{path, FileUse::saved_state} {}
    bool write(std::span<const uint8_t> bytes) noexcept override { return file_.write(bytes); }
    void finish() { file_.finish(); }

private:
    ReplacedFile file_;
};

void save_program(Store& store, const Instance& instance, const Execution& execution, ProgramState& state,
                  const wasi::Context& context, const std::string& path) {
    SnapshotBuffer files;
    if (const auto saved = wasi::save_files(context, files); !saved)
        throw Failure("warpbeam: cannot save the program: " + std::string(saved.error().message()));
    state.files.assign(files.bytes().begin(), files.bytes().end());
    for (uint8_t clock = 0; clock < 4; ++clock)
        state.clocks[clock] = context.host().now(static_cast<wasi::Clock>(clock)).value_or(0);
    SnapshotFile file{path};
    const std::string bytes = to_bytes(state);
    std::string head{magic};
    head += static_cast<char>(version);
    put(head, bytes.size());
    const Digest digest = sha256(bytes_of(bytes));
    errno = 0;
    if (!file.write(bytes_of(head)) || !file.write(bytes_of(bytes)) || !file.write(digest))
        fail_file(path, "write");
    const Instance instances[] = {instance};
    const Execution* const executions[] = {&execution};
    const SnapshotContents contents{.instances = instances, .executions = executions, .values = {}};
    const auto saved =
        save(store, contents, file, {.host = nullptr, .carry_modules = true, .series = nullptr});
    if (!saved && errno != 0)
        fail_file(path, "write");
    if (!saved)
        throw Failure("warpbeam: cannot save the program: " + std::string(saved.error().message()));
    file.finish();
}

// For the signal handler.
std::atomic<const InterruptHandle*> to_interrupt = nullptr;
std::atomic<bool> came_early = false;
void interrupt() noexcept {
    if (const InterruptHandle* const handle = to_interrupt; handle != nullptr)
        handle->interrupt();
    else
        came_early = true;
}

/// Interrupts the store at the signal while it lives.
class OnSignal {
public:
    explicit OnSignal(const Store& store) : handle_{store.interrupt_handle()} {
        to_interrupt = &handle_;
        if (came_early)
            handle_.interrupt();
    }
    OnSignal(const OnSignal&) = delete;
    OnSignal& operator=(const OnSignal&) = delete;
    ~OnSignal() { to_interrupt = nullptr; }

private:
    InterruptHandle handle_;
};

} // namespace

void add_save_options(Options& options, SaveSettings& settings) {
    options
        .value("--snapshot", "FILE",
               "save the program to FILE and exit; needs one of the next two options. warpbeam resume FILE "
               "continues it",
               [&](std::string_view text) { settings.path = text; })
        .value("--snapshot-after", "N", "save it when it has used N units of fuel (from the resume on)",
               [&](std::string_view text) { settings.after = parse_count(text); })
        .flag("--snapshot-on-signal", "save it on the signal USR1; a read or a sleep ends first",
              settings.on_signal)
        .flag("--print-fuel", "print on standard error how much fuel the program has used",
              settings.print_fuel);
}

void check_save_options(const Options& options, SaveSettings& settings) {
    const bool when = settings.after.has_value() || settings.on_signal;
    if (settings.wanted() && !when)
        throw options.error("--snapshot needs --snapshot-after or --snapshot-on-signal");
    if (!settings.wanted() && when)
        throw options.error("--snapshot-after and --snapshot-on-signal need --snapshot FILE");
    if (settings.path == "-")
        throw options.error("--snapshot needs a file, and not -");
    if (settings.wanted())
        settings.path = checked_path(settings.path);
    if (settings.on_signal && !on_user_signal(interrupt))
        throw options.error("--snapshot-on-signal: this system has no signals; use --snapshot-after");
}

StoreLimits limits_of(const ProgramState& state) {
    StoreLimits limits;
    if (state.max_memory != UINT64_MAX)
        limits.memory_bytes = limits.heap_bytes = state.max_memory;
    return limits;
}

void print_fuel(uint64_t used) { std::fprintf(stderr, "warpbeam: used %" PRIu64 " units of fuel\n", used); }

int run_program(Store& store, const Instance& instance, Execution& execution, ProgramState& state,
                const wasi::Context& context, const DeterministicHost& host, const SaveSettings& save) {
    std::optional<OnSignal> on_signal;
    if (save.on_signal)
        on_signal.emplace(store);
    const uint64_t end = save.after.value_or(UINT64_MAX);
    for (uint64_t all_used = 0;;) {
        const uint64_t budget = std::min(state.fuel, end - all_used);
        const auto stopped = execution.resume({.fuel = budget});
        if (!stopped)
            throw Failure("warpbeam: " + std::string(stopped.error().message()));
        (void)std::fflush(stdout);
        // A program that was interrupted has some fuel left.
        const uint64_t used = state.has_fuel ? budget - execution.take_fuel() : 0;
        state.fuel -= used;
        state.fuel_used += used;
        all_used += used;
        if (*stopped != ExecutionState::interrupted && save.print_fuel)
            print_fuel(state.fuel_used);
        if (*stopped == ExecutionState::done)
            return stop_cause() == StopCause::none ? exit_success : report_stop({});
        if (*stopped == ExecutionState::trapped)
            return report(*execution.trap());
        if (*stopped == ExecutionState::out_of_fuel && (!save.wanted() || state.fuel == 0))
            return report_out_of_fuel(execution.backtrace());
        if (*stopped == ExecutionState::interrupted && stop_cause() != StopCause::none)
            return report_stop(execution.backtrace());
        set_unhurried(true);
        state.host = host.state();
        try {
            save_program(store, instance, execution, state, context, save.path);
        } catch (const Failure& failure) {
            if (*stopped != ExecutionState::interrupted)
                throw;
            // Nothing is lost if the program goes on.
            std::fprintf(stderr, "%s; the program goes on\n", failure.what());
            set_unhurried(false);
            continue;
        }
        if (*stopped == ExecutionState::interrupted && save.print_fuel)
            print_fuel(state.fuel_used);
        std::fprintf(stderr, "warpbeam: saved to %s\n", save.path.c_str());
        return exit_success;
    }
}

std::string_view hint_for(std::span<const uint8_t> file) {
    const auto begins = [&](std::string_view with) {
        return file.size() >= with.size() && std::memcmp(file.data(), with.data(), with.size()) == 0;
    };
    return begins(magic)                    ? "it is a saved program: use warpbeam resume"
           : begins(log_magic.substr(0, 6)) ? "it is the log of a program: use warpbeam replay"
                                            : "";
}

ProgramState read_program(SnapshotSource& file, const std::string& path) {
    const auto read = [&](std::span<uint8_t> to) {
        while (!to.empty()) {
            const size_t count = file.read(to);
            if (count == 0)
                return false;
            to = to.subspan(count);
        }
        return true;
    };
    uint8_t head[16];
    if (!read(head) || std::memcmp(head, magic.data(), magic.size()) != 0)
        throw Failure(path + ": not a program that warpbeam run --snapshot has saved");
    if (head[7] != version)
        throw Failure(path + ": saved by another version of warpbeam (format " + std::to_string(head[7]) +
                      "; this one reads " + std::to_string(version) + ")");
    uint64_t size = 0;
    for (int i = 0; i < 8; ++i)
        size |= uint64_t{head[8 + i]} << (8 * i);
    std::string bytes;
    Digest digest{};
    if (size <= max_state)
        bytes.resize(static_cast<size_t>(size));
    if (size > max_state || !read({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()}) ||
        !read(digest) || sha256(bytes_of(bytes)) != digest)
        throw Failure(path + ": the state of the program is damaged");
    return program_state(bytes, path);
}

std::string to_bytes(const ProgramState& state) {
    std::string bytes;
    put(bytes, state.args);
    put(bytes, state.env);
    put(bytes, state.directories.size());
    for (const MappedDirectory& directory : state.directories) {
        put(bytes, directory.host);
        put(bytes, directory.guest);
        put(bytes, static_cast<uint64_t>(directory.access));
        put(bytes, directory.is_scratch ? 1 : 0);
    }
    put(bytes, state.files);
    for (const uint64_t clock : state.clocks)
        put(bytes, clock);
    put(bytes, state.stack_size);
    put(bytes, state.max_memory);
    put(bytes, state.has_fuel ? 1 : 0);
    put(bytes, state.is_deterministic ? 1 : 0);
    put(bytes, state.host.time);
    put(bytes, state.host.random);
    put(bytes, state.fuel);
    put(bytes, state.fuel_used);
    return bytes;
}

ProgramState program_state(std::string_view bytes, const std::string& path) {
    StateReader in{bytes};
    ProgramState state;
    state.args = in.list();
    state.env = in.list();
    for (uint64_t count = in.number(); count != 0; --count) {
        MappedDirectory directory;
        directory.host = in.text();
        directory.guest = in.text();
        directory.access = in.number() != 0 ? wasi::Access::read_write : wasi::Access::read_only;
        directory.is_scratch = in.number() != 0;
        state.directories.push_back(std::move(directory));
    }
    state.files = in.text();
    for (uint64_t& clock : state.clocks)
        clock = in.number();
    state.stack_size = in.number();
    state.max_memory = in.number();
    state.has_fuel = in.number() != 0;
    state.is_deterministic = in.number() != 0;
    state.host.time = in.number();
    state.host.random = in.number();
    state.fuel = std::min(in.number(), max_fuel);
    state.fuel_used = in.number();
    if (!in.done())
        throw Failure(path + ": the state of the program is damaged");
    return state;
}

} // namespace warpbeam::cli
