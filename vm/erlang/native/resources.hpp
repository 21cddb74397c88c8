#pragma once

#include "world.hpp"

#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/guest_stacks.hpp>
#include <warpbeam/vm/root.hpp>
#include <warpbeam/vm/snapshot.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What Erlang holds references to. Each is a resource of the runtime system: destroyed after the last
/// reference is gone, in any thread. Destructors never wait.

namespace warpbeam::erlang {

/// A loaded module. It never changes.
struct ModuleResource {
    Module module;
    Engine engine;            ///< that loaded it
    LinkedModule linked = {}; ///< with imports that the callers answer; empty if not all are functions
    bool is_small = false; ///< whether an instance is made in some microseconds, but for its start function
};

/// A lock that is only tried: a thread that does not get it comes back later, or leaves it to the reaper.
class TryLock {
public:
    [[nodiscard]] bool try_lock() noexcept { return !is_taken_.exchange(true); }
    void unlock() noexcept { is_taken_.store(false, std::memory_order_release); }

private:
    std::atomic<bool> is_taken_ = false;
};

/// A function that was found by the name of its export.
struct Callee {
    static constexpr size_t few = 4;
    std::string name;
    Func func = {};
    FuncType type = {};
    bool has_few_numbers = false; ///< whether it takes and returns numbers alone, and at most `few`
};

/// What the calls of an instance may use, unless they say it themselves.
struct CallLimits {
    uint64_t fuel = UINT64_MAX;
    uint64_t timeout = UINT64_MAX; ///< in milliseconds
    uint64_t stacks = 0; ///< the bytes of the stack in the guest's memory that each has; 0: they share one
};

/// An instance with its store. Everything but `interrupt` and `stopped` is used with the lock, which is held
/// no longer than a slice.
struct InstanceResource {
    InstanceResource(const Engine& engine, const StoreLimits& limits, const CallLimits& call_limits) noexcept;
    InstanceResource(Store&& made, const StoreLimits& limits, const CallLimits& call_limits) noexcept;
    ~InstanceResource();
    InstanceResource(const InstanceResource&) = delete;
    InstanceResource& operator=(const InstanceResource&) = delete;

    /// @{ Takes what no term refers to any more. It is freed now if the lock is free, otherwise when it is
    /// taken next.
    void drop(Execution&& execution) noexcept;
    void drop(std::unique_ptr<Root> root) noexcept;
    /// @}
    /// Ends what runs in it, and then frees the store. From any thread.
    void stop() noexcept;
    /// For the reaper: frees the store if that was not done yet, with the lock.
    void free_store() noexcept;

    TryLock lock;
    std::unique_ptr<World> world; ///< null without WASI; the store's functions use it
    Store store;
    const StoreLimits limits;
    const CallLimits call_limits;
    Instance instance;
    Callee callee = {}; ///< of the last call by name
    uint64_t fuel_used = 0;
    uint64_t calls = 0; ///< how many have begun
    /// Whether a collection of its heap takes long, so that slices need a timer.
    bool has_large_heap = false;
    int64_t unpaid = 0; ///< nanoseconds that no process was charged for yet
    const InterruptHandle interrupt;
    std::atomic<bool> stopped = false; ///< its owner has ended, or it was told to stop
    std::atomic<bool> paused = false;  ///< its calls return before their next slice
    std::optional<SnapshotSeries> series = {};
    std::optional<GuestStacks> stacks = {}; ///< made for the first call that has one
    ErlNifMonitor owner{};

private:
    friend class Held;
    friend class Locked;
    struct Dropped {
        Execution execution;
        std::unique_ptr<Root> root; ///< a pointer, since moving a root changes its neighbours
    };
    void drop(Dropped&& dropped) noexcept;
    void free_dropped() noexcept;
    /// Unlocks. The store of a stopped instance is freed before. It may be stopped at the same instant, when
    /// neither sees what the other does: then the reaper frees it.
    void unlock() noexcept {
        if (stopped) [[unlikely]]
            return unlock_stopped();
        lock.unlock();
    }
    void unlock_stopped() noexcept;
    ErlNifMutex* const dropped_lock_; ///< of this list, and held for no longer than it takes to change it
    std::vector<Dropped> dropped_;
    std::atomic<bool> has_dropped_ = false;
    std::atomic<bool> is_freed_ = false; ///< the store, now or soon; written with the lock
};

/// A call that has begun; used with the lock of its instance.
struct CallState {
    Execution execution;
    Func function = {}; ///< that was called; null in a restored call
    size_t results = 0; ///< how many it has
    /// Whether it makes the instance, which is then the result.
    bool instantiates = false;
    uint64_t fuel_left = UINT64_MAX; ///< of what the caller allows
    ErlNifTime deadline = INT64_MAX; ///< in the monotonic time of the runtime system, in ns
    uint64_t slice = first_slice;    ///< the fuel for the next one
    static constexpr uint64_t first_slice = 50'000;
};

/// A call that did not end at once. It keeps its instance.
struct CallResource : CallState {
    explicit CallResource(InstanceResource& of, CallState&& made) noexcept;
    ~CallResource();
    CallResource(const CallResource&) = delete;
    CallResource& operator=(const CallResource&) = delete;

