// The snippets of docs/snapshots.md, whole and as a test: the lines between the marks are those that the page
// shows.

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/snapshot.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace warpbeam;

int failures = 0;
void check(bool good, const char* what) {
    if (!good) {
        std::fprintf(stderr, "%s\n", what);
        ++failures;
    }
}

// A process that adds what it is told.
constexpr std::string_view process = R"((module
    (import "host" "receive" (func $receive (result i32)))
    (memory 16)
    (func (export "run") (result i32)
      (loop $next
        (i32.store (i32.const 70000) (i32.add (i32.load (i32.const 70000)) (call $receive)))
        (br_if $next (i32.lt_u (i32.load (i32.const 70000)) (i32.const 100))))
      (i32.load (i32.const 70000)))))";

/// Answers, and goes on.
bool tell(Execution& to, int32_t number) { return to.answer({{Value{number}}}) && to.resume(); }

// [host
/// External references are numbers here, such as keys of a table of the host's.
class Names final : public SnapshotHost {
public:
    bool name_extern(const Store&, ExternRef reference, Vec<uint8_t>& name) noexcept override {
        return reference.is_host() && name.push(static_cast<uint8_t>(reference.payload()));
    }
    std::optional<ExternRef> find_extern(Store&, std::span<const uint8_t> name) noexcept override {
        return name.size() == 1 ? std::optional{ExternRef::host(name[0])} : std::nullopt;
    }
};
// host]

void run_names(const Engine& engine) {
    Store store{engine};
    Names names;
    const Value values[] = {Value{ExternRef::host(7)}};
    SnapshotBuffer snapshot;
    check(save(store, {.values = values}, snapshot, {.host = &names}).has_value(), "names");
    SnapshotBytes source{snapshot.bytes()};
    SnapshotSource* const sources[] = {&source};
    const auto restored = restore(engine, sources, {.host = &names});
    check(restored && restored->values[0].value().as<ExternRef>().payload() == 7, "names are found");
}

void run() {
    const Engine engine;
    Linker linker{engine};
    check(linker.host_call<int32_t()>("host", "receive").has_value(), "define");
    const auto binary = parse_wat(process);
    const auto module = engine.load(*binary);
    Store store{engine};
    const auto instance = linker.instantiate(store, *module);
    Execution execution = std::move(*Execution::create(*instance->func("run")));
    check(execution.resume().has_value() && tell(execution, 10), "run");

    // [save
    const Instance instances[] = {*instance};
    const Execution* const executions[] = {&execution};
    const SnapshotContents contents{.instances = instances, .executions = executions};
    SnapshotBuffer snapshot;
    const auto digest = save(store, contents, snapshot, {.carry_modules = true});
    if (!digest)
        return std::puts(std::string{digest.error().message()}.c_str()), void();
    // save]

    {
        // [restore
        SnapshotBytes source{snapshot.bytes()};
        SnapshotSource* const sources[] = {&source};
        auto restored = restore(engine, sources, {.linker = &linker});
        if (!restored)
            return std::puts(std::string{restored.error().message()}.c_str()), void();
        Execution& again = restored->executions[0]; // waits for its message, like the one that was saved
        // restore]
        check(again.state() == ExecutionState::host_call && tell(again, 90), "go on");
        Value result;
        check(again.results({&result, 1}) && result.as<int32_t>() == 100, "result");
    }
    {
        // [series
        SnapshotSeries series;
        SnapshotBuffer first;
        SnapshotBuffer second;
        if (!save(store, contents, first, {.carry_modules = true, .series = &series}))
            return;
        check(tell(execution, 5), "go on"); // the guest writes to one page
        if (!save(store, contents, second, {.carry_modules = true, .series = &series}))
            return;
        SnapshotBytes sources_of[] = {SnapshotBytes{first.bytes()}, SnapshotBytes{second.bytes()}};
        SnapshotSource* const sources[] = {&sources_of[0], &sources_of[1]};
        auto restored = restore(engine, sources, {.linker = &linker});
        // series]
        check(restored && second.bytes().size() < 5000, "series");
        check(tell(restored->executions[0], 85), "go on");
        check(restored->executions[0].state() == ExecutionState::done, "done");
    }
    {
        // [fork
        auto copy = fork(store, contents);
        if (!copy)
            return std::puts(std::string{copy.error().message()}.c_str()), void();
        // Both wait for a message, and what one writes the other does not see.
        // fork]
        // [thread
        std::thread other{
            [made = std::move(*copy)]() mutable { check(tell(made.executions[0], 200), "another thread"); }};
        // thread]
        check(tell(execution, 1), "go on");
        other.join();
        check(execution.state() == ExecutionState::host_call, "waits");
    }
}

} // namespace

int main() {
    run();
    run_names(Engine{});
    return failures;
}
