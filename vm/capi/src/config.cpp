#include "options.hpp"
#include "store.hpp"
#include "vectors.hpp"

#include <warpbeam/version.hpp>

/// How engines and stores are configured.

struct warpbeam_allocator_t final : warpbeam::Allocator {
    warpbeam_allocator_t(void* own, void* (*take)(void*, size_t, size_t),
                         void (*give_back)(void*, void*, size_t, size_t)) noexcept
        : env{own}, allocate_in{take}, deallocate_in{give_back} {}
    void* allocate(size_t size, size_t alignment) noexcept override {
        return allocate_in(env, size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        deallocate_in(env, block, size, alignment);
    }

    void* env;
    void* (*allocate_in)(void*, size_t, size_t);
    void (*deallocate_in)(void*, void*, size_t, size_t);
};

namespace warpbeam::capi {
namespace {

/// The members that both have; `from` and `to` are of either type.
template <typename From, typename To>
void copy_limits(const From& from, To& to) noexcept {
    to.memory_bytes = from.memory_bytes;
    to.table_elements = from.table_elements;
    to.heap_bytes = from.heap_bytes;
    to.execution_bytes = from.execution_bytes;
    to.instances = from.instances;
    to.memories = from.memories;
    to.tables = from.tables;
    to.executions = from.executions;
}
template <typename From, typename To>
void copy_config(const From& from, To& to) noexcept {
    to.fuel = from.fuel;
    to.interruption = from.interruption;
    to.patched_interruption = from.patched_interruption;
    to.waiting = from.waiting;
    to.guard_pages = from.guard_pages;
    to.eager = from.eager;
    to.deterministic = from.deterministic;
    to.host_call_depth = from.host_call_depth;
    to.stack_size = from.stack_size;
    to.native_stack_reserve = from.native_stack_reserve;
}

template <typename From>
warpbeam_limits_t limits_for_c(const From& from) noexcept {
    warpbeam_limits_t limits{};
    copy_limits(from, limits);
    return limits;
}
warpbeam_options_t default_options() noexcept {
    warpbeam_options_t options{};
    copy_config(Config{}, options);
    return options;
}

} // namespace
} // namespace warpbeam::capi

using namespace warpbeam;

#define WARPBEAM_TEXT_OF_(number) #number
#define WARPBEAM_TEXT_OF(number) WARPBEAM_TEXT_OF_(number)

const char* warpbeam_version() {
    return WARPBEAM_TEXT_OF(WARPBEAM_VERSION_MAJOR) "." WARPBEAM_TEXT_OF(
        WARPBEAM_VERSION_MINOR) "." WARPBEAM_TEXT_OF(WARPBEAM_VERSION_PATCH);
}

warpbeam_allocator_t* warpbeam_allocator_new(void* env, void* (*allocate)(void*, size_t, size_t),
                                             void (*deallocate)(void*, void*, size_t, size_t)) {
    if (allocate == nullptr || deallocate == nullptr)
        return nullptr;
    return create<warpbeam_allocator_t>(capi::common(), env, allocate, deallocate);
}
void warpbeam_allocator_delete(warpbeam_allocator_t* allocator) { destroy(capi::common(), allocator); }

void warpbeam_options_init(warpbeam_options_t* out, size_t size) {
    capi::write_options(out, size, capi::default_options());
}
warpbeam_error_t* warpbeam_config_set_options(wasm_config_t* config, const warpbeam_options_t* options) {
    warpbeam_options_t all = capi::default_options();
    if (const auto read = capi::read_options(all, options); !read)
        return capi::make_error(read.error());
    capi::copy_config(all, config->config);
    config->config.allocator = const_cast<warpbeam_allocator_t*>(all.allocator);
    return nullptr;
}

warpbeam_error_t* warpbeam_config_set_feature(wasm_config_t* config, const char* name, bool on) {
    for (const FeatureRow& row : feature_table)
        if (row.feature != Feature::core && name != nullptr && row.name == name) {
            FeatureSet& features = config->config.features;
            on ? features.enable(row.feature) : features.disable(row.feature);
            return nullptr;
        }
    return capi::make_error(
        Error{ErrorCode::usage, "there is no feature `%.100s`", name != nullptr ? name : "(null)"});
}

void warpbeam_limits_init(warpbeam_limits_t* out, size_t size) {
    capi::write_options(out, size, capi::limits_for_c(StoreLimits{}));
}
warpbeam_error_t* warpbeam_config_set_limits(wasm_config_t* config, const warpbeam_limits_t* limits) {
    warpbeam_limits_t all = capi::limits_for_c(StoreLimits{});
    if (const auto read = capi::read_options(all, limits); !read)
        return capi::make_error(read.error());
    capi::copy_limits(all, config->limits);
    return nullptr;
}
void warpbeam_store_usage(const wasm_store_t* store, warpbeam_limits_t* out, size_t size) {
    capi::write_options(
        out, size,
        capi::limits_for_c(store != nullptr && store->store ? store->store->usage() : StoreUsage{}));
}
