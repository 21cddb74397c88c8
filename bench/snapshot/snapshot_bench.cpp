// Prints what snapshots and forks take, beside a call: snapshot_bench [-n ROUNDS]. The instance has a memory
// of 64 MiB of which 1 % was written since the beginning, or since the snapshot before.

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/snapshot.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace warpbeam;

[[noreturn]] void fail(std::string_view why) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
    std::exit(1);
}

using Clock = std::chrono::steady_clock;
template <typename Work>
double milliseconds(Work work) {
    const auto start = Clock::now();
    work();
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// The least of all rounds.
struct Line {
    const char* name;
    double least = 1e9;
    void add(double time) { least = std::min(least, time); }
};

} // namespace

int main(int argc, char** argv) {
    int rounds = 9;
    for (int i = 1; i < argc; ++i)
        if (std::string_view{argv[i]} == "-n" && i + 1 < argc)
            rounds = std::atoi(argv[++i]);
    const auto binary = parse_wat(R"((module (memory 1024)
        (func (export "nothing"))
        (func (export "write") (param $from i32)
          (loop $more
            (i32.store (local.get $from) (i32.add (i32.load (local.get $from)) (i32.const 1)))
            (br_if $more (i32.lt_u (local.tee $from (i32.add (local.get $from) (i32.const 409600)))
                                   (i32.const 67000000)))))))");
    Engine engine;
    const auto module = engine.load(*binary);
    const Linker linker{engine};
    Store store{engine};
    const auto instance = linker.instantiate(store, *module);
    if (!instance)
        fail(instance.error().message());
    // 1 % of the pages: one in a hundred.
    const auto write = [&](const Instance& into, int32_t offset) {
        const Value args[] = {offset};
        if (!into.func("write")->call(args))
            fail("write");
    };
    write(*instance, 0);
    const Func nothing = *instance->func("nothing");
    const Instance instances[] = {*instance};
    const SnapshotContents contents{.instances = instances, .executions = {}, .values = {}};
    const Module modules[] = {*module};

    Line call{"call of an empty function, a million times"};
    Line saving{"save"};
    Line restoring{"restore"};
    Line next{"save what changed since the snapshot before"};
    Line forking{"fork, with 1 % of the pages written since the last one"};
    Line forking_again{"fork, with nothing written"};
    size_t size = 0;
    size_t next_size = 0;
    for (int round = 0; round < rounds; ++round) {
        call.add(milliseconds([&] {
            for (int i = 0; i < 1'000'000; ++i)
                if (!nothing.call())
                    fail("call");
        }));
        SnapshotBuffer snapshot;
        saving.add(milliseconds([&] {
            if (!save(store, contents, snapshot))
                fail("save");
        }));
        size = snapshot.bytes().size();
        restoring.add(milliseconds([&] {
            SnapshotBytes source{snapshot.bytes()};
            SnapshotSource* const sources[] = {&source};
            RestoreOptions options;
            options.modules = modules;
            if (!restore(engine, sources, options))
                fail("restore");
        }));
        SnapshotSeries series;
        SnapshotOptions in_series;
        in_series.series = &series;
        SnapshotBuffer first;
        if (!save(store, contents, first, in_series))
            fail("save");
        write(*instance, 8192);
        SnapshotBuffer second;
        next.add(milliseconds([&] {
            if (!save(store, contents, second, in_series))
                fail("save");
        }));
        next_size = second.bytes().size();
        // Each fork is dropped outside of the measured time.
        write(*instance, 8192);
        std::vector<Restored> forks;
        for (Line* const line : {&forking, &forking_again})
            line->add(milliseconds([&] {
                auto made = fork(store, contents);
                if (!made)
                    fail(made.error().message());
                forks.push_back(std::move(*made));
            }));
    }
    std::printf("%-60s %10.3f ms\n", call.name, call.least);
    for (const Line& line : {saving, restoring, next, forking, forking_again})
        std::printf("%-60s %10.3f ms, %.0f calls\n", line.name, line.least, line.least / call.least * 1e6);
    std::printf("a complete snapshot has %zu bytes, one that follows it %zu\n", size, next_size);
}
