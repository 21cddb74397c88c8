// Prints what it costs to find the changed pages of a memory of 64 MiB, and to fork it.

#include <warpbeam/memory/changed_pages.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace warpbeam;
using Clock = std::chrono::steady_clock;

constexpr size_t page_size = PageSet::page_size;
constexpr size_t pages = (64 << 20) / page_size;
constexpr size_t written = (pages + 99) / 100; ///< about 1 %

double microseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

/// The median and the maximum of the times of an action, after another one that is not measured.
template <typename Prepare, typename Action>
void measure(const char* what, int rounds, Prepare prepare, Action action) {
    std::vector<double> times;
    for (int i = 0; i < rounds; ++i) {
        prepare();
        const auto start = Clock::now();
        action();
        times.push_back(microseconds_since(start));
    }
    std::ranges::sort(times);
    std::printf("  %-58s %9.1f us, maximum %9.1f us\n", what, times[times.size() / 2], times.back());
}
void nothing() {}

void check(bool condition) {
    if (!condition) {
        std::fprintf(stderr, "out of memory, or a wrong result\n");
        std::exit(1);
    }
}

LinearMemory make_memory() {
    auto memory = LinearMemory::create({.initial_pages = 1024});
    check(memory.has_value());
    std::memset(memory->data(), 1, memory->size());
    return std::move(*memory);
}

/// Writes 1 % of the pages, others each time.
void write(LinearMemory& memory) {
    static size_t first = 0;
    for (size_t page = ++first % 100; page < pages; page += 100)
        ++memory.data()[page * page_size];
}

double status(std::string_view name) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(name))
            return std::atof(line.c_str() + name.size() + 1);
    return 0;
}
size_t mappings() {
    std::ifstream file("/proc/self/maps");
    size_t count = 0;
    for (std::string line; std::getline(file, line);)
        ++count;
    return count;
}

void bench_marks(PageMark::Way way) {
    LinearMemory memory = make_memory();
    std::optional<PageMark> mark;
    const auto set = [&] {
        mark.reset(); // the system watches for one at a time
        auto made = PageMark::set(memory, Allocator::standard(), way);
        check(made.has_value());
        mark.emplace(std::move(*made));
    };
    set();
    std::printf("%s\n", mark->is_watching() ? "watched by the system" : "hashes");
    PageSet found;
    const auto find = [&](bool move) { check(mark->find(memory, found, move)); };
    measure("set a mark", 15, nothing, set);
    measure("first writes to 1 % of the pages", 15, [&] { find(true); }, [&] { write(memory); });
    measure("find them and move the mark", 15, [&] { write(memory); }, [&] { find(true); });
    check(found.count() <= written);
    measure("find nothing", 15, nothing, [&] { find(false); });
}

void bench_initial() {
    std::printf("without a mark\n");
    LinearMemory memory = make_memory();
    PageSet found;
    measure("what differs from zeros, if all pages do", 15, nothing,
            [&] { check(find_changed(memory, {}, found)); });
    check(memory.reset());
    write(memory);
    measure("what differs from zeros, if 1 % exist", 15, nothing,
            [&] { check(find_changed(memory, {}, found)); });
    check(found.count() <= written);
}

void bench_forks() {
    std::printf("fork\n");
    LinearMemory memory = make_memory();
    std::vector<LinearMemory> copies;
    copies.reserve(1100);
    const auto keep = [&] {
        auto copy = memory.fork();
        check(copy.has_value());
        copies.push_back(std::move(*copy));
    };
    const auto drop = [&] { check(memory.fork().has_value()); };
    measure("the first", 1, nothing, drop);
    measure("nothing written", 15, nothing, drop);
    measure("1 % written, no copy lives (with its end)", 50, [&] { write(memory); }, drop);
    measure("1 % written, all copies live", 50, [&] { write(memory); }, keep);
    copies.clear();
    drop();
    const double resident = status("RssAnon:");
    const size_t mapped = mappings();
    measure("1,000 copies that write a page each", 1000, nothing, [&] {
        keep();
        copies.back().data()[0] = 2;
    });
    std::printf("  each of these: %.1f KiB of its own, %.1f mappings\n",
                (status("RssAnon:") - resident) / 1000, static_cast<double>(mappings() - mapped) / 1000);
}

} // namespace

int main() {
    bench_marks(PageMark::Way::best);
    bench_marks(PageMark::Way::hashes);
    bench_initial();
    bench_forks();
    return 0;
}
