// Prints how fast modules are decoded and validated: load_bench [-n RUNS] FILE...

#include "files.hpp"

#include <warpbeam/loader/module.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <vector>

namespace {

using namespace warpbeam;

/// The CPU time in seconds of one load, or a negative number if the module is refused.
double load_once(const char* path, std::span<const uint8_t> bytes, const LoadOptions& options) {
    const std::clock_t start = std::clock();
    const auto module = Module::load(bytes, options);
    const std::clock_t end = std::clock();
    if (!module) {
        const std::string_view message = module.error().message();
        std::fprintf(stderr, "%s: refused at offset %zu: %.*s\n", path, module.error().offset(),
                     static_cast<int>(message.size()), message.data());
        return -1;
    }
    return static_cast<double>(end - start) / CLOCKS_PER_SEC;
}

bool bench(const char* path, const std::vector<uint8_t>& bytes, int runs) {
    LoadOptions options;
    options.features = FeatureSet::all();
    options.borrow = true;

    const auto first = Module::load(bytes, options);
    size_t code = 0;
    if (first)
        for (const FuncBody& body : first->bodies())
            code += body.code.size();

    std::vector<double> seconds;
    for (int i = 0; i < runs; ++i) {
        seconds.push_back(load_once(path, bytes, options));
        if (seconds.back() < 0)
            return false;
    }
    std::ranges::sort(seconds);
    const auto rate = [](size_t size, double time) { return static_cast<double>(size) / time / 1e6; };
    const double best = seconds.front();
    const double median = seconds[seconds.size() / 2];
    std::printf("%s: %zu bytes, %zu of code: best %.1f MB/s, median %.1f MB/s (code alone: %.1f, %.1f)\n",
                path, bytes.size(), code, rate(bytes.size(), best), rate(bytes.size(), median),
                rate(code, best), rate(code, median));
    return true;
}

} // namespace

int main(int argc, char** argv) { return bench_files(argc, argv, bench); }
