// Prints what an instance costs: instantiate_bench [-n ROUNDS] [--guard-pages]. With --check it fails if the
// cost exceeds the limits.

#include <warpbeam/vm/linker.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace warpbeam;
using Bytes = std::vector<uint8_t>;

/// The median of times in microseconds.
class Times {
public:
    template <typename Action>
    void measure(Action action) {
        const auto start = std::chrono::steady_clock::now();
        action();
        const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
        times_.push_back(time.count());
    }
    double median() {
        std::ranges::sort(times_);
        return times_[times_.size() / 2];
    }

private:
    std::vector<double> times_;
};

void number(Bytes& bytes, uint32_t value) {
    for (; value >= 0x80; value >>= 7)
        bytes.push_back(static_cast<uint8_t>(value | 0x80));
    bytes.push_back(static_cast<uint8_t>(value));
}

void section(Bytes& module, uint8_t id, const Bytes& contents) {
    module.push_back(id);
    number(module, static_cast<uint32_t>(contents.size()));
    module.insert(module.end(), contents.begin(), contents.end());
}

/// A module with `funcs` functions of type (func (param i32) (result i32)), and bytes of data, after which
/// there are `more` pages; "f" is the first function.
Bytes make_module(uint32_t funcs, uint32_t data_size, uint32_t more = 2) {
    Bytes module{0, 'a', 's', 'm', 1, 0, 0, 0};
    section(module, 1, {1, 0x60, 1, 0x7f, 1, 0x7f});
    Bytes types;
    number(types, funcs);
    types.resize(types.size() + funcs, 0);
    section(module, 3, types);
    Bytes memory{1, 0};
    number(memory, data_size / 65536 + more);
    section(module, 5, memory);
    section(module, 7, {1, 1, 'f', 0, 0});
    Bytes code;
    number(code, funcs);
    for (uint32_t i = 0; i < funcs; ++i) // local.get 0, i32.load8_u
        code.insert(code.end(), {7, 0, 0x20, 0, 0x2d, 0, 0, 0x0b});
    section(module, 10, code);
    if (data_size != 0) {
        Bytes data{1, 0, 0x41, 0, 0x0b};
        number(data, data_size);
        for (uint32_t i = 0; i < data_size; ++i)
            data.push_back(static_cast<uint8_t>(i * 11 + 1));
        section(module, 11, data);
    }
    return module;
}

/// A value in /proc/self/status, in bytes.
double status(std::string_view name) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(name))
            return std::atof(line.c_str() + name.size() + 1) * 1024;
    return 0;
}
double mappings() {
    std::ifstream file("/proc/self/maps");
    double count = 0;
    for (std::string line; std::getline(file, line);)
        ++count;
    return count;
}

[[noreturn]] void fail(std::string_view why) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
    std::exit(1);
}

Module load(Engine& engine, const Bytes& bytes) {
    const auto module = engine.load(bytes);
    if (!module)
        fail(module.error().message());
    return *module;
}

Instance instantiate(Store& store, const Module& module) {
    const auto instance = Instance::create(store, module);
    if (!instance)
        fail(instance.error().message());
    return *instance;
}

void call(Instance instance, int32_t address) {
    if (!(*instance.func<int32_t(int32_t)>("f"))(address))
        fail("the call trapped");
}

/// The median time to make an instance.
double bench(Engine& engine, uint32_t funcs, uint32_t data_size, int rounds) {
    const auto module = load(engine, make_module(funcs, data_size));
    Times stores;
    Times instances;
    Times calls;
    Times resets;
    Times ends;
    for (int i = 0; i < rounds + 10; ++i) {
        std::optional<Store> store;
        std::optional<Instance> instance;
        const auto make_store = [&] { store.emplace(engine); };
        const auto make = [&] { instance = instantiate(*store, module); };
        const auto use = [&] { call(*instance, 100); };
        const auto reset = [&] {
            if (!instance->reset())
                fail("the reset failed");
        };
        const auto end = [&] { store.reset(); };
        if (i < 10) { // images and code are made in the first runs
            for (const auto& warm : {std::function<void()>{make_store}, {make}, {use}, {reset}, {end}})
                warm();
            continue;
        }
        stores.measure(make_store);
        instances.measure(make);
        calls.measure(use);
        resets.measure(reset);
        ends.measure(end);
    }
    std::printf("%5u functions, %8u bytes of data: store %5.1f us, instance %6.1f us, first call %5.1f us, "
                "reset %5.1f us, destroying the store %5.1f us\n",
                funcs, data_size, stores.median(), instances.median(), calls.median(), resets.median(),
                ends.median());
    return instances.median();
}

/// Makes many instances at once, each with a memory of some pages in its own store and called once, and
/// measures their resident memory.
double crowd(Engine& engine, int count, uint32_t pages) {
    const auto module = load(engine, make_module(10, 1000, pages));
    const auto start = std::chrono::steady_clock::now();
    const double resident = status("VmRSS:");
    const double tables = status("VmPTE:");
    const double mapped = mappings();
    std::vector<std::unique_ptr<Store>> stores;
    for (int i = 0; i < count; ++i) {
        stores.push_back(std::make_unique<Store>(engine));
        call(instantiate(*stores.back(), module), 100);
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    std::printf("%d instances, each in its own store: %.0f resident bytes each (and %.0f of page tables), "
                "%.0f MB in all, %.2f mappings each, %.2f s\n",
                count, (status("VmRSS:") - resident) / count, (status("VmPTE:") - tables) / count,
                status("VmRSS:") / 1e6, (mappings() - mapped) / count, time.count());
    return status("VmRSS:");
}

/// The limits. A busy machine spoils some rounds, or all of them for a second or so.
void check(const Config& config) {
    constexpr double max_microseconds = 20;
    constexpr double max_bytes = 2e9;
    Config eager = config;
    eager.eager = true;
    Engine engine{eager};
    double least = 1e9;
    const auto enough = [&](int round) {
        return round < 10 ? least <= max_microseconds / 2 : least <= max_microseconds;
    };
    for (int round = 0; round < 500 && !enough(round); ++round)
        least = std::min(least, bench(engine, 1000, 1 << 20, 100));
    if (least > max_microseconds)
        fail("an instance of 1,000 functions and 1 MiB of data takes more than 20 us");
    // Guard pages reserve 8 GiB for each memory.
    if (crowd(engine, config.guard_pages ? 10'000 : 100'000, 1) > max_bytes)
        fail("100,000 instances take more than 2 GB");
}

} // namespace

int main(int argc, char** argv) {
    int rounds = 1000;
    bool check_only = false;
    warpbeam::Config config;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view{argv[i]} == "-n" && i + 1 < argc)
            rounds = std::max(1, std::atoi(argv[++i]));
        else if (std::string_view{argv[i]} == "--guard-pages")
            config.guard_pages = true;
        else if (std::string_view{argv[i]} == "--check")
            check_only = true;
        else
            fail("usage: instantiate_bench [-n ROUNDS] [--guard-pages] [--check]");
    }
    if (check_only) {
        check(config);
        return 0;
    }
    warpbeam::Engine engine{config};
    for (const uint32_t data : {0u, 16u << 10, 32u << 10, 64u << 10, 128u << 10, 256u << 10, 1u << 20})
        (void)bench(engine, 10, data, rounds);
    (void)bench(engine, 1000, 0, rounds);
    (void)bench(engine, 1000, 1 << 20, rounds);
    (void)crowd(engine, 10'000, 2);
    if (!config.guard_pages)
        (void)crowd(engine, 100'000, 1);
    return 0;
}
