#include "store.hpp"
#include "vectors.hpp"

/// How a store is kept in bounds: fuel, interruption and collections.

struct warpbeam_interrupt_t {
    warpbeam::InterruptHandle handle;
};

using namespace warpbeam;

void warpbeam_store_set_fuel(wasm_store_t* store, uint64_t units) {
    if (store != nullptr && store->store)
        store->store->set_fuel(units);
}
uint64_t warpbeam_store_fuel(const wasm_store_t* store) {
    return store != nullptr && store->store ? store->store->fuel() : 0;
}

warpbeam_interrupt_t* warpbeam_interrupt_new(const wasm_store_t* store) {
    return store != nullptr && store->store
               ? create<warpbeam_interrupt_t>(capi::common(), store->store->interrupt_handle())
               : nullptr;
}
void warpbeam_interrupt_delete(warpbeam_interrupt_t* interrupt) { destroy(capi::common(), interrupt); }
void warpbeam_interrupt_request(const warpbeam_interrupt_t* interrupt) { interrupt->handle.interrupt(); }
void warpbeam_store_clear_interrupt(wasm_store_t* store) {
    if (store != nullptr && store->store)
        store->store->clear_interrupt();
}

void warpbeam_store_collect(wasm_store_t* store) {
    if (store != nullptr && store->store)
        store->store->collect();
}
