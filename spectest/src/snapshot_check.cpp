// Every call of the official scripts is saved at some of its safepoints, and ends in another process, which
// may be of another build:
//
//     snapshot_check save [OPTION...] FILE... | snapshot_check finish
//
// The first runs each call in a copy of the store for its fuel, and for the digest of a snapshot of the
// instances and results at its end, and then again with stops at random amounts of fuel. The second restores
// what was saved at each stop, and expects the same end, fuel and digest. Options: --points N (stops for each
// call), --one-of N (one of N calls at random, instead of all), --seed N, --deterministic.

#include "host_module.hpp"
#include "refusal.hpp"

#include <warpbeam/memory/little_endian.hpp>
#include <warpbeam/spectest/runner.hpp>
#include <warpbeam/vm/snapshot.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

namespace {

using namespace warpbeam;
using namespace warpbeam::spectest;

constexpr uint64_t enough_fuel = uint64_t{1} << 40;
/// Of all memories: what a machine with 32-bit addresses has, too, so that memory.grow fails on all alike.
constexpr uint64_t max_memory_bytes = uint64_t{1} << 30;

template <typename T, typename E>
T need(std::expected<T, E> made) {
    if (!made)
        throw std::runtime_error{std::string{made.error().message()}};
    if constexpr (!std::is_void_v<T>)
        return std::move(*made);
}

/// External references are numbers in scripts.
class Numbers final : public SnapshotHost {
public:
    bool name_extern(const Store&, ExternRef reference, Vec<uint8_t>& name) noexcept override {
        const uint64_t number = reference.payload();
        uint8_t bytes[sizeof number];
        for (size_t i = 0; i < sizeof number; ++i)
            bytes[i] = static_cast<uint8_t>(number >> 8 * i);
        return reference.is_host() && name.append(bytes);
    }
    std::optional<ExternRef> find_extern(Store&, std::span<const uint8_t> name) noexcept override {
        uint64_t number = 0;
        if (name.size() != sizeof number)
            return std::nullopt;
        for (size_t i = 0; i < sizeof number; ++i)
            number |= uint64_t{name[i]} << 8 * i;
        return ExternRef::host(number);
    }
};

// ---- What goes from one process to the other ----

enum class Record : uint8_t { file, module, call, end };

/// Where the call was saved, and what will come of it.
struct SavedCall {
    uint32_t line = 0;
    uint64_t fuel_before = 0; ///< what it had taken
    uint64_t fuel = 0;        ///< of the whole call
    uint32_t results = 0;     ///< the number of its results
    Digest digest{};          ///< at its end
};

void put(const void* bytes, size_t size) {
    if (std::fwrite(bytes, 1, size, stdout) != size)
        throw std::runtime_error{"the output can't be written"};
}
/// The other process may be of a machine with another byte order and another word size.
void put(uint64_t number) {
    number = little_endian(number);
    put(&number, sizeof number);
}
void put(Record record) { put(static_cast<uint64_t>(record)); }
void put(const FeatureSet& features) {
    uint64_t bits = 0;
    for (const FeatureRow& row : feature_table)
        bits |= uint64_t{features.has(row.feature)} << static_cast<unsigned>(row.feature);
    put(bits);
}
void put(const SavedCall& call) {
    put(uint64_t{call.line});
    put(call.fuel_before);
    put(call.fuel);
    put(uint64_t{call.results});
    put(call.digest.data(), call.digest.size());
}
void put_all(std::span<const uint8_t> bytes) {
    put(uint64_t{bytes.size()});
    put(bytes.data(), bytes.size());
}
std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void get(void* bytes, size_t size) {
    if (std::fread(bytes, 1, size, stdin) != size)
        throw std::runtime_error{"the input ends too early: has the saving process failed?"};
}
uint64_t get_number() {
    uint64_t number = 0;
    get(&number, sizeof number);
    return little_endian(number);
}
FeatureSet get_features() {
    const uint64_t bits = get_number();
    FeatureSet features;
    for (const FeatureRow& row : feature_table)
        if ((bits >> static_cast<unsigned>(row.feature) & 1) != 0)
            features.enable(row.feature);
        else
            features.disable(row.feature);
    return features;
}
SavedCall get_call() {
    SavedCall call;
    call.line = static_cast<uint32_t>(get_number());
    call.fuel_before = get_number();
    call.fuel = get_number();
    call.results = static_cast<uint32_t>(get_number());
    get(call.digest.data(), call.digest.size());
    return call;
}
std::vector<uint8_t> get_all() {
    std::vector<uint8_t> bytes(static_cast<size_t>(get_number()));
    get(bytes.data(), bytes.size());
    return bytes;
}
std::string get_text() {
    const auto bytes = get_all();
    return {bytes.begin(), bytes.end()};
}

// ---- A call in a store that was restored ----

/// The functions that scripts may import.
class Hosts {
public:
    explicit Hosts(const Engine& engine) : store_{engine}, linker_{engine} {
        need(define_host_module(linker_, store_));
    }
    [[nodiscard]] Restored restored(std::span<const Module> modules, std::span<const uint8_t> bytes) const {
        Numbers host;
        SnapshotBytes source{bytes};
        SnapshotSource* const sources[] = {&source};
        return need(restore(store_.engine(), sources,
                            {.modules = modules,
                             .linker = &linker_,
                             .host = &host,
                             .limits = {.memory_bytes = max_memory_bytes}}));
    }

private:
    Store store_; ///< of what is no function
    Linker linker_;
};

/// How it ended: `done`, or the trap's message.
std::string end_of(const Execution& execution) {
    return execution.trap() == nullptr ? "done" : "trap: " + std::string{execution.trap()->message()};
}

/// The digest of the instances and results.
Digest digest_of(Restored& ended, size_t count) {
    Numbers host;
    std::vector<Value> results;
    if (ended.executions[0].trap() == nullptr) {
        results.resize(count);
        need(ended.executions[0].results(results));
    }
    struct : SnapshotSink {
        bool write(std::span<const uint8_t>) noexcept override { return true; }
    } sink;
    return need(save(ended.store, {.instances = ended.instances, .values = results}, sink, {.host = &host}));
}

class Saving {
public:
    Saving(size_t one_of, size_t points, uint64_t seed)
        : one_of_{one_of}, points_{points}, seed_{seed}, choose_call_{seed} {}

