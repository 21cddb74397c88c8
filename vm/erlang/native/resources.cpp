#include "resources.hpp"

#include "reaper.hpp"

#include <new>
#include <utility>

namespace warpbeam::erlang {

namespace {

ErlNifResourceType* module_type;
ErlNifResourceType* instance_type;
ErlNifResourceType* call_type;
ErlNifResourceType* reference_type;

template <typename T>
void destroy(ErlNifEnv*, void* resource) noexcept {
    static_cast<T*>(resource)->~T();
}

/// The owner of an instance has ended.
void owner_ended(ErlNifEnv*, void* resource, ErlNifPid*, ErlNifMonitor*) noexcept {
    static_cast<InstanceResource*>(resource)->stop();
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

InstanceResource::InstanceResource(const Engine& engine, const StoreLimits& given,
                                   const CallLimits& of_calls) noexcept
    : InstanceResource{Store{engine, given}, given, of_calls} {}
InstanceResource::InstanceResource(Store&& made, const StoreLimits& given,
                                   const CallLimits& of_calls) noexcept
    : store{std::move(made)}, limits{given}, call_limits{of_calls}, interrupt{store.interrupt_handle()},
      dropped_lock_{enif_mutex_create(const_cast<char*>("warpbeam_dropped"))} {}
InstanceResource::~InstanceResource() {
    dropped_.clear();
    // These use the store, which is not here any more if it is freed later.
    series.reset();
    stacks.reset(); // without fuel, this runs no code
    if (is_large(store))
        free_later(std::move(store), std::move(world));
    enif_mutex_destroy(dropped_lock_);
}

void InstanceResource::drop(Execution&& execution) noexcept {
    if (execution)
        drop(Dropped{std::move(execution), nullptr});
}
void InstanceResource::drop(std::unique_ptr<Root> root) noexcept {
    if (root != nullptr)
        drop(Dropped{{}, std::move(root)});
}
void InstanceResource::drop(Dropped&& dropped) noexcept {
    if (const Held held{*this}) {
        dropped = {};
        return;
    }
    enif_mutex_lock(dropped_lock_);
    dropped_.push_back(std::move(dropped));
    has_dropped_ = true;
    enif_mutex_unlock(dropped_lock_);
}

void InstanceResource::free_dropped() noexcept {
    std::vector<Dropped> dropped;
    enif_mutex_lock(dropped_lock_);
    dropped.swap(dropped_);
    has_dropped_ = false;
    enif_mutex_unlock(dropped_lock_);
}

void InstanceResource::free_store() noexcept {
    is_freed_ = true;
    instance = {};
    const std::unique_ptr<World> freed_after = std::move(world);
    series.reset();
    stacks.reset(); // without fuel, this runs no code
    const Store freed{std::move(store)};
}

void InstanceResource::unlock_stopped() noexcept {
    if (!is_freed_) {
        is_freed_ = true;
        if (!is_large(store) || !free_later(*this))
            free_store();
    }
    lock.unlock();
}

void InstanceResource::stop() noexcept {
    const bool was_stopped = stopped.exchange(true);
    interrupt.interrupt();
    if (was_stopped)
        return;
    if (lock.try_lock())
        unlock_stopped();
    else // The thread that has the lock may be about to free it without having seen that.
        (void)free_later(*this);
}

CallResource::CallResource(InstanceResource& of, CallState&& made) noexcept
    : CallState{std::move(made)}, instance{of} {
    enif_keep_resource(&instance);
}
CallResource::~CallResource() {
    instance.drop(std::move(execution));
    enif_release_resource(&instance);
}

ReferenceResource::ReferenceResource(InstanceResource& of, std::unique_ptr<Root> made) noexcept
    : instance{of}, root{std::move(made)} {
    enif_keep_resource(&instance);
}
ReferenceResource::~ReferenceResource() {
    instance.drop(std::move(root));
    enif_release_resource(&instance);
}

bool open_resources(ErlNifEnv* env, ErlNifResourceFlags flags) noexcept {
    const auto open = [env, flags](const char* name, ErlNifResourceDtor* dtor, ErlNifResourceDown* down) {
        const ErlNifResourceTypeInit init{dtor, nullptr, down, 3, nullptr};
        return enif_init_resource_type(env, name, &init, flags, nullptr);
    };
    module_type = open("module", destroy<ModuleResource>, nullptr);
    instance_type = open("instance", destroy<InstanceResource>, owner_ended);
    call_type = open("call", destroy<CallResource>, nullptr);
    reference_type = open("reference", destroy<ReferenceResource>, nullptr);
    return module_type != nullptr && instance_type != nullptr && call_type != nullptr &&
           reference_type != nullptr;
}

ModuleResource* make_module(ErlNifEnv* env, ModuleResource&& module, Term& term) noexcept {
    return make<ModuleResource>(env, module_type, term, std::move(module));
}
InstanceResource* make_instance(ErlNifEnv* env, const Engine& engine, const StoreLimits& limits,
                                const CallLimits& call_limits, Term& term) noexcept {
    return make<InstanceResource>(env, instance_type, term, engine, limits, call_limits);
}
InstanceResource* make_instance(ErlNifEnv* env, Store&& store, const StoreLimits& limits,
                                const CallLimits& call_limits, Term& term) noexcept {
    return make<InstanceResource>(env, instance_type, term, std::move(store), limits, call_limits);
}
CallResource* make_call(ErlNifEnv* env, InstanceResource& instance, CallState&& state, Term& term) noexcept {
    return make<CallResource>(env, call_type, term, instance, std::move(state));
}
ReferenceResource* make_reference_resource(ErlNifEnv* env, InstanceResource& instance, const Value& value,
                                           Term& term) noexcept {
    std::unique_ptr<Root> root{new (std::nothrow) Root{instance.store, value}};
    return root != nullptr ? make<ReferenceResource>(env, reference_type, term, instance, std::move(root))
                           : nullptr;
}

ModuleResource* get_module(ErlNifEnv* env, Term term) noexcept {
    return get<ModuleResource>(env, module_type, term);
}
InstanceResource* get_instance(ErlNifEnv* env, Term term) noexcept {
    return get<InstanceResource>(env, instance_type, term);
}
CallResource* get_call(ErlNifEnv* env, Term term) noexcept { return get<CallResource>(env, call_type, term); }
ReferenceResource* get_reference(ErlNifEnv* env, Term term) noexcept {
    return get<ReferenceResource>(env, reference_type, term);
}

} // namespace warpbeam::erlang
