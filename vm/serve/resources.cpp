#include "resources.hpp"

#include "terms.hpp"

#include <chrono>
#include <cstdlib>
#include <list>
#include <new>
#include <string_view>
#include <unistd.h>
#include <vector>

struct ErlNifResourceType {
    std::string_view name;
    ErlNifResourceTypeInit functions;
};

namespace warpbeam::serve {

void Resource::release() noexcept {
    if (registry().is_other_thread())
        return registry().release_later(*this);
    if (--references != 0)
        return;
    registry().forget(*this);
    type->functions.dtor(nullptr, object());
    std::free(this);
}

uint64_t Registry::hand_out(Resource& resource) {
    if (resource.held++ == 0) {
        resource.keep();
        if (resource.handle == 0)
            resource.handle = ++last_;
        handles_.emplace(resource.handle, &resource);
    }
    return resource.handle;
}

Resource* Registry::find(uint64_t handle) const noexcept {
    const auto found = handles_.find(handle);
    return found == handles_.end() ? nullptr : found->second;
}

void Registry::give_back(uint64_t handle) noexcept {
    Resource* const resource = find(handle);
    if (resource == nullptr || --resource->held != 0)
        return;
    handles_.erase(handle);
    resource->release();
}

void Registry::set_owner(Resource& resource, uint64_t owner) {
    resource.owner = owner;
    owners_[owner].insert(&resource);
}

void Registry::owner_ended(uint64_t owner) noexcept {
    const auto found = owners_.find(owner);
    if (found == owners_.end())
        return;
    const std::unordered_set<Resource*> all = std::move(found->second);
    owners_.erase(found);
    for (Resource* const resource : all) {
        resource->owner.reset();
        resource->keep();
    }
    for (Resource* const resource : all) {
        ErlNifPid pid{owner};
        ErlNifMonitor monitor{owner};
        resource->type->functions.down(nullptr, resource->object(), &pid, &monitor);
        resource->release();
    }
}

void Registry::forget(Resource& resource) noexcept {
    const auto found = resource.owner ? owners_.find(*resource.owner) : owners_.end();
    if (found == owners_.end())
        return;
    found->second.erase(&resource);
    if (found->second.empty())
        owners_.erase(found);
}

void Registry::clear() noexcept {
    while (!handles_.empty()) {
        Resource* const resource = handles_.begin()->second;
        handles_.erase(handles_.begin());
        resource->held = 0;
        resource->release();
    }
}

void Registry::release_later(Resource& resource) noexcept {
    const std::lock_guard held{lock_};
    later_.push_back(&resource);
    has_later_ = true;
}

void Registry::release_others() noexcept {
    if (!has_later_)
        return;
    std::vector<Resource*> all;
    {
        const std::lock_guard held{lock_};
        all.swap(later_);
        has_later_ = false;
    }
    for (Resource* const resource : all)
        resource->release();
}

uint32_t Registry::make_creation() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    const auto mixed =
        (static_cast<uint64_t>(milliseconds) << 20 ^ static_cast<uint64_t>(::getpid())) * 0x9e3779b97f4a7c15;
    return static_cast<uint32_t>(mixed >> 32) | 1; // 0 is the creation of no process
}

Registry& registry() noexcept {
    static Registry* const all = new Registry; // never destroyed: other static objects may hold resources
    return *all;
}

ERL_NIF_TERM borrow(ErlNifEnv& env, Resource& resource) {
    resource.keep();
    env.resources.push_back(&resource);
    return env.add({.kind = Node::Kind::resource, .count = 1, .resource = &resource});
}

Resource* resource_of(ERL_NIF_TERM term) noexcept {
    const Node& node = node_of(term);
    if (node.kind == Node::Kind::resource)
        return node.resource;
    const auto handle = node.kind == Node::Kind::encoded
                            ? external::handle(node.span(), registry().creation())
                            : std::nullopt;
    return handle ? registry().find(*handle) : nullptr;
}

} // namespace warpbeam::serve

extern "C" {
using warpbeam::serve::Node;
using warpbeam::serve::registry;
using warpbeam::serve::Resource;

/// Types stay the same when the library is loaded again: for another server in the same process.
ErlNifResourceType* enif_init_resource_type(ErlNifEnv*, const char* name, const ErlNifResourceTypeInit* init,
                                            ErlNifResourceFlags, ErlNifResourceFlags*) {
    static std::list<ErlNifResourceType> types;
    for (ErlNifResourceType& type : types)
        if (type.name == name)
            return &type;
    return &types.emplace_back(name, *init);
}

void* enif_alloc_resource(ErlNifResourceType* type, size_t size) {
    void* const memory = std::malloc(sizeof(Resource) + size);
    return memory != nullptr ? (::new (memory) Resource{type})->object() : nullptr;
}
void enif_keep_resource(void* object) { Resource::of(object).keep(); }
void enif_release_resource(void* object) { Resource::of(object).release(); }

ERL_NIF_TERM enif_make_resource(ErlNifEnv* env, void* object) {
    Resource& resource = Resource::of(object);
    resource.keep();
    env->resources.push_back(&resource);
    return env->add({.kind = Node::Kind::resource, .resource = &resource});
}

int enif_get_resource(ErlNifEnv*, ERL_NIF_TERM term, ErlNifResourceType* type, void** object) {
    Resource* const resource = warpbeam::serve::resource_of(term);
    if (resource == nullptr || resource->type != type)
        return 0;
    *object = resource->object();
    return 1;
}

ErlNifPid* enif_self(ErlNifEnv* env, ErlNifPid* pid) {
    pid->number = env->owner;
    return pid;
}

int enif_monitor_process(ErlNifEnv*, void* object, const ErlNifPid* pid, ErlNifMonitor* monitor) {
    registry().set_owner(Resource::of(object), pid->number);
    monitor->number = pid->number;
    return 0;
}
}
