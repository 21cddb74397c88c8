#include "stats.hpp"

#include "json.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace warpbeam::cli {

namespace {

double milliseconds(Statistics::Clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

constexpr size_t max_functions = 10;

/// The functions that took most, if there is a profile.
std::vector<CallTree::FuncTotal> top(const CallTree* profile) {
    std::vector<CallTree::FuncTotal> all;
    if (profile != nullptr)
        all = profile->functions();
    all.resize(std::min(all.size(), max_functions));
    return all;
}

} // namespace

void print_statistics(const Statistics& statistics) {
    const auto ms = [&](Phase phase) { return milliseconds(statistics.times[static_cast<size_t>(phase)]); };
    std::fprintf(stderr, "statistics:\n");
    std::fprintf(stderr, "  load        %12.3f ms  %zu bytes, %zu functions\n", ms(Phase::load),
                 statistics.module_bytes, statistics.functions);
    std::fprintf(stderr, "  instantiate %12.3f ms\n", ms(Phase::instantiate));
    std::fprintf(stderr, "  run         %12.3f ms\n", ms(Phase::run));
    std::fprintf(stderr, "  lowering    %12.3f ms  of these, for %zu function%s\n",
                 milliseconds(statistics.lowering), statistics.lowered, statistics.lowered == 1 ? "" : "s");
    std::fprintf(stderr, "  memories    %12" PRIu64 " bytes at the end, their peak\n",
                 statistics.usage.memory_bytes);
    std::fprintf(stderr, "  objects     %12" PRIu64 " bytes at the peak, %" PRIu64 " collections\n",
                 statistics.heap.peak, statistics.heap.collections);
    std::fprintf(stderr, "  stack       %12" PRIu64 " bytes\n", statistics.usage.execution_bytes);
    if (statistics.counts_fuel)
        std::fprintf(stderr, "  fuel        %12" PRIu64 " units\n", statistics.fuel);
    else
        std::fprintf(stderr, "  fuel        %12s (with --fuel or --profile=exact)\n", "not counted");
}

void print_statistics_json(const Statistics& statistics, const CallTree* profile) {
    const auto ms = [&](Phase phase) { return milliseconds(statistics.times[static_cast<size_t>(phase)]); };
    std::fprintf(
        stderr,
        "{\"load_ms\":%.6f,\"instantiate_ms\":%.6f,\"run_ms\":%.6f,\"lowering_ms\":%.6f,"
        "\"module_bytes\":%zu,\"functions\":%zu,\"lowered_functions\":%zu,\"memory_bytes\":%" PRIu64
        ",\"heap_peak_bytes\":%" PRIu64 ",\"collections\":%" PRIu64 ",\"stack_bytes\":%" PRIu64 ",\"fuel\":",
        ms(Phase::load), ms(Phase::instantiate), ms(Phase::run), milliseconds(statistics.lowering),
        statistics.module_bytes, statistics.functions, statistics.lowered, statistics.usage.memory_bytes,
        statistics.heap.peak, statistics.heap.collections, statistics.usage.execution_bytes);
    if (statistics.counts_fuel)
        std::fprintf(stderr, "%" PRIu64, statistics.fuel);
    else
        std::fprintf(stderr, "null");
    if (profile != nullptr) {
        std::fprintf(stderr, ",\"most_used\":[");
        bool first = true;
        for (const CallTree::FuncTotal& row : top(profile)) {
            std::fprintf(stderr,
                         "%s{\"name\":%s,\"index\":%" PRIu32 ",\"self\":%" PRIu64 ",\"total\":%" PRIu64 "}",
                         first ? "" : ",", json_string(profile->name_of(row.func)).c_str(), row.func,
                         row.self, row.total);
            first = false;
        }
        std::fprintf(stderr, "],\"unit\":\"%s\"", profile->counts_fuel() ? "fuel" : "nanoseconds");
    }
    std::fprintf(stderr, "}\n");
}

} // namespace warpbeam::cli
