#include "handlers/profile.hpp"

#ifdef WARPBEAM_PROFILE

#include "handlers/families.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

namespace warpbeam::vm {

namespace {

// A tool for one thread and one process: it may use the standard containers and write a file.
struct Counts {
    std::map<std::pair<Handler, Handler>, unsigned long> pairs;
    Handler last = nullptr;
    Counts() { pairs.clear(); }
    ~Counts() {
        const char* const path = std::getenv("WARPBEAM_PAIRS");
        std::FILE* const file = std::fopen(path != nullptr ? path : "warpbeam.pairs", "w");
        if (file == nullptr)
            return;
        // Addresses relative to a function that the reader finds by name.
        const auto base = reinterpret_cast<intptr_t>(&profile);
        for (const auto& [pair, count] : pairs)
            std::fprintf(file, "%ld %ld %lu\n",
                         static_cast<long>(reinterpret_cast<intptr_t>(pair.first) - base),
                         static_cast<long>(reinterpret_cast<intptr_t>(pair.second) - base), count);
        std::fclose(file);
    }
};
Counts counts;

} // namespace

void profile(const Instr& instr) noexcept {
    ++counts.pairs[{counts.last, instr.handler}];
    counts.last = instr.handler;
}

} // namespace warpbeam::vm

#endif
