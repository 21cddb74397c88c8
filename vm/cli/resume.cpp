#include "files.hpp"
#include "options.hpp"
#include "saved_program.hpp"
#include "stop.hpp"

#include <warpbeam/vm/engine.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/wasi/saved_files.hpp>

#include <cstdio>
#include <memory>

namespace warpbeam::cli {
namespace {

class FileSource final : public SnapshotSource {
public:
    explicit FileSource(const std::string& path) : file_{std::fopen(path.c_str(), "rb"), std::fclose} {
        if (!file_)
            throw Failure("warpbeam: cannot open " + path);
    }
    size_t read(std::span<uint8_t> bytes) noexcept override {
        return std::fread(bytes.data(), 1, bytes.size(), file_.get());
    }

private:
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

/// The native host, with clocks that go on where they were; but the time of day is that of now.
class ResumedHost final : public wasi::Host {
public:
    explicit ResumedHost(const ProgramState& state) {
        for (uint8_t clock = 1; clock < 4; ++clock)
            offsets_[clock] = state.clocks[clock] - native().now(static_cast<wasi::Clock>(clock)).value_or(0);
    }
    std::expected<size_t, wasi::Errno> read(std::span<uint8_t> into) noexcept override {
        return native().read(into);
    }
    std::expected<size_t, wasi::Errno> write(wasi::Stream stream,
                                             std::span<const uint8_t> bytes) noexcept override {
        return native().write(stream, bytes);
    }
    bool is_terminal(wasi::Stream stream) const noexcept override { return native().is_terminal(stream); }
    std::expected<uint64_t, wasi::Errno> now(wasi::Clock clock) const noexcept override {
        const auto time = native().now(clock);
        return time ? *time + offsets_[static_cast<uint8_t>(clock)] : time;
    }
    std::expected<uint64_t, wasi::Errno> resolution(wasi::Clock clock) const noexcept override {
        return native().resolution(clock);
    }
    void sleep(uint64_t nanoseconds) noexcept override { native().sleep(nanoseconds); }
    void wait(std::span<const wasi::WaitFor> streams, uint64_t nanoseconds,
              const wasi::InterruptCheck& is_interrupted) noexcept override {
        native().wait(streams, nanoseconds, is_interrupted);
    }
    wasi::Result<wasi::Filestat> stat(wasi::Stream stream) const noexcept override {
        return native().stat(stream);
    }
    wasi::Result<wasi::Ready> ready(wasi::Stream stream, wasi::Readiness which) noexcept override {
        return native().ready(stream, which);
    }
    int native_descriptor(wasi::Stream stream) const noexcept override {
        return native().native_descriptor(stream);
    }
    std::expected<void, wasi::Errno> random(std::span<uint8_t> into) noexcept override {
        return native().random(into);
    }

private:
    static wasi::Host& native() noexcept { return wasi::native_host(); }
    uint64_t offsets_[4] = {};
};

/// The file that is there now, for `restore_files`.
Ref<wasi::File> take_changed(void*, const wasi::LostFile& lost) noexcept { return lost.found; }

void restore_program_files(wasi::Context& context, const ProgramState& state, bool with_changed) {
    SnapshotBytes files{{reinterpret_cast<const uint8_t*>(state.files.data()), state.files.size()}};
    wasi::RestoreFiles how;
    if (with_changed)
        how.replace = take_changed;
    if (const auto restored = wasi::restore_files(context, files, how); !restored)
        throw Failure("warpbeam: " + std::string(restored.error().message()) +
                      (with_changed ? "" : "; see --changed-files"));
}

void check(const std::expected<void, Error>& done) {
    if (!done)
        throw Failure("warpbeam: " + std::string(done.error().message()));
}

} // namespace

int resume(Words words) {
    SaveSettings save;
    Options options{
        "resume [OPTIONS] FILE",
        "Continues a program that warpbeam run --snapshot has saved, also on another machine. It keeps\n"
        "its arguments, environment, features, limits and fuel, and gets the standard streams of this\n"
        "process. It can be saved again.\n"
        "\n" +
            exit_statuses("0 if it was saved again")};
    std::optional<uint64_t> more_fuel;
    options.value("--fuel", "N", "add N units to the fuel that the program may still use",
                  [&](std::string_view text) { more_fuel = parse_count(text); });
    bool changed_files = false;
    options.flag("--changed-files", "go on although files that the program had open were changed meanwhile",
                 changed_files);
    StopSettings stop;
    add_stop_options(options, stop);
    add_save_options(options, save);
    const auto file = options.parse_file(words);
    if (!file)
        return exit_success;
    check_save_options(options, save);
    const std::string path{*file};
    if (path == "-")
        throw options.error("FILE can't be -: standard input belongs to the program");
    FileSource source{path};
    ProgramState state = read_program(source, path);
    if ((save.after || save.print_fuel || more_fuel) && !state.has_fuel)
        throw options.error(
            "the program does not count fuel: none of --fuel, --snapshot-after and --print-fuel was given "
            "when it started");
    if (more_fuel)
        state.fuel += std::min(*more_fuel, max_fuel - state.fuel);
    Config config;
    config.features = FeatureSet::all();
    config.stack_size = static_cast<size_t>(state.stack_size);
    config.fuel = state.has_fuel;
    config.deterministic = state.is_deterministic;
    config.interruption = config.patched_interruption = true;
    ResumedHost resumed{state};
    wasi::Host& native = resumed;
    DeterministicHost deterministic{state.host};
    wasi::Context context{state.is_deterministic ? deterministic : native};
    for (const std::string& arg : state.args)
        check(context.add_arg(arg));
    for (const std::string& variable : state.env) {
        const size_t equals = std::min(variable.find('='), variable.size());
        check(context.add_env(variable.substr(0, equals),
                              variable.substr(std::min(equals + 1, variable.size()))));
    }
    open_directories(context, state.directories);
    restore_program_files(context, state, changed_files);
    const Engine engine{config};
    Linker linker{engine};
    check(wasi::define(linker, context));
    SnapshotSource* const sources[] = {&source};
    RestoreOptions how;
    how.linker = &linker;
    how.limits = limits_of(state);
    how.max_fuel = 0; // it gets that of `state`
    auto restored = restore(engine, sources, how);
    if (!restored)
        throw Failure(path + ": " + std::string(restored.error().message()));
    if (restored->instances.size() != 1 || restored->executions.size() != 1)
        throw Failure(path + ": not a program that warpbeam run --snapshot has saved");
    const StopSignals signals{restored->store, stop};
    return run_program(restored->store, restored->instances[0], restored->executions[0], state, context,
                       deterministic, save);
}

} // namespace warpbeam::cli
