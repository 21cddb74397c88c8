#pragma once

#include <warpbeam/wasi/threads.hpp>

#include <optional>
#include <string_view>

/// `--threads`: programs that start threads.

namespace warpbeam::cli {

class Options;

/// How many threads a program may have at the same time, the main thread not included; none if it can start
/// none.
using ThreadOption = std::optional<uint32_t>;

/// Adds `--threads`, which also switches on the feature.
void add_thread_option(Options& options, ThreadOption& target, FeatureSet& features);

/// What programs with threads can't be combined with.
struct NotWithThreads {
    bool is_deterministic;
    bool is_saved; ///< or recorded
    bool has_preloads;
    bool dumps_core;
    bool has_limited_fuel;
    bool is_observed; ///< profiled, traced or measured
};
/// Throws a UsageError if that is impossible.
void check_thread_option(const Options& options, const NotWithThreads& others);

/// For a module that was refused because it needs them.
inline constexpr std::string_view threads_hint =
    "\nhint: a program that starts threads is run with --threads";
/// Whether only a program with threads has such an import.
[[nodiscard]] bool is_for_threads(const Import& import);

/// Prepares them for a module of the file `path`; throws Failure if it lacks what threads need.
[[nodiscard]] wasi::Threads make_threads(std::string_view path, Linker& linker, wasi::Context& context,
                                         const Module& module, const wasi::ThreadSettings& settings);

} // namespace warpbeam::cli
