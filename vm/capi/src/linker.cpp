#include "linker.hpp"

#include "callback.hpp"
#include "error.hpp"
#include "instance.hpp"
#include "module.hpp"
#include "types.hpp"

using namespace warpbeam;

namespace {

std::string_view view(const char* text) noexcept { return text != nullptr ? text : std::string_view{}; }

warpbeam_error_t* no_type() noexcept {
    return capi::misuse("there is no function type, it is one of another engine, or memory has run out");
}

} // namespace

warpbeam_linker_t* warpbeam_linker_new(wasm_engine_t* engine) {
    return engine != nullptr ? create<warpbeam_linker_t>(capi::common(), Linker{engine->engine}) : nullptr;
}
void warpbeam_linker_delete(warpbeam_linker_t* linker) { destroy(capi::common(), linker); }
void warpbeam_linker_allow_shadowing(warpbeam_linker_t* linker, bool allow) {
    linker->linker.allow_shadowing(allow);
}

warpbeam_error_t* warpbeam_linker_define(warpbeam_linker_t* linker, const char* module, const char* name,
                                         const wasm_extern_t* object) {
    const auto found = object != nullptr ? capi::extern_of(capi::as_ref(object), *capi::as_ref(object)->store)
                                         : std::nullopt;
    if (!found)
        return capi::misuse("there is no object, or its store was deleted");
    return capi::error_of(linker->linker.define(view(module), view(name), *found));
}
warpbeam_error_t* warpbeam_linker_define_instance(warpbeam_linker_t* linker, const char* module,
                                                  const wasm_instance_t* instance) {
    return capi::error_of(linker->linker.define_instance(view(module), capi::handle<Instance>(instance)));
}
warpbeam_error_t* warpbeam_linker_define_func(warpbeam_linker_t* linker, const char* module, const char* name,
                                              const wasm_functype_t* type,
                                              wasm_func_callback_with_env_t callback, void* env,
                                              void (*finalizer)(void*)) {
    capi::HostInfo own_env{env, finalizer};
    const TypeId id = type != nullptr ? capi::type_id(linker->linker.engine(), *type) : SubType::no_type;
    if (id == SubType::no_type || callback == nullptr)
        return no_type();
    return capi::error_of(linker->linker.func(view(module), view(name), id,
                                              capi::Callback{nullptr, callback, std::move(own_env)}));
}
warpbeam_error_t* warpbeam_linker_define_host_call(warpbeam_linker_t* linker, const char* module,
                                                   const char* name, const wasm_functype_t* type) {
    const TypeId id = type != nullptr ? capi::type_id(linker->linker.engine(), *type) : SubType::no_type;
    if (id == SubType::no_type)
        return no_type();
    return capi::error_of(linker->linker.host_call(view(module), view(name), id));
}

wasm_instance_t* warpbeam_linker_instance_new(const warpbeam_linker_t* linker, wasm_store_t* store,
                                              const wasm_module_t* module, wasm_trap_t** trap) {
    return capi::make_instance(store, trap, [&](wasm_store_t& in) -> std::expected<Instance, Trap> {
        const auto made = linker->linker.instantiate(*in.store, capi::module_of(module));
        if (!made)
            return std::unexpected{capi::trap_of(made.error(), in.allocator())};
        return *made;
    });
}

wasm_extern_t* warpbeam_instance_export_new(const wasm_instance_t* instance, const char* name) {
    const auto found = capi::handle<Instance>(instance).find_export(view(name));
    return found ? capi::make_extern(*capi::as_ref(instance)->store, *found) : nullptr;
}
