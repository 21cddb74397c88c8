#include "execution.hpp"
#include "linker.hpp"
#include "module.hpp"
#include "options.hpp"
#include "vectors.hpp"

#include <warpbeam/vm/snapshot.hpp>

struct warpbeam_restored_t {
    warpbeam::Ref<wasm_store_t> store;
    bool owns_store = true;
    warpbeam::Vec<warpbeam::Instance> instances;
    warpbeam::Vec<warpbeam::Execution> executions;
};

namespace warpbeam::capi {
namespace {

/// The contents for the engine.
struct Contents {
    Vec<Instance> instances;
    Vec<const Execution*> executions;

    [[nodiscard]] SnapshotContents all() const noexcept {
        return {.instances = instances, .executions = executions};
    }
};

std::expected<Contents, Error> contents_of(const wasm_store_t* store,
                                           const warpbeam_contents_t* from) noexcept {
    if (store == nullptr || !store->store)
        return std::unexpected{Error{ErrorCode::usage, "there is no store"}};
    warpbeam_contents_t contents{};
    if (const auto read = read_options(contents, from); !read)
        return std::unexpected{read.error()};
    Contents all{Vec<Instance>{store->engine.allocator()}, Vec<const Execution*>{store->engine.allocator()}};
    if (!all.instances.reserve(contents.instance_count) || !all.executions.reserve(contents.execution_count))
        return std::unexpected{Error{ErrorCode::out_of_memory}};
    for (size_t i = 0; i < contents.instance_count; ++i) {
        if (find<Instance>(contents.instances[i]) == nullptr ||
            as_ref(contents.instances[i])->store.get() != store)
            return std::unexpected{Error{ErrorCode::usage, "instance %zu is null, or of another store", i}};
        (void)all.instances.push(handle<Instance>(contents.instances[i]));
    }
    for (size_t i = 0; i < contents.execution_count; ++i) {
        const warpbeam_execution_t* const execution = contents.executions[i];
        if (execution == nullptr || execution->store.get() != store)
            return std::unexpected{Error{ErrorCode::usage, "execution %zu is null, or of another store", i}};
        (void)all.executions.push(&execution->execution);
    }
    return all;
}

/// What was made, for C.
warpbeam_error_t* hand_over(std::expected<Restored, Error> restored, const StoreLimits& limits,
                            warpbeam_restored_t** out) noexcept {
    if (!restored)
        return make_error(restored.error());
    auto store = Ref<wasm_store_t>::adopt(
        create<wasm_store_t>(restored->store.engine().allocator(), limits, std::move(restored->store)));
    if (store)
        *out = create<warpbeam_restored_t>(common(), std::move(store), true, std::move(restored->instances),
                                           std::move(restored->executions));
    return *out != nullptr ? nullptr : make_error(Error{ErrorCode::out_of_memory});
}

/// Into a vector for C.
class ByteSink final : public SnapshotSink {
public:
    explicit ByteSink(Allocator& allocator) noexcept : bytes_{allocator} {}
    [[nodiscard]] bool write(std::span<const uint8_t> bytes) noexcept override {
        return bytes_.append(bytes);
    }
    /// False if memory runs out.
    [[nodiscard]] bool copy_to(wasm_byte_vec_t& out) const noexcept {
        if (!make_vec(out, bytes_.size()))
            return false;
        std::memcpy(out.data, bytes_.data(), bytes_.size());
        return true;
    }

private:
    Vec<uint8_t> bytes_;
};

} // namespace
} // namespace warpbeam::capi

using namespace warpbeam;

void warpbeam_contents_init(warpbeam_contents_t* out, size_t size) {
    capi::write_options(out, size, warpbeam_contents_t{});
}

warpbeam_error_t* warpbeam_snapshot_save(wasm_store_t* store, const warpbeam_contents_t* contents,
                                         wasm_byte_vec_t* out) {
    *out = {0, nullptr};
    const auto all = capi::contents_of(store, contents);
    if (!all)
        return capi::make_error(all.error());
    capi::ByteSink sink{store->allocator()};
    if (const auto saved = save(*store->store, all->all(), sink); !saved)
        return capi::make_error(saved.error());
    return sink.copy_to(*out) ? nullptr : capi::make_error(Error{ErrorCode::out_of_memory});
}

warpbeam_error_t* warpbeam_snapshot_restore(wasm_engine_t* engine, const wasm_byte_vec_t* snapshot,
                                            const wasm_module_t* const* modules, size_t module_count,
                                            const warpbeam_linker_t* linker, warpbeam_restored_t** out) {
    *out = nullptr;
    if (engine == nullptr || snapshot == nullptr || snapshot->data == nullptr)
        return capi::misuse("there is no engine, or no snapshot");
    Vec<Module> all{engine->engine.allocator()};
    if (!all.reserve(module_count))
        return capi::make_error(Error{ErrorCode::out_of_memory});
    for (size_t i = 0; i < module_count; ++i)
        (void)all.push(capi::module_of(modules[i]));
    SnapshotBytes source{{reinterpret_cast<const uint8_t*>(snapshot->data), snapshot->size}};
    SnapshotSource* const sources[] = {&source};
    return capi::hand_over(restore(engine->engine, sources,
                                   {.modules = all,
                                    .linker = linker != nullptr ? &linker->linker : nullptr,
                                    .limits = engine->limits}),
                           engine->limits, out);
}

warpbeam_error_t* warpbeam_store_fork(wasm_store_t* store, const warpbeam_contents_t* contents,
                                      warpbeam_restored_t** out) {
    *out = nullptr;
    const auto all = capi::contents_of(store, contents);
    if (!all)
        return capi::make_error(all.error());
    return capi::hand_over(fork(*store->store, all->all(), {.limits = store->limits}), store->limits, out);
}

void warpbeam_restored_delete(warpbeam_restored_t* restored) {
    if (restored == nullptr)
        return;
    wasm_store_delete(warpbeam_restored_take_store(restored));
    destroy(capi::common(), restored);
}
wasm_store_t* warpbeam_restored_take_store(warpbeam_restored_t* restored) {
    if (!restored->owns_store)
        return nullptr;
    restored->owns_store = false;
    return Ref<wasm_store_t>{restored->store}.detach();
}
wasm_instance_t* warpbeam_restored_instance_new(const warpbeam_restored_t* restored, size_t index) {
    if (!restored->store->store || index >= restored->instances.size())
        return nullptr;
    return capi::make_ref<wasm_instance_t>(*restored->store, restored->instances[index]);
}
warpbeam_execution_t* warpbeam_restored_take_execution(warpbeam_restored_t* restored, size_t index) {
    if (!restored->store->store || index >= restored->executions.size() || !restored->executions[index])
        return nullptr;
    auto* const made = create<warpbeam_execution_t>(capi::common(), restored->store, Execution{});
    if (made != nullptr)
        made->execution = std::move(restored->executions[index]);
    return made;
}
