#pragma once

#include "terms.hpp"

#include <atomic>
#include <vector>

/// What Erlang holds references to. Each is a resource of the runtime system: destroyed after the last
/// reference is gone, in any thread. Destructors only free.

namespace warpbeam::erlang {

/// A loaded module. It never changes.
struct ModuleResource {
    Module module;
};

/// An instance with its store. Everything but `interrupt` and `stopped` is used with the lock, which is held
/// no longer than a slice.
struct InstanceResource {
    InstanceResource(const Engine& engine, const StoreLimits& limits) noexcept;
    explicit InstanceResource(Store&& made) noexcept;
    ~InstanceResource();
    InstanceResource(const InstanceResource&) = delete;
    InstanceResource& operator=(const InstanceResource&) = delete;

    /// Takes the execution of a call that no term refers to any more. It is freed now if the lock is free,
    /// otherwise when it is taken next: a destructor must not wait.
    void drop(Execution&& execution) noexcept;

    ErlNifMutex* const lock;
    Store store;
    Instance instance;
    const InterruptHandle interrupt;
    std::atomic<bool> stopped = false; ///< its owner has ended, or it was told to stop
    ErlNifMonitor owner{};

private:
    friend class Held;
    void free_dropped() noexcept;
    ErlNifMutex* const dropped_lock_; ///< of this list, and held for no longer than it takes to change it
    std::vector<Execution> dropped_;
    std::atomic<bool> has_dropped_ = false;
};

/// A call that has begun. It keeps its instance.
struct CallResource {
    explicit CallResource(InstanceResource& of, Execution&& made) noexcept;
    ~CallResource();
    CallResource(const CallResource&) = delete;
    CallResource& operator=(const CallResource&) = delete;

    InstanceResource& instance;
    Execution execution; ///< used with the instance's lock
    size_t results = 0;  ///< how many the function has
    /// Whether it makes the instance, which is then the result.
    bool instantiates = false;
    uint64_t fuel_left = UINT64_MAX; ///< of what the caller allows
    ErlNifTime deadline = INT64_MAX; ///< in the monotonic time of the runtime system, in ns
    uint64_t slice = first_slice;    ///< the fuel for the next one
    static constexpr uint64_t first_slice = 50'000;
};

/// Holds the lock of an instance, if it was free.
class Held {
public:
    explicit Held(InstanceResource& instance) noexcept;
    ~Held() {
        if (instance_ != nullptr)
            enif_mutex_unlock(instance_->lock);
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    explicit operator bool() const noexcept { return instance_ != nullptr; }

private:
    InstanceResource* instance_;
};

/// Registers the types. False if that fails.
[[nodiscard]] bool open_resources(ErlNifEnv* env) noexcept;

/// @{ Makes one and its term; null if memory runs out.
[[nodiscard]] ModuleResource* make_module(ErlNifEnv* env, Module module, Term& term) noexcept;
[[nodiscard]] InstanceResource* make_instance(ErlNifEnv* env, const Engine& engine, const StoreLimits& limits,
                                              Term& term) noexcept;
[[nodiscard]] InstanceResource* make_instance(ErlNifEnv* env, Store&& store, Term& term) noexcept;
[[nodiscard]] CallResource* make_call(ErlNifEnv* env, InstanceResource& instance, Execution&& execution,
                                      Term& term) noexcept;
/// @}
/// @{ What a term refers to; null if that is something else.
[[nodiscard]] ModuleResource* get_module(ErlNifEnv* env, Term term) noexcept;
[[nodiscard]] InstanceResource* get_instance(ErlNifEnv* env, Term term) noexcept;
[[nodiscard]] CallResource* get_call(ErlNifEnv* env, Term term) noexcept;
/// @}

} // namespace warpbeam::erlang
