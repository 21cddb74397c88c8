#include "handlers/profile.hpp"

#ifdef WARPBEAM_PROFILE

#include "disassembly/disassembler.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

namespace warpbeam::vm {

namespace {

// A tool for one thread and one process: it may use standard containers and write a file.
struct Counts {
    std::map<std::pair<Handler, Handler>, unsigned long> pairs;
    Handler last = nullptr;
    const HandlerIndex* index = HandlerIndex::get(); ///< must outlive this
    Counts() { pairs.clear(); }
    ~Counts() {
        const char* const path = std::getenv("WARPBEAM_PAIRS");
        std::FILE* const file = std::fopen(path != nullptr ? path : "warpbeam.pairs", "w");
        if (file == nullptr)
            return;
        for (const auto& [pair, count] : pairs)
            std::fprintf(file, "%lu\t%s\t%s\n", count, name_of(pair.first), name_of(pair.second));
        std::fclose(file);
    }

private:
    /// What a handler does; valid as long as the counts.
    const char* name_of(Handler handler) {
        const Choice* const choice = index != nullptr ? index->find(handler) : nullptr;
        if (choice == nullptr)
            return "(start)";
        Vec<char>& name = names[handler];
        if (name.empty()) {
            Disassembler{name}.variant(*choice);
            (void)name.push('\0');
        }
        return name.data();
    }
    std::map<Handler, Vec<char>> names;
};
Counts counts;

} // namespace

void profile(const Instr& instr) noexcept {
    ++counts.pairs[{counts.last, instr.handler}];
    counts.last = instr.handler;
}

} // namespace warpbeam::vm

#endif
