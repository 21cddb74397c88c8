#include "snapshot/pages.hpp"
#include "snapshot/restore.hpp"
#include "snapshot/save.hpp"
#include "store/use.hpp"
#include "store/values.hpp"

#include <cinttypes>

/// The public functions.

namespace warpbeam {

// ---- A series ----

SnapshotSeries::SnapshotSeries(PageMark::Way way) noexcept : way_{way} {}
SnapshotSeries::SnapshotSeries(SnapshotSeries&& other) noexcept
    : state_{std::exchange(other.state_, nullptr)}, way_{other.way_} {}
SnapshotSeries& SnapshotSeries::operator=(SnapshotSeries&& other) noexcept {
    SnapshotSeries old{std::move(*this)};
    state_ = std::exchange(other.state_, nullptr);
    way_ = other.way_;
    return *this;
}
bool SnapshotSeries::is_complete() const noexcept {
    return state_ != nullptr && state_->is_valid && state_->is_complete;
}
SnapshotSeries::~SnapshotSeries() {
    if (state_ != nullptr)
        destroy(state_->allocator, state_);
}

namespace {

using vm::Purpose;

/// The head of a snapshot.
struct Head {
    uint32_t flags = 0;
    Digest base{};
};

void write_head(vm::Writer& out, const Head& head) noexcept {
    out.bytes(vm::snapshot_magic);
    out.u32(vm::snapshot_version);
    out.u32(head.flags);
    if ((head.flags & vm::has_base) != 0)
        out.bytes(head.base);
}

bool read_head(vm::Reader& in, Head& head) noexcept {
    uint8_t magic[sizeof vm::snapshot_magic];
    if (!in.bytes(magic))
        return false;
    if (std::memcmp(magic, vm::snapshot_magic, sizeof magic) != 0)
        return in.malformed("this is not a snapshot");
    const uint32_t version = in.u32();
    if (in.ok() && version != vm::snapshot_version)
        return in.malformed("the snapshot has version %" PRIu32 ", and only version %" PRIu32 " is known",
                            version, vm::snapshot_version);
    head.flags = in.u32();
    if (in.ok() && (head.flags & ~(vm::has_fuel | vm::has_base | vm::is_deterministic)) != 0)
        return in.malformed("the snapshot has the flags 0x%" PRIx32 ", which are not known", head.flags);
    return (head.flags & vm::has_base) == 0 ? in.ok() : in.bytes(head.base);
}

} // namespace

std::expected<Digest, Error> save(Store& store, const SnapshotContents& contents, SnapshotSink& sink,
                                  const SnapshotOptions& options) noexcept {
    if (WARPBEAM_SNAPSHOTS == 0)
        return std::unexpected{no_snapshots(store.engine().allocator())};
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    StoreImpl& impl = *vm::Internal::impl(store);
    Allocator& allocator = impl.allocator();
    vm::SeriesState* series = nullptr;
    if (options.series != nullptr) {
        vm::SeriesState*& state = vm::Internal::state(*options.series);
        if (state == nullptr)
            state = create<vm::SeriesState>(allocator, allocator, vm::Internal::way(*options.series));
        series = state;
        if (series == nullptr)
            return std::unexpected{no_memory()};
        if (series->store != 0 && series->store != impl.number())
            return std::unexpected{Error{ErrorCode::usage, "the series has snapshots of another store"}};
        series->store = impl.number();
    }
    const bool follows = series != nullptr && series->is_valid;
    if (series != nullptr)
        series->is_valid = false; // until the snapshot is complete
    vm::Graph graph{impl};
    if (auto found = graph.find(contents); !found)
        return std::unexpected{std::move(found.error())};
    if (graph.shapes.code_bytes() > vm::FrameShapes::max_code_bytes)
        return std::unexpected{Error{ErrorCode::limit, "%s", vm::too_many_places}};
    vm::Writer out{sink, allocator};
    Head head;
    const Config& config = impl.engine().config();
    head.flags = (config.fuel ? vm::has_fuel : 0) | (config.deterministic ? vm::is_deterministic : 0);
    if (follows) {
        head.flags |= vm::has_base;
        head.base = series->last;
    }
    write_head(out, head);
    out.begin_chunks();
    if (auto written = vm::Saver{graph, out, Purpose::snapshot, options, series}.write(); !written)
        return std::unexpected{std::move(written.error())};
    out.end_chunks();
    if (auto written = vm::save_pages(graph, out, series, follows); !written)
        return std::unexpected{std::move(written.error())};
    const Digest digest = out.end();
    if (!out.ok())
        return std::unexpected{out.error()};
    if (series != nullptr) {
        series->last = digest;
        series->is_valid = true;
        series->is_complete = !follows;
    }
    return digest;
}

namespace {

/// What a restorer has made, as the embedder gets it. The store is only moved when nothing can fail any more.
std::expected<Restored, Error> take(Store& store, vm::Restorer& restorer) noexcept {
    StoreImpl& impl = *vm::Internal::impl(store);
    Vec<Instance> instances{impl.allocator()};
    Vec<Execution> executions{impl.allocator()};
    Vec<Root> values{impl.allocator()};
    if (!instances.reserve(restorer.given_instances().size()) ||
        !executions.reserve(restorer.executions().size()) || !values.reserve(restorer.values().size()))
        return std::unexpected{no_memory()};
    for (vm::InstanceObject* const each : restorer.given_instances())
        (void)instances.push(vm::make_handle<Instance>(static_cast<vm::InstanceData*>(each)));
    for (Ref<vm::ExecutionObject>& each : restorer.executions())
        (void)executions.push(
            vm::Internal::execution<Execution>(std::exchange(each, nullptr), impl.number()));
    for (const auto& each : restorer.values())
        (void)values.emplace(store, vm::to_value(each.type, each.slots, impl.types()));
    Restored made{std::move(store)};
    made.instances = std::move(instances);
    made.executions = std::move(executions);
    made.values = std::move(values);
    return made;
}

} // namespace

std::expected<Restored, Error> restore(const Engine& engine, std::span<SnapshotSource* const> sources,
                                       const RestoreOptions& options) noexcept {
    if (WARPBEAM_SNAPSHOTS == 0)
        return std::unexpected{no_snapshots(engine.allocator())};
    if (sources.empty())
        return std::unexpected{Error{ErrorCode::usage, "there is no snapshot to restore"}};
    if (options.linker != nullptr && options.linker->engine() != engine)
        return std::unexpected{Error{ErrorCode::usage, "the linker belongs to another engine"}};
    Store store{engine, options.limits};
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    StoreImpl& impl = *vm::Internal::impl(store);
    Allocator& allocator = impl.allocator();
    vm::Reader in{*sources.back(), allocator};
    Head head;
    if (!read_head(in, head))
        return std::unexpected{in.error()};
    const auto differs = [&](uint32_t flag, bool is_set, const char* option) -> std::optional<Error> {
        if (((head.flags & flag) != 0) == is_set)
            return std::nullopt;
        return Error{ErrorCode::usage, "the snapshot was made with Config::%s %s, which is %s here", option,
                     is_set ? "off" : "on", is_set ? "on" : "off"};
    };
    if (auto error = differs(vm::has_fuel, engine.config().fuel, "fuel"))
        return std::unexpected{std::move(*error)};
    if (auto error = differs(vm::is_deterministic, engine.config().deterministic, "deterministic"))
        return std::unexpected{std::move(*error)};
    if (((head.flags & vm::has_base) != 0) != (sources.size() > 1))
        return std::unexpected{
            Error{ErrorCode::usage, sources.size() > 1
                                        ? "the last snapshot is complete: it needs no earlier ones"
                                        : "the snapshot has only what changed since the one before, which is "
                                          "needed too"}};
    vm::Restorer restorer{impl, in, Purpose::snapshot, options};
    in.begin_chunks();
    if (!restorer.read())
        return std::unexpected{in.error()};
    in.end_chunks();
    if (!in.ok() || !vm::set_initial_pages(in, restorer.instances(), restorer.memories()))
        return std::unexpected{in.error()};
    vm::PageRestorer pages{restorer.memories(), restorer.memory_numbers(), allocator};
    if (!pages.prepare(in))
        return std::unexpected{in.error()};
    Digest last{};
    for (size_t i = 0; i + 1 < sources.size(); ++i) {
        vm::Reader earlier{*sources[i], allocator};
        Head its;
        if (!read_head(earlier, its))
            return std::unexpected{earlier.error()};
        if (i == 0 && (its.flags & vm::has_base) != 0)
            return std::unexpected{
                Error{ErrorCode::usage, "source 0 is not complete: it needs the snapshot before it"}};
        if (i != 0 && ((its.flags & vm::has_base) == 0 || its.base != last))
            return std::unexpected{
                Error{ErrorCode::usage, "source %zu does not continue source %zu", i, i - 1}};
        earlier.skip_chunks();
        if (!earlier.ok() || !pages.read(earlier))
            return std::unexpected{earlier.error()};
        last = earlier.end();
        if (!earlier.ok())
            return std::unexpected{earlier.error()};
    }
    if (sources.size() > 1 && head.base != last)
        return std::unexpected{Error{ErrorCode::usage, "source %zu does not continue source %zu",
                                     sources.size() - 1, sources.size() - 2}};
    if (!pages.read(in))
        return std::unexpected{in.error()};
    const Digest digest = in.end();
    if (!in.ok())
        return std::unexpected{in.error()};
    auto made = take(store, restorer);
    if (made)
        made->digest = digest;
    return made;
}

std::expected<Restored, Error> fork(Store& store, const SnapshotContents& contents,
                                    const ForkOptions& options) noexcept {
    if (WARPBEAM_SNAPSHOTS == 0)
        return std::unexpected{no_snapshots(store.engine().allocator())};
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    StoreImpl& impl = *vm::Internal::impl(store);
    Allocator& allocator = impl.allocator();
    vm::Graph graph{impl};
    if (auto found = graph.find(contents); !found)
        return std::unexpected{std::move(found.error())};
    SnapshotBuffer sink{allocator};
    vm::Writer out{sink, allocator};
    out.begin_chunks();
    if (auto written = vm::Saver{graph, out, Purpose::fork, {}, nullptr}.write(); !written)
        return std::unexpected{std::move(written.error())};
    out.end_chunks();
    (void)out.end();
    if (!out.ok())
        return std::unexpected{no_memory()};
    Store made{impl.engine(), options.limits};
    const vm::Use use_of_made{made};
    if (!use_of_made)
        return std::unexpected{use_of_made.error()};
    SnapshotBytes source{sink.bytes()};
    vm::Reader in{source, allocator};
    RestoreOptions how;
    how.host = options.host;
    vm::Restorer restorer{*vm::Internal::impl(made), in, Purpose::fork, how, &store};
    in.begin_chunks();
    if (!restorer.read())
        return std::unexpected{in.error()};
    return take(made, restorer);
}

} // namespace warpbeam
