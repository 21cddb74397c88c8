// Does the same for very long, and looks whether it takes more memory or time at the end than at the
// beginning: long_runs [--share N] [--only NAME] [--memory-only]. Exits with 1 if it does.
//
// Each run is cut into 200 windows. Memory is what is resident after a window (on Linux). Time is the CPU
// time of a window. Both are compared between a tenth of the run and its end. A processor is not equally
// fast all the time, so the times are taken in turns: a copy of the process (fork) stops after a tenth, and
// goes on when the run is at its end, one window in each of both after the other. The medians count.
// --share N does the N-th part of each run.

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/guest_allocator.hpp>
#include <warpbeam/vm/host_object.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/root.hpp>
#include <warpbeam/vm/snapshot.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string_view>
#include <vector>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using namespace warpbeam;

constexpr int windows = 200;
constexpr int turns = 41;               ///< in which times are taken
constexpr double max_memory_growth = 1; // in percent
constexpr double max_time_growth = 5;

constexpr std::string_view text = R"((module
    (type $list (struct (field i64) (field (ref null $list))))
    (import "env" "twice" (func $twice (param i32) (result i32)))
    (import "env" "ask" (func $ask (param i32) (result i32)))
    (memory (export "memory") 1) (tag $tag (param i32)) (table 10 funcref)
    (global $kept (mut (ref null $list)) (ref.null $list))
    (func (export "add") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "host_calls") (param $n i32)
        (loop $more (drop (call $twice (local.get $n)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "objects") (param $n i32)
        (loop $more
            (global.set $kept (struct.new $list (i64.const 1) (global.get $kept)))
            (if (i32.eqz (i32.and (local.get $n) (i32.const 1023))) (then (global.set $kept (ref.null $list))))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func $throw (param i32) (throw $tag (local.get 0)))
    (func (export "exceptions") (param $n i32)
        (loop $more
            (drop (block $caught (result i32)
                (try_table (catch $tag $caught) (call $throw (local.get $n))) (i32.const 0)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "ask") (param i32) (result i32) (call $ask (local.get 0)))
    (func $deep (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then unreachable))
        (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
    (export "deep" (func $deep))
    (func (export "keep") (param externref) (result externref) (local.get 0))))";

[[noreturn]] void fail(const char* why) {
    std::fprintf(stderr, "%s\n", why);
    std::exit(2);
}
void require(bool condition, const char* why) {
    if (!condition)
        fail(why);
}

/// In bytes; 0 where that is not known.
double resident() {
    std::FILE* const file = std::fopen("/proc/self/status", "r");
    unsigned long kib = 0;
    char line[256];
    while (file != nullptr && kib == 0 && std::fgets(line, sizeof line, file) != nullptr)
        (void)std::sscanf(line, "VmRSS: %lu", &kib);
    if (file != nullptr)
        (void)std::fclose(file);
    return static_cast<double>(kib) * 1024;
}

/// What the runs use.
struct Scene {
    Scene() {
        const auto bytes = parse_wat(text);
        require(bytes.has_value(), "the text is wrong");
        binary.assign(bytes->begin(), bytes->end());
        const auto loaded = engine.load(binary);
        require(loaded.has_value(), "the module is wrong");
        module = *loaded;
        require(linker.func("env", "twice", [](int32_t n) { return 2 * n; }).has_value() &&
                    linker.host_call<int32_t(int32_t)>("env", "ask").has_value(),
                "a definition failed");
        const auto made = linker.instantiate(store, module);
        require(made.has_value(), "the module can't be instantiated");
        instance = *made;
    }
    [[nodiscard]] Func func(const char* name) const { return *instance.func(name); }

    std::vector<uint8_t> binary;
    Engine engine;
    Module module;
    Linker linker{engine};
    Store store{engine};
    Instance instance;
};

/// What happens `count` times in all, in windows of some.
struct Run {
    const char* name;
    uint64_t count;
    void (*act)(Scene& scene, uint64_t times);
};

void call_with(Scene& scene, const char* name, uint64_t times) {
    const Value args[] = {static_cast<int32_t>(times)};
    require(scene.func(name).call(args).has_value(), "a trap");
}

const Run runs[] = {
    {"calls of a guest", 1'000'000'000,
     [](Scene& scene, uint64_t times) {
         const auto add = *scene.instance.func<int32_t(int32_t)>("add");
         int32_t sum = 0;
         for (uint64_t i = 0; i < times; ++i)
             sum = *add(sum);
         require(static_cast<uint32_t>(sum) == static_cast<uint32_t>(times), "a wrong sum");
     }},
    {"calls of the host", 1'000'000'000,
     [](Scene& scene, uint64_t times) { call_with(scene, "host_calls", times); }},
    {"stores with an instance", 10'000'000,
     [](Scene& scene, uint64_t times) {
         for (uint64_t i = 0; i < times; ++i) {
             Store store{scene.engine};
             require(scene.linker.instantiate(store, scene.module).has_value(), "no instance");
         }
     }},
    {"executions that wait", 10'000'000,
     [](Scene& scene, uint64_t times) {
         const Func ask = scene.func("ask");
         const Value one[] = {1};
         for (uint64_t i = 0; i < times; ++i) {
             auto execution = Execution::create(ask, one);
             require(execution && execution->resume() == ExecutionState::host_call &&
                         execution->answer(one) && execution->resume() == ExecutionState::done,
                     "an execution went wrong");
         }
     }},
    {"snapshots, saved and restored", 1'000'000,
     [](Scene& scene, uint64_t times) {
         const Instance instances[] = {scene.instance};
         const SnapshotContents contents{.instances = instances, .executions = {}, .values = {}};
         const Module modules[] = {scene.module};
         for (uint64_t i = 0; i < times; ++i) {
             SnapshotBuffer snapshot;
             require(save(scene.store, contents, snapshot).has_value(), "no snapshot");
             SnapshotBytes source{snapshot.bytes()};
             SnapshotSource* const sources[] = {&source};
             RestoreOptions options;
             options.modules = modules;
             options.linker = &scene.linker;
             require(restore(scene.engine, sources, options).has_value(), "it can't be restored");
         }
     }},
    {"forks", 1'000'000,
     [](Scene& scene, uint64_t times) {
         const Instance instances[] = {scene.instance};
         const SnapshotContents contents{.instances = instances, .executions = {}, .values = {}};
         for (uint64_t i = 0; i < times; ++i)
             require(fork(scene.store, contents).has_value(), "no fork");
     }},
    {"modules, loaded and dropped", 1'000'000,
     [](Scene& scene, uint64_t times) {
         for (uint64_t i = 0; i < times; ++i)
             require(scene.engine.load(scene.binary).has_value(), "not loaded");
     }},
    {"linkers with host functions", 10'000'000,
     [](Scene& scene, uint64_t times) {
         for (uint64_t i = 0; i < times; ++i) {
             Linker linker{scene.engine};
             require(linker.func("env", "f", [](int32_t n, int64_t m) { return n + m; }).has_value(),
                     "a definition failed");
         }
     }},
    {"objects of the heap", 1'000'000'000,
     [](Scene& scene, uint64_t times) { call_with(scene, "objects", times); }},
    {"objects of the host", 100'000'000,
     [](Scene& scene, uint64_t times) {
         const auto keep = *scene.instance.func<ExternRef(ExternRef)>("keep");
         for (uint64_t i = 0; i < times; ++i) {
             const RootScope scope{scene.store};
             const auto object = ExternRef::create(scene.store, i);
             require(object && keep(*object), "no object");
         }
     }},
    {"exceptions", 100'000'000, [](Scene& scene, uint64_t times) { call_with(scene, "exceptions", times); }},
    {"traps 50 calls deep", 1'000'000,
     [](Scene& scene, uint64_t times) {
         const Func deep = scene.func("deep");
         const Value args[] = {50};
         Value result;
         for (uint64_t i = 0; i < times; ++i)
             require(!deep.call(args, {&result, 1}).has_value(), "no trap");
     }},
    {"blocks in the guest's memory", 100'000'000,
     [](Scene& scene, uint64_t times) {
         const auto allocator = GuestAllocator::of(scene.instance);
         require(allocator.has_value(), "no allocator");
         std::vector<GuestBuffer> blocks(16);
         for (uint64_t i = 0; i < times; ++i) {
             auto made = allocator->allocate(1 + i * 7919 % 1000);
             require(made.has_value(), "no block");
             blocks[i * 31 % blocks.size()] = std::move(*made);
         }
     }},
};

/// The nanoseconds of CPU time that it takes.
template <typename Work>
double nanoseconds(Work work) {
    timespec start{}, end{};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    work();
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    return 1e9 * static_cast<double>(end.tv_sec - start.tv_sec) +
           static_cast<double>(end.tv_nsec - start.tv_nsec);
}

double median(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
}

#ifdef __linux__
/// A process that is as this one was, and runs a window when it is asked to.
class Copy {
public:
    template <typename Window>
    explicit Copy(Window next) {
        int asked[2], told[2];
        require(pipe(asked) == 0 && pipe(told) == 0, "no pipe");
        process_ = fork();
        require(process_ >= 0, "no process");
        const bool is_copy = process_ == 0;
        ask_ = is_copy ? asked[0] : asked[1];
        tell_ = is_copy ? told[1] : told[0];
        (void)close(is_copy ? asked[1] : asked[0]);
        (void)close(is_copy ? told[0] : told[1]);
        if (!is_copy)
            return;
        for (char any = 0; read(ask_, &any, 1) == 1;) {
            const double time = next();
            require(write(tell_, &time, sizeof time) == sizeof time, "the run has ended");
        }
        _exit(0);
    }
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;
    ~Copy() {
        (void)close(ask_);
        (void)close(tell_);
        (void)waitpid(process_, nullptr, 0);
    }
    [[nodiscard]] double window() const {
        double time = 0;
        require(write(ask_, "", 1) == 1 && read(tell_, &time, sizeof time) == sizeof time,
                "the copy has ended");
        return time;
    }

private:
    pid_t process_;
    int ask_, tell_;
};
#endif

/// Whether it takes no more at the end.
bool stays(const Run& run, uint64_t share, bool memory_only) {
    Scene scene;
    const uint64_t times = std::max<uint64_t>(run.count / share / windows, 1);
    // The nanoseconds that each operation of the next window takes.
    const auto next = [&] {
        return nanoseconds([&] { run.act(scene, times); }) / static_cast<double>(times);
    };
    (void)resident(); // which itself needs pages
    for (int i = 0; i < windows / 10; ++i)
        (void)next();
    std::vector<double> before, after;
#ifdef __linux__
    std::optional<Copy> copy;
    if (!memory_only)
        copy.emplace(next);
#endif
    const double memory = resident();
    for (int i = windows / 10; i < windows; ++i)
        (void)next();
    const double memory_after = resident();
#ifdef __linux__
    for (int i = -2; copy && i < turns; ++i) { // the first ones copy pages that both have written
        const double then = copy->window(), now = next();
        if (i < 0)
            continue;
        before.push_back(then);
        after.push_back(now);
    }
#endif
    const double more_memory = memory == 0 ? 0 : 100 * (memory_after / memory - 1);
    const double more_time = before.empty() ? 0 : 100 * (median(after) / median(before) - 1);
    const bool stayed = more_memory < max_memory_growth && more_time < max_time_growth;
    std::printf("%-30s %10llu times: ", run.name, static_cast<unsigned long long>(times * windows));
    if (!before.empty())
        std::printf("%8.1f ns, at the end %+5.1f %%; ", median(before), more_time);
    std::printf("%6.2f MB, at the end %6.2f (%+5.2f %%)%s\n", memory / 1e6, memory_after / 1e6, more_memory,
                stayed ? "" : " TOO MUCH");
    (void)std::fflush(stdout);
    return stayed;
}

} // namespace

int main(int argc, char** argv) {
#ifdef __linux__
    // A page of 2 MiB would be more than the limit.
    (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
#endif
    uint64_t share = 1;
    bool memory_only = false;
    std::string_view only;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--memory-only")
            memory_only = true;
        else if (option == "--share" && i + 1 < argc)
            share = std::max<uint64_t>(std::strtoull(argv[++i], nullptr, 10), 1);
        else if (option == "--only" && i + 1 < argc)
            only = argv[++i];
        else
            fail("usage: long_runs [--share N] [--only NAME] [--memory-only]");
    }
    int count = 0, failed = 0;
    for (const Run& run : runs)
        if (std::string_view{run.name}.find(only) != std::string_view::npos) {
            ++count;
            failed += stays(run, share, memory_only) ? 0 : 1;
        }
    require(count > 0, "there is no such run");
    std::printf("%d passed, %d failed, 0 skipped\n", count - failed, failed);
    return failed != 0 ? 1 : 0;
}
