// Prints how fast modules are lowered on one thread, and how large their code is: lower_bench [-n RUNS]
// FILE...

#include "files.hpp"

#include <warpbeam/vm/engine.hpp>
#include <warpbeam/vm/worker_pool.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <vector>

namespace {

using namespace warpbeam;

/// Does all parts in the calling thread.
class OneThread final : public WorkerPool {
public:
    void run(Work& work, size_t count) noexcept override {
        for (size_t i = 0; i < count; ++i)
            work.part(i);
    }
};

/// Counts the bytes that are allocated at a time.
class Counter final : public Allocator {
public:
    size_t bytes = 0;

    void* allocate(size_t size, size_t alignment) noexcept override {
        void* const block = standard().allocate(size, alignment);
        bytes += block != nullptr ? size : 0;
        return block;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        bytes -= size;
        standard().deallocate(block, size, alignment);
    }
};

struct Result {
    double seconds;
    size_t body; ///< the size of the functions' code in the module
    size_t code; ///< what they became
};

/// Negative seconds if the module is refused.
Result lower_once(const char* path, std::span<const uint8_t> bytes) {
    Counter counter;
    Engine engine{{.features = FeatureSet::all(), .allocator = &counter}};
    const auto refused = [path](const Error& error) {
        std::fprintf(stderr, "%s: %.*s\n", path, static_cast<int>(error.message().size()),
                     error.message().data());
        return Result{-1, 0, 0};
    };
    const auto module = engine.load(bytes, {.borrow = true});
    if (!module)
        return refused(module.error());
    size_t body = 0;
    for (const FuncBody& func : module->bodies())
        body += func.code.size();
    OneThread pool;
    const size_t before = counter.bytes;
    const std::clock_t start = std::clock();
    const auto lowered = engine.lower(*module, pool);
    const std::clock_t end = std::clock();
    if (!lowered)
        return refused(lowered.error());
    return {static_cast<double>(end - start) / CLOCKS_PER_SEC, body, counter.bytes - before};
}

bool bench(const char* path, const std::vector<uint8_t>& bytes, int runs) {
    std::vector<double> seconds;
    Result result{};
    for (int i = 0; i < runs; ++i) {
        result = lower_once(path, bytes);
        if (result.seconds < 0)
            return false;
        seconds.push_back(result.seconds);
    }
    std::ranges::sort(seconds);
    const auto body = static_cast<double>(result.body);
    std::printf("%s: %zu bytes of code become %zu (%.2f): best %.1f MB/s, median %.1f MB/s\n", path,
                result.body, result.code, static_cast<double>(result.code) / body,
                body / seconds.front() / 1e6, body / seconds[seconds.size() / 2] / 1e6);
    return true;
}

} // namespace

int main(int argc, char** argv) { return bench_files(argc, argv, bench); }