    void file(const std::string& path, const Config& config) {
        put(Record::file);
        put_all(bytes_of(path));
        put(config.features);
        put(uint64_t{config.deterministic});
        modules_.clear();
        hosts_.reset();
    }
    void module(std::span<const uint8_t> bytes, const Module& module) {
        const std::scoped_lock alone{mutex_};
        put(Record::module);
        put_all(bytes);
        modules_.push_back(module);
    }
    void call(const PendingCall& call) {
        const std::scoped_lock alone{mutex_};
        if (choose_call_() % one_of_ != 0)
            return;
        try {
            save_call(call);
        } catch (const std::exception& fault) {
            ++failed_;
            std::fprintf(stderr, "line %u: %s\n", call.line, fault.what());
        }
    }
    /// Whether everything could be saved.
    bool end() {
        put(Record::end);
        put(uint64_t{failed_});
        std::fprintf(stderr,
                     "%zu calls saved at %zu points; %zu refused because of shared memories, %zu failed\n",
                     calls_, saved_, shared_, failed_);
        return failed_ == 0 && saved_ != 0;
    }

private:
    void save_call(const PendingCall& call) {
        Execution execution = need(Execution::create(call.function, call.arguments));
        const Execution* const executions[] = {&execution};
        Numbers host;
        SnapshotBuffer begin;
        if (const auto made = save(call.store, {.instances = call.instances, .executions = executions}, begin,
                                   {.host = &host});
            !made) {
            if (!made.error().message().contains("shared"))
                throw std::runtime_error{std::string{made.error().message()}};
            ++shared_;
            return;
        }
        ++calls_;
        SavedCall saved{.line = call.line,
                        .results = static_cast<uint32_t>(call.function.type().results.size())};
        if (!hosts_)
            hosts_.emplace(call.store.engine());
        Restored whole = hosts_->restored(modules_, begin.bytes());
        Execution& all = whole.executions[0];
        if (const ExecutionState state = need(all.resume({enough_fuel}));
            state != ExecutionState::done && state != ExecutionState::trapped)
            throw std::runtime_error{"the call doesn't end"};
        saved.fuel = enough_fuel - all.fuel();
        saved.digest = digest_of(whole, saved.results);
        const std::string end = end_of(all);

        std::mt19937_64 choose{seed_ ^ call.line};
        std::set<uint64_t> points;
        for (size_t i = 0; i < points_ && saved.fuel != 0; ++i)
            points.insert(choose() % saved.fuel);
        Restored part = hosts_->restored(modules_, begin.bytes());
        uint64_t given = 0;
        for (const uint64_t point : points) {
            const ExecutionState state = need(part.executions[0].resume({point - given}));
            given = point;
            if (state != ExecutionState::out_of_fuel)
                break; // the last units were taken without a stop
            const Execution* const stopped[] = {&part.executions[0]};
            SnapshotBuffer bytes;
            (void)need(save(part.store, {.instances = part.instances, .executions = stopped}, bytes,
                            {.host = &host}));
            saved.fuel_before = given - part.executions[0].fuel();
            put(Record::call);
            put(saved);
            put_all(bytes_of(end));
            put_all(bytes.bytes());
            ++saved_;
        }
    }

