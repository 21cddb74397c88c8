#pragma once

#include "host_info.hpp"

#include <warpbeam/vm/store.hpp>

#include <optional>
#include <warpbeam.h>

struct wasm_config_t {
    warpbeam::Config config;
    warpbeam::StoreLimits limits;
};

struct wasm_engine_t {
    warpbeam::Engine engine;
    warpbeam::StoreLimits limits; ///< of its stores
};

/// The owner of a store and all references to its objects have a part in it, so that what is left after the
/// store was deleted can find that out.
struct wasm_store_t : warpbeam::RefCounted<wasm_store_t> {
    wasm_store_t(const warpbeam::StoreLimits& own, warpbeam::Store made) noexcept
        : RefCounted{made.engine().allocator()}, engine{made.engine()}, limits{own},
          infos{made.engine().allocator()}, store{std::move(made)} {
        store->set_data(this);
    }
    ~wasm_store_t() { end(); }

    /// Deletes the objects, and calls all finalizers.
    void end() noexcept;

    const warpbeam::Engine engine;
    const warpbeam::StoreLimits limits;
    warpbeam::capi::HostInfos infos;
    std::optional<warpbeam::Store> store; ///< none once it is deleted
};

namespace warpbeam::capi {

/// That of a store for C.
[[nodiscard]] inline wasm_store_t& store_of(const Store& store) noexcept {
    return *static_cast<wasm_store_t*>(store.data());
}

} // namespace warpbeam::capi
