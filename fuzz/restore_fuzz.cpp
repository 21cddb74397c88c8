// libFuzzer target: snapshots of executions that stand in many places, with parts changed, are restored and
// go on. The digest is made right, so only the contents can be wrong. Nothing may crash, hang or leak.
//
// An input is the number of a snapshot, how many changes are made, and these; or 255 and bytes that are a
// snapshot themselves.

#include "bounded_allocator.hpp"
#include "saved_modules.hpp"

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/snapshot.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace warpbeam {
namespace {

using Bytes = std::vector<uint8_t>;

/// The host calls of all modules.
void define(Linker& linker) {
    (void)linker.host_call<int32_t(int32_t)>("host", "ask");
    (void)linker.host_call<int32_t(int32_t)>("env", "ask");
}

struct Corpus {
    static Config config() {
        Config config;
        config.features = FeatureSet::all();
        config.fuel = true;
        config.allocator = &bounded();
        return config;
    }
    static fuzz::BoundedAllocator& bounded() {
        static fuzz::BoundedAllocator allocator{uint64_t{256} << 20};
        return allocator;
    }
    Corpus() {
        define(linker);
        const auto load = [&](std::string_view text) {
            const auto binary = parse_wat(text);
            if (!binary)
                std::abort();
            modules.push_back(*engine.load(*binary));
            return modules.back();
        };
        Store store{engine};
        store.set_fuel(1'000'000);
        const Instance adding = *linker.instantiate(store, load(adding_module));
        if (!linker.define_instance("other", adding))
            std::abort();
        const Instance stopping = *linker.instantiate(store, load(stopping_module()));
        const Instance switching = *linker.instantiate(store, load(switching_module));
        if (!switching.func("prepare")->call())
            std::abort();
        for (const char* const name : stopping_functions)
            add(store, stopping, name);
        add(store, switching, "run");
    }
    /// Snapshots of a function at some of the places where it stops.
    void add(Store& store, const Instance& instance, const char* name) {
        const Value args[] = {9};
        Execution execution = std::move(*Execution::create(*instance.func(name), args));
        for (const uint64_t slice : {1u, 3u, 9u, 1u, 20u, 2u, 1000u}) {
            if (execution.state() == ExecutionState::host_call && !execution.answer({{Value{3}}}))
                std::abort();
            const auto state = execution.resume({.fuel = slice});
            if (!state || *state == ExecutionState::done || *state == ExecutionState::trapped)
                return;
            SnapshotBuffer sink;
            const Instance instances[] = {instance};
            const Execution* const executions[] = {&execution};
            if (!save(store, {.instances = instances, .executions = executions, .values = {}}, sink))
                std::abort();
            snapshots.emplace_back(sink.bytes().begin(), sink.bytes().end());
        }
    }

    Engine engine{config()};
    Linker linker{engine};
    std::vector<Module> modules;
    std::vector<Bytes> snapshots;
};

/// A change: what, where, and a byte or the length of a part.
constexpr size_t change_size = 5;
Bytes change(Bytes bytes, std::span<const uint8_t> edits) {
    for (; edits.size() >= change_size && bytes.size() > 64; edits = edits.subspan(change_size)) {
        const size_t at = (edits[1] | size_t{edits[2]} << 8) % (bytes.size() - 40);
        const uint8_t byte = edits[3];
        const auto place = bytes.begin() + static_cast<ptrdiff_t>(at);
        switch (edits[0] % 5) {
        case 0:
            *place = byte;
            break;
        case 1:
            *place = static_cast<uint8_t>(*place + byte);
            break;
        case 2:
            bytes.insert(place, edits[4] % 16, byte);
            break;
        case 3:
            bytes.erase(place, place + byte % 16);
            break;
        default: { // a part from elsewhere
            const size_t from = (byte | size_t{edits[4]} << 8) % (bytes.size() - 40);
            std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(from), 8, place);
        }
        }
    }
    return bytes;
}

void use(Restored& made) {
    for (Execution& each : made.executions)
        for (int i = 0; i < 3; ++i) {
            if (each.state() == ExecutionState::host_call)
                (void)each.answer({{Value{1}}});
            (void)each.resume({.fuel = 200});
            (void)each.backtrace();
        }
    made.store.collect();
    std::vector<const Execution*> executions;
    for (const Execution& each : made.executions)
        if (each.state() != ExecutionState::done && each.state() != ExecutionState::trapped)
            executions.push_back(&each);
    SnapshotBuffer sink;
    const SnapshotContents contents{.instances = made.instances, .executions = executions, .values = {}};
    (void)save(made.store, contents, sink);
    (void)fork(made.store, contents);
}

} // namespace
} // namespace warpbeam

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace warpbeam;
    static const Corpus corpus;
    if (size < 2)
        return 0;
    std::span input{data + 2, size - 2};
    Bytes bytes{input.begin(), input.end()};
    if (data[0] != 255) {
        input = input.first(std::min(input.size(), change_size * (1 + data[1] % 6)));
        bytes = change(corpus.snapshots[data[0] % corpus.snapshots.size()], input);
    }
    if (bytes.size() >= 32) {
        const Digest digest = sha256(std::span{bytes}.first(bytes.size() - 32));
        std::ranges::copy(digest, bytes.end() - 32);
    }
    Linker hosts{corpus.engine};
    define(hosts);
    SnapshotBytes source{bytes};
    SnapshotSource* const sources[] = {&source};
    RestoreOptions options;
    options.modules = corpus.modules;
    options.linker = &hosts;
    options.limits.memory_bytes = 64 << 20;
    options.limits.heap_bytes = 16 << 20;
    options.limits.table_elements = 100'000;
    options.max_fuel = 1000;
    if (auto made = restore(corpus.engine, sources, options))
        use(*made);
    return 0;
}
