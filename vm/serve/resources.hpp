#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

/// Resources: the modules, instances, calls and references of the native functions. Terms keep them; so does
/// the client, who knows them by handles.

struct ErlNifEnv;
struct ErlNifResourceType;

namespace warpbeam::serve {

/// What comes before an object in memory.
struct alignas(std::max_align_t) Resource {
    ErlNifResourceType* type;
    uint64_t references = 1;
    uint64_t handle = 0; ///< its number, once the client has seen it
    uint64_t held = 0;   ///< how many times the client has got it and not given it back
    std::optional<uint64_t> owner = std::nullopt; ///< whose end it is told

    [[nodiscard]] void* object() noexcept { return this + 1; }
    [[nodiscard]] static Resource& of(void* object) noexcept { return *(static_cast<Resource*>(object) - 1); }
    /// @{ In the thread that does the work; `release` also in others, and is done later then.
    void keep() noexcept { ++references; }
    void release() noexcept;
    /// @}
};

/// The handles and owners of the client. The process has one client, so there is one.
class Registry {
public:
    /// The handle of a resource, which the client then holds once more.
    [[nodiscard]] uint64_t hand_out(Resource& resource);
    /// Null if the client does not hold it.
    [[nodiscard]] Resource* find(uint64_t handle) const noexcept;
    /// The client has given a handle back.
    void give_back(uint64_t handle) noexcept;
    void set_owner(Resource& resource, uint64_t owner);
    /// Tells all that the owner has.
    void owner_ended(uint64_t owner) noexcept;
    void forget(Resource& resource) noexcept;
    /// Gives back all handles.
    void clear() noexcept;
    /// What another thread has released is released when `release_others` is called.
    [[nodiscard]] bool is_other_thread() const noexcept { return std::this_thread::get_id() != thread_; }
    void release_later(Resource& resource) noexcept;
    void release_others() noexcept;

    /// Says which process made a handle.
    [[nodiscard]] uint32_t creation() const noexcept { return creation_; }

private:
    const uint32_t creation_ = make_creation();
    [[nodiscard]] static uint32_t make_creation() noexcept;
    const std::thread::id thread_ = std::this_thread::get_id();
    uint64_t last_ = 0;
    std::unordered_map<uint64_t, Resource*> handles_;
    std::unordered_map<uint64_t, std::unordered_set<Resource*>> owners_;
    std::mutex lock_; ///< of this list
    std::vector<Resource*> later_;
    std::atomic<bool> has_later_ = false;
};

[[nodiscard]] Registry& registry() noexcept;

/// A term for a resource that the client gave with a request. The request keeps it, even if the client gives
/// its handle back.
[[nodiscard]] uintptr_t borrow(ErlNifEnv& env, Resource& resource);

/// What a term refers to: a resource, or a handle that the client holds; null if that is something else.
[[nodiscard]] Resource* resource_of(uintptr_t term) noexcept;

} // namespace warpbeam::serve
