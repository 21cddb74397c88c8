#pragma once

#include "deterministic_host.hpp"
#include "directories.hpp"

#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/snapshot.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Programs that `run` saves and `resume` continues.

namespace warpbeam::cli {

/// The most that a store counts.
inline constexpr uint64_t max_fuel = (uint64_t{1} << 56) - 1;

/// When and where a program is saved.
struct SaveSettings {
    std::string path;              ///< empty: never; not a link
    std::optional<uint64_t> after; ///< units of fuel
    bool on_signal = false;        ///< at SIGUSR1
    bool print_fuel = false;       ///< say how much a program has used that ends
    [[nodiscard]] bool wanted() const noexcept { return !path.empty(); }
};
class Options;
/// Adds `--snapshot` and the options that belong to it, and `--print-fuel`.
void add_save_options(Options& options, SaveSettings& settings);
/// Throws a UsageError if they don't fit together, and Failure if the file can't be written. From now on the
/// signal is caught.
void check_save_options(const Options& options, SaveSettings& settings);

/// What a program has besides its store.
struct ProgramState {
    std::vector<std::string> args; ///< the program's name first
    std::vector<std::string> env;  ///< `NAME=VALUE`
    std::vector<MappedDirectory> directories;
    std::string files; ///< the file descriptors, see warpbeam/wasi/saved_files.hpp; empty before the start
    uint64_t clocks[4] = {}; ///< what they show, in nanoseconds
    uint64_t stack_size = 0;
    uint64_t max_memory = UINT64_MAX; ///< for memories, and for objects
    bool has_fuel = false;
    bool is_deterministic = false;
    DeterministicHost::State host; ///< if it is deterministic
    uint64_t fuel = 0;             ///< that it may still use
    uint64_t fuel_used = 0;        ///< so far
};

/// The state as bytes, for files, and back. Throws Failure with the file's name if they are damaged.
[[nodiscard]] std::string to_bytes(const ProgramState& state);
[[nodiscard]] ProgramState program_state(std::string_view bytes, const std::string& path);

/// The limits of a program's store.
[[nodiscard]] StoreLimits limits_of(const ProgramState& state);

/// Says how much fuel has been used.
void print_fuel(uint64_t used);

/// Runs a program's execution to its end, unless it is saved. Returns the exit status. `host` is the
/// program's, if that is deterministic.
[[nodiscard]] int run_program(Store& store, const Instance& instance, Execution& execution,
                              ProgramState& state, const wasi::Context& context,
                              const DeterministicHost& host, const SaveSettings& save);

/// What a file is, if it is one of ours that is no module; otherwise empty.
[[nodiscard]] std::string_view hint_for(std::span<const uint8_t> file);

/// Reads what a program that was saved has besides its store. The rest of the file is the snapshot. Throws
/// Failure.
[[nodiscard]] ProgramState read_program(SnapshotSource& file, const std::string& path);

} // namespace warpbeam::cli
