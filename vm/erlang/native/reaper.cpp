#include "reaper.hpp"

#include "resources.hpp"

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

namespace warpbeam::erlang {

namespace {

/// A store, which is freed first, and its world.
struct Estate {
    std::unique_ptr<World> world;
    Store store;
};

class Reaper {
public:
    Reaper() noexcept
        : lock_{enif_mutex_create(const_cast<char*>("warpbeam_reaper"))},
          changed_{enif_cond_create(const_cast<char*>("warpbeam_reaper"))} {}

    void add(Store&& store, std::unique_ptr<World> world) noexcept {
        Estate estate{std::move(world), std::move(store)}; // freed here, in its order, if there is no thread
        enif_mutex_lock(lock_);
        if (start()) {
            stores_.push_back(std::move(estate));
            enif_cond_signal(changed_);
        }
        enif_mutex_unlock(lock_);
    }
    /// False if there is no thread.
    bool add(InstanceResource& instance) noexcept {
        enif_mutex_lock(lock_);
        const bool started = start();
        if (started) {
            enif_keep_resource(&instance);
            instances_.push_back(&instance);
            enif_cond_signal(changed_);
        }
        enif_mutex_unlock(lock_);
        return started;
    }
    void stop() noexcept {
        enif_mutex_lock(lock_);
        stops_ = true;
        enif_cond_signal(changed_);
        enif_mutex_unlock(lock_);
        if (runs_)
            enif_thread_join(thread_, nullptr);
        runs_ = false;
    }

private:
    /// With the lock. Without a thread, the caller frees.
    bool start() noexcept {
        if (!runs_ && !stops_)
            runs_ =
                enif_thread_create(const_cast<char*>("warpbeam_reaper"), &thread_, run, this, nullptr) == 0;
        return runs_ && !stops_;
    }
    static void* run(void* reaper) noexcept {
        static_cast<Reaper*>(reaper)->work();
        return nullptr;
    }
    /// False if another thread has the lock.
    static bool free(InstanceResource* instance) noexcept {
        if (!instance->lock.try_lock())
            return false;
        instance->free_store();
        instance->lock.unlock();
        enif_release_resource(instance);
        return true;
    }
    void work() noexcept {
        enif_mutex_lock(lock_);
        for (;;) {
            std::vector<Estate> stores;
            std::vector<InstanceResource*> instances;
            stores.swap(stores_);
            instances.swap(instances_);
            if (stores.empty() && instances.empty()) {
                if (stops_)
                    break;
                enif_cond_wait(changed_, lock_);
                continue;
            }
            enif_mutex_unlock(lock_);
            stores.clear();
            std::erase_if(instances, free);
            if (!instances.empty()) // until what runs in them is interrupted
                std::this_thread::sleep_for(std::chrono::microseconds{100});
            enif_mutex_lock(lock_);
            instances_.insert(instances_.end(), instances.begin(), instances.end());
        }
        enif_mutex_unlock(lock_);
    }

    ErlNifMutex* const lock_;
    ErlNifCond* const changed_;
    ErlNifTid thread_{};
    bool runs_ = false;
    bool stops_ = false;
    std::vector<Estate> stores_;
    std::vector<InstanceResource*> instances_;
};

/// Never destroyed: resources may end after the library was told to unload.
Reaper& reaper() noexcept {
    static Reaper* const instance = new Reaper;
    return *instance;
}

} // namespace

bool is_large(const Store& store) noexcept {
    constexpr uint64_t max_bytes = 16 << 20; // about half a millisecond
    return store.usage().memory_bytes > max_bytes;
}

void free_later(Store&& store, std::unique_ptr<World> world) noexcept {
    reaper().add(std::move(store), std::move(world));
}

bool free_later(InstanceResource& instance) noexcept { return reaper().add(instance); }

void stop_reaper() noexcept { reaper().stop(); }

} // namespace warpbeam::erlang