    size_t one_of_;
    size_t points_;
    uint64_t seed_;
    std::mt19937_64 choose_call_;
    std::mutex mutex_;            ///< scripts have threads
    std::vector<Module> modules_; ///< of this file
    std::optional<Hosts> hosts_;
    size_t calls_ = 0, saved_ = 0, shared_ = 0, failed_ = 0;
};

int save_all(std::span<char* const> words) {
    size_t one_of = 1;
    size_t points = 20;
    uint64_t seed = 0;
    RunOptions options;
    options.config.fuel = true;
    std::vector<std::string> files;
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string_view word = words[i];
        const auto number = [&](auto& to) {
            const std::string_view text = ++i < words.size() ? words[i] : "";
            if (std::from_chars(text.begin(), text.end(), to).ec != std::errc{})
                throw std::runtime_error{std::string{word} + " needs a number"};
        };
        if (word == "--one-of")
            number(one_of);
        else if (word == "--points")
            number(points);
        else if (word == "--seed")
            number(seed);
        else if (word == "--deterministic")
            options.config.deterministic = true;
        else
            files.emplace_back(word);
    }
    Saving saving{std::max<size_t>(one_of, 1), points, seed};
    options.loaded = [&](std::span<const uint8_t> bytes, const Module& module) {
        saving.module(bytes, module);
    };
    options.before_call = [&](const PendingCall& call) { saving.call(call); };
    for (const std::string& path : files) {
        RunOptions chosen = options;
        chosen.config.features = suite_features(path, options.config.features);
        saving.file(path, chosen.config);
        // What the script itself expects is for other tests.
        run_file(path, options, [](const Finding&) {});
    }
    return saving.end() ? 0 : 1;
}

class Finishing {
public:
    int run() {
        for (;;) {
            switch (static_cast<Record>(get_number())) {
            case Record::file:
                file();
                break;
            case Record::module: {
                const auto bytes = get_all();
                modules_.push_back(need(engine_->load(bytes)));
                break;
            }
            case Record::call:
                call();
                break;
            case Record::end:
                failed_ += static_cast<size_t>(get_number());
                std::printf("%zu passed, %zu failed\n", passed_, failed_);
                return failed_ == 0 && passed_ != 0 ? 0 : 1;
            }
        }
    }

private:
    void file() {
        path_ = get_text();
        Config config;
        config.fuel = true;
        config.features = get_features();
        config.deterministic = get_number() != 0;
        modules_.clear();
        engine_.emplace(config);
        hosts_.emplace(*engine_);
    }
    void call() {
        const auto expected = get_call();
        const std::string end = get_text();
        const auto bytes = get_all();
        std::string found;
        try {
            found = finish(expected, end, bytes);
        } catch (const std::exception& fault) {
            found = fault.what();
        }
        ++(found.empty() ? passed_ : failed_);
        if (!found.empty())
            std::printf("%s:%u: saved after %llu units of fuel: %s\n", path_.c_str(), expected.line,
                        static_cast<unsigned long long>(expected.fuel_before), found.c_str());
    }
    /// What differs; nothing if all is as expected.
    std::string finish(const SavedCall& expected, const std::string& end, std::span<const uint8_t> bytes) {
        Restored restored = hosts_->restored(modules_, bytes);
        Execution& execution = restored.executions[0];
        const uint64_t had = execution.fuel();
        (void)need(execution.resume({enough_fuel}));
        if (end_of(execution) != end)
            return "expected \"" + end + "\", found \"" + end_of(execution) + "\"";
        const uint64_t fuel = expected.fuel_before + (enough_fuel + had - execution.fuel());
        if (fuel != expected.fuel)
            return "expected " + std::to_string(expected.fuel) + " units of fuel in all, found " +
                   std::to_string(fuel);
        return digest_of(restored, expected.results) == expected.digest ? ""
                                                                        : "the instances or results differ";
    }

    std::string path_;
    std::optional<Engine> engine_;
    std::optional<Hosts> hosts_;
    std::vector<Module> modules_;
    size_t passed_ = 0, failed_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    const std::span<char* const> words{argv, static_cast<size_t>(argc)};
#ifdef _WIN32
    for (int stream = 0; stream < 2; ++stream)
        (void)::_setmode(stream, _O_BINARY);
#endif
    try {
        if (words.size() > 2 && std::string_view{words[1]} == "save")
            return save_all(words.subspan(2));
        if (words.size() == 2 && std::string_view{words[1]} == "finish")
            return Finishing{}.run();
        std::fprintf(stderr, "snapshot_check save [--points N] [--seed N] [--deterministic] FILE... | "
                             "snapshot_check finish\n");
    } catch (const std::exception& fault) {
        std::fprintf(stderr, "snapshot_check: %s\n", fault.what());
    }
    return 2;
}
