#include "handlers/profile.hpp"

#ifdef WARPBEAM_PROFILE

#include "disassembly/disassembler.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

namespace warpbeam::vm {

namespace {

// A tool for one thread and one process: it may use standard containers and write a file.
struct Counts {
    /// The last instructions, the newest at the end: those before a jump do not count.
    using Sequence = std::array<Handler, 5>;
    std::map<Sequence, unsigned long> sequences;
    Sequence last{};
    const Instr* next = nullptr;                     ///< after the last one in memory
    const HandlerIndex* index = HandlerIndex::get(); ///< must outlive this
    Counts() { sequences.clear(); }
    ~Counts() {
        const char* const path = std::getenv("WARPBEAM_PAIRS");
        std::FILE* const file = std::fopen(path != nullptr ? path : "warpbeam.pairs", "w");
        if (file == nullptr)
            return;
        for (const auto& [sequence, count] : sequences) {
            std::fprintf(file, "%lu", count);
            for (const Handler handler : sequence)
                std::fprintf(file, "\t%s\t%s", name_of(handler), row_of(handler).data());
            std::fputc('\n', file);
        }
        std::fclose(file);
    }

private:
    /// The same as in handlers/joined_rows.inc.
    std::array<char, 96> row_of(Handler handler) const {
        constexpr const char* places[] = {"slot", "acc", "l0", "l1", "imm"};
        constexpr const char* results[] = {"acc", "slot", "l0", "l1"};
        std::array<char, 96> text{};
        const Choice* const choice = index != nullptr ? index->find(handler) : nullptr;
        if (choice == nullptr)
            return text;
        const std::string_view form = vm::name_of(choice->form);
        std::string op{warpbeam::row_of(choice->op).text()};
        std::ranges::replace(op, '.', '_');
        const Variant& v = choice->variant;
        std::snprintf(text.data(), text.size(), "%.*s, %s, %s, %s, %s, %s, %d", static_cast<int>(form.size()),
                      form.data(), op.c_str(), results[static_cast<size_t>(v.result)],
                      places[static_cast<size_t>(v.a)], places[static_cast<size_t>(v.b)],
                      places[static_cast<size_t>(v.c)], v.option);
        return text;
    }
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
    Counts::Sequence& last = counts.last;
    if (&instr != counts.next)
        last.fill(nullptr);
    std::ranges::rotate(last, last.begin() + 1);
    last.back() = instr.handler;
    ++counts.sequences[last];
    const Choice* const choice = counts.index->find(instr.handler);
    counts.next = choice != nullptr ? instr.after(shape_of(*choice).size()) : nullptr;
}

} // namespace warpbeam::vm

#endif
