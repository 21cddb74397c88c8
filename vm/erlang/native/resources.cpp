#include "resources.hpp"

#include <new>
#include <utility>

namespace warpbeam::erlang {

namespace {

ErlNifResourceType* module_type;
ErlNifResourceType* instance_type;
ErlNifResourceType* call_type;

template <typename T>
void destroy(ErlNifEnv*, void* resource) noexcept {
    static_cast<T*>(resource)->~T();
}

/// The owner of an instance has ended: what runs in it stops at the next call or loop.
void owner_ended(ErlNifEnv*, void* resource, ErlNifPid*, ErlNifMonitor*) noexcept {
    auto& instance = *static_cast<InstanceResource*>(resource);
    instance.stopped = true;
    instance.interrupt.interrupt();
}

template <typename T, typename... A>
T* make(ErlNifEnv* env, ErlNifResourceType* type, Term& term, A&&... arguments) noexcept {
    void* const memory = enif_alloc_resource(type, sizeof(T));
    if (memory == nullptr)
        return nullptr;
    T* const object = ::new (memory) T{std::forward<A>(arguments)...};
    term = enif_make_resource(env, memory);
    enif_release_resource(memory); // the term keeps it
    return object;
}

template <typename T>
T* get(ErlNifEnv* env, ErlNifResourceType* type, Term term) noexcept {
    void* resource;
    return enif_get_resource(env, term, type, &resource) != 0 ? static_cast<T*>(resource) : nullptr;
}

} // namespace

InstanceResource::InstanceResource(const Engine& engine, const StoreLimits& limits) noexcept
    : InstanceResource{Store{engine, limits}} {}
InstanceResource::InstanceResource(Store&& made) noexcept
    : lock{enif_mutex_create(const_cast<char*>("warpbeam_instance"))}, store{std::move(made)},
      interrupt{store.interrupt_handle()},
      dropped_lock_{enif_mutex_create(const_cast<char*>("warpbeam_dropped"))} {}
InstanceResource::~InstanceResource() {
    dropped_.clear();
    enif_mutex_destroy(dropped_lock_);
    enif_mutex_destroy(lock);
}

void InstanceResource::drop(Execution&& execution) noexcept {
    if (!execution)
        return;
    if (const Held held{*this}) {
        execution = {};
        return;
    }
    enif_mutex_lock(dropped_lock_);
    dropped_.push_back(std::move(execution));
    has_dropped_ = true;
    enif_mutex_unlock(dropped_lock_);
}

void InstanceResource::free_dropped() noexcept {
    std::vector<Execution> dropped;
    enif_mutex_lock(dropped_lock_);
    dropped.swap(dropped_);
    has_dropped_ = false;
    enif_mutex_unlock(dropped_lock_);
}

Held::Held(InstanceResource& instance) noexcept
    : instance_{enif_mutex_trylock(instance.lock) == 0 ? &instance : nullptr} {
    if (instance_ != nullptr && instance.has_dropped_)
        instance.free_dropped();
}

CallResource::CallResource(InstanceResource& of, Execution&& made) noexcept
    : instance{of}, execution{std::move(made)} {
    enif_keep_resource(&instance);
}
CallResource::~CallResource() {
    instance.drop(std::move(execution));
    enif_release_resource(&instance);
}

bool open_resources(ErlNifEnv* env) noexcept {
    const auto open = [env](const char* name, ErlNifResourceDtor* dtor, ErlNifResourceDown* down) {
        const ErlNifResourceTypeInit init{dtor, nullptr, down, 3, nullptr};
        return enif_init_resource_type(env, name, &init, ERL_NIF_RT_CREATE, nullptr);
    };
    module_type = open("module", destroy<ModuleResource>, nullptr);
    instance_type = open("instance", destroy<InstanceResource>, owner_ended);
    call_type = open("call", destroy<CallResource>, nullptr);
    return module_type != nullptr && instance_type != nullptr && call_type != nullptr;
}

ModuleResource* make_module(ErlNifEnv* env, Module module, Term& term) noexcept {
    return make<ModuleResource>(env, module_type, term, std::move(module));
}
InstanceResource* make_instance(ErlNifEnv* env, const Engine& engine, const StoreLimits& limits,
                                Term& term) noexcept {
    return make<InstanceResource>(env, instance_type, term, engine, limits);
}
InstanceResource* make_instance(ErlNifEnv* env, Store&& store, Term& term) noexcept {
    return make<InstanceResource>(env, instance_type, term, std::move(store));
}
CallResource* make_call(ErlNifEnv* env, InstanceResource& instance, Execution&& execution,
                        Term& term) noexcept {
    return make<CallResource>(env, call_type, term, instance, std::move(execution));
}

ModuleResource* get_module(ErlNifEnv* env, Term term) noexcept {
    return get<ModuleResource>(env, module_type, term);
}
InstanceResource* get_instance(ErlNifEnv* env, Term term) noexcept {
    return get<InstanceResource>(env, instance_type, term);
}
CallResource* get_call(ErlNifEnv* env, Term term) noexcept { return get<CallResource>(env, call_type, term); }

} // namespace warpbeam::erlang
