#include "store.hpp"

#include "vectors.hpp"

using namespace warpbeam;

wasm_config_t* wasm_config_new() { return create<wasm_config_t>(capi::common()); }
void wasm_config_delete(wasm_config_t* config) { destroy(capi::common(), config); }

wasm_engine_t* wasm_engine_new() { return create<wasm_engine_t>(capi::common()); }
wasm_engine_t* wasm_engine_new_with_config(wasm_config_t* config) {
    if (config == nullptr)
        return nullptr;
    auto* const made = create<wasm_engine_t>(capi::common(), Engine{config->config}, config->limits);
    wasm_config_delete(config);
    return made;
}
void wasm_engine_delete(wasm_engine_t* engine) { destroy(capi::common(), engine); }

void wasm_store_t::end() noexcept {
    if (!store)
        return;
    // For the finalizers, the store is deleted already.
    const Store last = std::move(*store);
    store.reset();
    infos = capi::HostInfos{allocator()};
}

wasm_store_t* wasm_store_new(wasm_engine_t* engine) {
    return engine != nullptr ? create<wasm_store_t>(engine->engine.allocator(), engine->limits,
                                                    Store{engine->engine, engine->limits})
                             : nullptr;
}
void wasm_store_delete(wasm_store_t* store) {
    if (store == nullptr)
        return;
    store->end();
    store->release();
}
