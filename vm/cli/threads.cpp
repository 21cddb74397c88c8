#include "threads.hpp"

#include "command.hpp"
#include "options.hpp"

#include <string>

namespace warpbeam::cli {

void add_thread_option(Options& options, ThreadOption& target, FeatureSet& features) {
    options.optional_value("--threads", "MAX",
                           "let the program start threads (wasi-threads), at most MAX at the same time "
                           "(default: 256)",
                           [&](std::string_view text) {
                               // Each takes a native stack, and more.
                               constexpr uint64_t max_count = 1'000'000;
                               const uint64_t count =
                                   text.empty() ? wasi::ThreadSettings{}.max_threads : parse_count(text);
                               if (count > max_count)
                                   throw UsageError("'" + std::string(text) + "' is more than " +
                                                    std::to_string(max_count) + " threads");
                               target = static_cast<uint32_t>(count);
                               features.enable(Feature::threads);
                           });
}

void check_thread_option(const Options& options, const NotWithThreads& others) {
    if (others.is_deterministic)
        throw options.error(
            "--threads can't be combined with --deterministic: which thread is faster differs "
            "in every run");
    if (others.is_saved)
        throw options.error(
            "--threads can't be combined with --snapshot, --record or --print-fuel: the state "
            "of a program with threads can't be saved");
    if (others.has_preloads)
        throw options.error("--threads can't be combined with --preload: the threads would need instances of "
                            "their own of what is preloaded");
    if (others.dumps_core)
        throw options.error("--threads can't be combined with --coredump, which is about one stack");
    if (others.has_limited_fuel && others.is_observed)
        throw options.error(
            "--threads and --fuel can't be combined with --profile, --trace and --stats, which "
            "are about the main thread");
}

bool is_for_threads(const Import& import) {
    return (import.module == "wasi" && import.name == "thread-spawn") ||
           (import.type.kind == ExternKind::memory && import.type.memory.shared);
}

wasi::Threads make_threads(std::string_view path, Linker& linker, wasi::Context& context,
                           const Module& module, const wasi::ThreadSettings& settings) {
    auto made = wasi::Threads::create(linker, context, module, settings);
    if (!made)
        throw Failure(std::string(path) +
                      ": cannot run with threads: " + std::string(made.error().message()));
    return std::move(*made);
}

} // namespace warpbeam::cli
