// Loads mutated modules and checks time and memory: mutate [-s SEED] [-n COUNT] FILE|DIRECTORY...
//
// Files are modules in the binary format, or scripts (.wast) whose modules are used. The same arguments give
// the same mutations. Fails if a load takes too long, takes too much memory for its input, or leaks;
// sanitizers detect crashes.

#include "bounded_allocator.hpp"
#include "script_modules.hpp"

#include <warpbeam/loader/module.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <random>

namespace {

using namespace warpbeam;
using fuzz::Bytes;

/// More than any of these inputs may take, even with sanitizers.
constexpr double max_seconds = 2;

class Mutator {
public:
    explicit Mutator(uint64_t seed) : random_{seed} {}

    /// A copy of `module` with a few changes.
    Bytes mutate(const Bytes& module) {
        Bytes bytes = module;
        for (size_t n = 1 + below(4); n > 0; --n)
            change(bytes);
        return bytes;
    }

private:
    size_t below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

    // Numbers at the limits of LEB128 and of the implementation.
    uint8_t interesting() {
        static constexpr uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x0b, 0x40, 0x60, 0xfb, 0xfd};
        return below(2) == 0 ? values[below(std::size(values))] : static_cast<uint8_t>(random_());
    }

    void change(Bytes& bytes) {
        const size_t at = below(bytes.size());
        const auto position = bytes.begin() + static_cast<ptrdiff_t>(at);
        switch (below(7)) {
        case 0: // flip a bit
        case 1:
            if (!bytes.empty())
                bytes[at] ^= static_cast<uint8_t>(1u << below(8));
            break;
        case 2: // replace a byte
            if (!bytes.empty())
                bytes[at] = interesting();
            break;
        case 3: // insert
            bytes.insert(position, 1 + below(4), interesting());
            break;
        case 4: // truncate
            bytes.resize(at);
            break;
        case 5: // remove
            bytes.erase(position,
                        position + static_cast<ptrdiff_t>(std::min(1 + below(8), bytes.size() - at)));
            break;
        default: { // repeat a part
            const size_t length = std::min(1 + below(64), bytes.size() - at);
            const Bytes part(position, position + static_cast<ptrdiff_t>(length));
            bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(below(bytes.size())), part.begin(),
                         part.end());
        }
        }
    }

    std::mt19937_64 random_;
};

struct Totals {
    size_t valid = 0;
    std::array<size_t, 8> refused{};
    double slowest = 0;
    /// The maximum memory per input byte, beyond the fixed part.
    double max_memory = 0;
};

/// Whether the module is loaded or refused as it should be.
bool load(const Bytes& bytes, Totals& totals) {
    fuzz::BoundedAllocator allocator{fuzz::memory_bound(bytes.size())};
    const std::clock_t start = std::clock();
    {
        LoadOptions options;
        options.features = FeatureSet::all();
        options.allocator = &allocator;
        const auto module = Module::load(bytes, options);
        if (module)
            ++totals.valid;
        else
            ++totals.refused[static_cast<size_t>(module.error().code())];
    }
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    totals.slowest = std::max(totals.slowest, seconds);
    if (!bytes.empty())
        totals.max_memory = std::max(totals.max_memory, static_cast<double>(allocator.peak()) /
                                                            static_cast<double>(bytes.size() + 1024));
    if (allocator.refused())
        std::fprintf(stderr, "too much memory: more than %zu bytes for an input of %zu\n",
                     fuzz::memory_bound(bytes.size()), bytes.size());
    if (allocator.live() != 0)
        std::fprintf(stderr, "leaked %zu bytes\n", allocator.live());
    if (seconds > max_seconds)
        std::fprintf(stderr, "took %.1f seconds for an input of %zu bytes\n", seconds, bytes.size());
    return !allocator.refused() && allocator.live() == 0 && seconds <= max_seconds;
}

void collect(const std::filesystem::path& path, std::vector<Bytes>& modules) {
    if (std::filesystem::is_directory(path)) {
        std::vector<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
            if (entry.path().extension() == ".wasm" || entry.path().extension() == ".wast")
                files.push_back(entry.path());
        std::ranges::sort(files);
        for (const auto& file : files)
            collect(file, modules);
        return;
    }
    const std::string content = fuzz::read_file(path.string());
    if (path.extension() != ".wast") {
        modules.emplace_back(content.begin(), content.end());
        return;
    }
    for (Bytes& module : fuzz::modules_of_script(content))
        modules.push_back(std::move(module));
}

} // namespace

int main(int argc, char** argv) {
    uint64_t seed = 1;
    size_t count = 100'000;
    std::vector<Bytes> modules;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "-s") == 0 && i + 1 < argc)
            seed = std::strtoull(argv[++i], nullptr, 10);
        else if (std::strcmp(argv[i], "-n") == 0 && i + 1 < argc)
            count = std::strtoull(argv[++i], nullptr, 10);
        else
            collect(argv[i], modules);
    }
    if (modules.empty()) {
        std::fputs("usage: mutate [-s SEED] [-n COUNT] FILE|DIRECTORY...\n", stderr);
        return 2;
    }

    Mutator mutator{seed};
    Totals totals;
    size_t failures = 0;
    for (size_t i = 0; i < count; ++i) {
        const Bytes bytes = mutator.mutate(modules[i % modules.size()]);
        if (load(bytes, totals))
            continue;
        const std::string name = "mutate-failure-" + std::to_string(failures++) + ".wasm";
        std::ofstream(name, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        std::fprintf(stderr, "  written to %s\n", name.c_str());
    }
    const auto refused = [&](ErrorCode code) { return totals.refused[static_cast<size_t>(code)]; };
    std::printf("%zu mutations of %zu modules: %zu valid, %zu malformed, %zu invalid, %zu over a limit, %zu "
                "failures; "
                "slowest %.3f s, peak memory %.1f bytes per input byte (with 1 KiB added)\n",
                count, modules.size(), totals.valid, refused(ErrorCode::malformed),
                refused(ErrorCode::invalid), refused(ErrorCode::limit), failures, totals.slowest,
                totals.max_memory);
    return failures == 0 ? 0 : 1;
}
