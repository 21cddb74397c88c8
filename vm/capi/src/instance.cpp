#include "instance.hpp"

#include "vectors.hpp"

#include <warpbeam/loader/text.hpp>

namespace warpbeam::capi {

Trap trap_of(const InstantiationError& error, Allocator& allocator) noexcept {
    if (error.trap() != nullptr)
        return *error.trap();
    return Trap::with_text(error.code() == ErrorCode::out_of_memory ? TrapCode::out_of_memory
                                                                    : TrapCode::usage,
                           Text{allocator}.add_lines(error.message()));
}

namespace {

std::expected<Instance, Trap> instantiate(wasm_store_t& store, const wasm_module_t* module,
                                          const wasm_extern_vec_t* imports) noexcept {
    Allocator& allocator = store.allocator();
    const ModuleObject* const from = find<ModuleObject>(module);
    if (from == nullptr)
        return std::unexpected{Trap::with_message(allocator, TrapCode::usage, "there is no module")};
    const size_t count = imports != nullptr && imports->data != nullptr ? imports->size : 0;
    Vec<Extern> externs{allocator};
    if (!externs.reserve(count))
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    for (size_t i = 0; i < count; ++i) {
        const auto import = extern_of(as_ref(imports->data[i]), store);
        if (!import)
            return std::unexpected{
                Trap::with_message(allocator, TrapCode::usage, "import %zu is null, or of another store", i)};
        (void)externs.push(*import);
    }
    const auto instance = Instance::create(*store.store, (*from)->module, externs);
    if (!instance)
        return std::unexpected{trap_of(instance.error(), allocator)};
    return *instance;
}

} // namespace
} // namespace warpbeam::capi

using namespace warpbeam;

wasm_instance_t* wasm_instance_new(wasm_store_t* store, const wasm_module_t* module,
                                   const wasm_extern_vec_t* imports, wasm_trap_t** trap) {
    return capi::make_instance(store, trap,
                               [&](wasm_store_t& in) { return capi::instantiate(in, module, imports); });
}

void wasm_instance_exports(const wasm_instance_t* instance, wasm_extern_vec_t* out) {
    const Instance from = capi::handle<Instance>(instance);
    const Module module = from.module();
    if (!capi::make_vec(*out, module.exports().size()))
        return;
    for (size_t i = 0; i < out->size; ++i)
        if ((out->data[i] =
                 capi::make_extern(*capi::as_ref(instance)->store, from.get(module.exports()[i]))) == nullptr)
            return wasm_extern_vec_delete(out);
}
