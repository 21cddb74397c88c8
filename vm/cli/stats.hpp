#pragma once

#include "call_tree.hpp"

#include <warpbeam/vm/store.hpp>

#include <array>
#include <chrono>

namespace warpbeam::cli {

/// The parts of a run of the command.
enum class Phase : uint8_t { load, instantiate, run };
inline constexpr size_t phase_count = 3;

/// Numbers about one run.
struct Statistics {
    using Clock = std::chrono::steady_clock;
    std::array<Clock::duration, phase_count> times{}; ///< by Phase
    [[nodiscard]] Clock::duration& time(Phase phase) { return times[static_cast<size_t>(phase)]; }
    Clock::duration lowering{}; ///< a part of those
    size_t module_bytes = 0;
    size_t functions = 0; ///< that the module defines
    size_t lowered = 0;   ///< of these
    bool counts_fuel = false;
    uint64_t fuel = 0; ///< used
    StoreUsage usage;  ///< at the end, when memories and stacks are as large as they have ever been
    Store::HeapStatistics heap;
};
/// Writes them to standard error, as a table.
void print_statistics(const Statistics& statistics);
/// The same as one line of JSON, with the functions that the profile, if there is one, says are most used.
void print_statistics_json(const Statistics& statistics, const CallTree* profile);

} // namespace warpbeam::cli