    InstanceResource& instance;
};

/// A reference of the guest that Erlang holds. It keeps its instance.
struct ReferenceResource {
    ReferenceResource(InstanceResource& of, std::unique_ptr<Root> made) noexcept;
    ~ReferenceResource();
    ReferenceResource(const ReferenceResource&) = delete;
    ReferenceResource& operator=(const ReferenceResource&) = delete;

    InstanceResource& instance;
    std::unique_ptr<Root> root; ///< used with the instance's lock
};

/// Holds the lock of an instance, if it was free.
class Locked {
public:
    explicit Locked(InstanceResource& instance) noexcept
        : instance_{instance.lock.try_lock() ? &instance : nullptr} {
        if (instance_ != nullptr && instance.has_dropped_) [[unlikely]]
            instance.free_dropped();
    }
    ~Locked() {
        if (instance_ != nullptr)
            instance_->unlock();
    }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
    explicit operator bool() const noexcept { return instance_ != nullptr; }

private:
    InstanceResource* instance_;
};

/// The same; and references that the store gives meanwhile are released at the end.
class Held {
public:
    explicit Held(InstanceResource& instance) noexcept : locked_{instance} {
        if (locked_ && !instance.is_freed_)
            scope_.emplace(instance.store);
    }
    explicit operator bool() const noexcept { return static_cast<bool>(locked_); }

private:
    const Locked locked_;
    std::optional<RootScope> scope_; ///< which ends first
};

/// Registers the types; those of the library before, if it is the same one. False if that fails.
[[nodiscard]] bool open_resources(ErlNifEnv* env, ErlNifResourceFlags flags) noexcept;

/// @{ Makes one and its term; null if memory runs out.
[[nodiscard]] ModuleResource* make_module(ErlNifEnv* env, ModuleResource&& module, Term& term) noexcept;
[[nodiscard]] InstanceResource* make_instance(ErlNifEnv* env, const Engine& engine, const StoreLimits& limits,
                                              const CallLimits& call_limits, Term& term) noexcept;
[[nodiscard]] InstanceResource* make_instance(ErlNifEnv* env, Store&& store, const StoreLimits& limits,
                                              const CallLimits& call_limits, Term& term) noexcept;
[[nodiscard]] CallResource* make_call(ErlNifEnv* env, InstanceResource& instance, CallState&& state,
                                      Term& term) noexcept;
[[nodiscard]] ReferenceResource* make_reference_resource(ErlNifEnv* env, InstanceResource& instance,
                                                         const Value& value, Term& term) noexcept;
/// @}
/// @{ What a term refers to; null if that is something else.
[[nodiscard]] ModuleResource* get_module(ErlNifEnv* env, Term term) noexcept;
[[nodiscard]] InstanceResource* get_instance(ErlNifEnv* env, Term term) noexcept;
[[nodiscard]] CallResource* get_call(ErlNifEnv* env, Term term) noexcept;
[[nodiscard]] ReferenceResource* get_reference(ErlNifEnv* env, Term term) noexcept;
/// @}

} // namespace warpbeam::erlang
