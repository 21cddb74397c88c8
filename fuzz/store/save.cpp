#include "store/driver.hpp"
#include "store/modules.hpp"

#include <algorithm>

namespace warpbeam::fuzz {

using Bytes = std::vector<uint8_t>;

namespace {

class Sink final : public SnapshotSink {
public:
    explicit Sink(size_t room) : room_{room} {}
    bool write(std::span<const uint8_t> more) noexcept override {
        if (more.size() > room_ - bytes.size())
            return false;
        bytes.insert(bytes.end(), more.begin(), more.end());
        return true;
    }
    Bytes bytes;

private:
    size_t room_;
};

} // namespace

/// Names things by their numbers, and functions not at all.
class Names final : public SnapshotHost {
public:
    explicit Names(Driver& driver) : driver_{driver} {}
    bool name_extern(const Store& store, ExternRef reference, Vec<uint8_t>& name) noexcept override {
        const Thing* const thing = reference.object<Thing>(store);
        if (thing != nullptr)
            return name.push(static_cast<uint8_t>(thing->number));
        return reference.is_host() && name.push(static_cast<uint8_t>(reference.payload())) && name.push(0);
    }
    std::optional<ExternRef> find_extern(Store& store, std::span<const uint8_t> name) noexcept override {
        if (name.size() == 2)
            return ExternRef::host(name[0]);
        return name.size() == 1 ? make(store, name[0]) : std::nullopt;
    }
    std::optional<ExternRef> clone_extern(Store& to, const Store& from,
                                          ExternRef reference) noexcept override {
        const Thing* const thing = reference.object<Thing>(from);
        if (thing != nullptr)
            return make(to, thing->number);
        return reference.is_host() ? std::optional{reference} : std::nullopt;
    }

private:
    std::optional<ExternRef> make(Store& store, uint32_t number) {
        Thing thing{.counted = Counted{driver_.things_}, .number = number, .root = {}, .exception = {}};
        const auto made = ExternRef::create(store, std::move(thing));
        return made ? std::optional{*made} : std::nullopt;
    }
    Driver& driver_;
};

void Driver::save(Home& home) {
    Names names{*this};
    SnapshotHost* const host = input_.byte() % 8 != 0 ? &names : nullptr;
    std::vector<Instance> instances;
    std::vector<Value> values;
    std::vector<Run*> runs;
    std::vector<const Execution*> executions;
    for (int count = input_.byte() % 3; count > 0; --count)
        instances.push_back((input_.byte() == 255 ? this->home() : home).instances.pick(input_));
    for (int count = input_.byte() % 3; count > 0; --count)
        values.push_back(value(home, type()));
    for (size_t i = 0; i < runs_.size(); ++i) {
        Run& run = runs_[i];
        const ExecutionState state = run.execution.state();
        const bool fits =
            run.home == &home && state != ExecutionState::done && state != ExecutionState::trapped;
        if (input_.byte() % 4 == 0 ? !fits && input_.byte() == 255 : fits) {
            runs.push_back(&run);
            executions.push_back(&run.execution);
        }
    }
    const SnapshotContents contents{instances, executions, values};
    if (input_.byte() % 2 == 0) {
        auto forked = fork(*home.store, contents, {.host = host, .limits = limits});
        require(home.running == 0 || !forked);
        if (done(forked))
            take_over(std::move(*forked), runs);
        return;
    }
    Sink sink{input_.byte() % 16 == 0 ? input_.size() : SIZE_MAX};
    const bool carries = input_.byte() % 2 == 0;
    SnapshotSeries* const series = input_.byte() % 2 == 0 ? &home.series : nullptr;
    const auto digest = warpbeam::save(*home.store, contents, sink,
                                       {.host = host, .carry_modules = carries, .series = series});
    require(home.running == 0 || !digest);
    if (!done(digest))
        return;
    if (series != nullptr) {
        if (series->is_complete())
            home.parts.clear();
        home.parts.push_back(sink.bytes);
        if (input_.byte() % 4 == 0) {
            SnapshotSeries moved{std::move(*series)};
            require(!series->is_complete());
            *series = std::move(moved);
        }
    } else {
        Sink again{SIZE_MAX};
        const auto same =
            warpbeam::save(*home.store, contents, again, {.host = host, .carry_modules = carries});
        require(same ? *same == *digest && again.bytes == sink.bytes : is_scarce());
    }
    const std::vector<Bytes> parts = series != nullptr ? home.parts : std::vector<Bytes>{sink.bytes};
    std::vector<SnapshotBytes> sources;
    for (const Bytes& part : parts)
        sources.emplace_back(part);
    std::vector<SnapshotSource*> pointers;
    for (SnapshotBytes& source : sources)
        pointers.push_back(&source);
    auto restored = restore(*engine_, pointers,
                            {.modules = carries ? std::span<const Module>{} : modules_,
                             .linker = linkers_.pick(input_),
                             .host = host,
                             .limits = limits});
    if (!done(restored))
        return;
    require(restored->digest == *digest);
    Sink copy{SIZE_MAX};
    std::vector<const Execution*> copies;
    for (const Execution& each : restored->executions)
        copies.push_back(&each);
    std::vector<Value> its_values;
    for (const Root& each : restored->values)
        its_values.push_back(each.value());
    const auto saved_again = warpbeam::save(restored->store, {restored->instances, copies, its_values}, copy,
                                            {.host = host, .carry_modules = carries});
    // Types and functions that got their names from instances outside of the snapshot have none now.
    require(saved_again || is_scarce() || saved_again.error().message().contains("name"));
    if (saved_again && series == nullptr && !has_copies_)
        require(*saved_again == *digest && copy.bytes == sink.bytes);
    has_copies_ |= carries;
    take_over(std::move(*restored), runs);
}

/// Uses a restored or forked store from now on.
void Driver::take_over(Restored restored, std::span<Run* const> originals) {
    require(restored.executions.size() == originals.size());
    for (size_t i = 0; i < originals.size(); ++i) {
        const Execution& copy = restored.executions[i];
        const Execution& original = originals[i]->execution;
        require(copy.state() == original.state() && copy.fuel() == original.fuel() &&
                copy.fuel_debt() == original.fuel_debt() &&
                copy.type().params.size() == original.type().params.size());
    }
    if (homes_.size() == max_homes) {
        // Nothing is taken out, so all of it ends.
        return;
    }
    const auto instances = std::move(restored.instances);
    auto executions = std::move(restored.executions);
    auto values = std::move(restored.values);
    Home& home = add_home(std::move(restored.store));
    for (const Instance& each : instances)
        keep_instance(home, each);
    for (size_t i = 0; i < originals.size(); ++i) {
        const std::optional<Instance> guest = executions[i].host_call().instance;
        Run* const run = add_run(home, std::move(executions[i]));
        if (run != nullptr && guest && originals[i]->on_stack)
            adopt(*run, *guest);
    }
    for (Root& each : values)
        if (const Value& value = each.value();
            value.type().is_ref() && !value.is_null() && !value.is<Func>()) {
            const uint64_t stamped = stamp(home, value);
            home.roots.push_back({std::move(each), stamped});
        }
    check(home);
}

} // namespace warpbeam::fuzz
