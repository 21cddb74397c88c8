#include "slice_timer.hpp"

#include <erl_nif.h>
#include <thread>

namespace warpbeam::erlang {

/// The thread, and the timers that it looks at.
class SliceClock {
public:
    SliceClock() noexcept
        : lock_{enif_mutex_create(const_cast<char*>("warpbeam_slices"))},
          begun_{enif_cond_create(const_cast<char*>("warpbeam_slices"))} {}

    void add(SliceTimer& timer) noexcept {
        enif_mutex_lock(lock_);
        if (!runs_ && !stops_)
            runs_ =
                enif_thread_create(const_cast<char*>("warpbeam_slices"), &thread_, run, this, nullptr) == 0;
        timer.next_ = first_;
        if (first_ != nullptr)
            first_->previous_ = &timer;
        first_ = &timer;
        if (is_asleep_)
            enif_cond_signal(begun_);
        enif_mutex_unlock(lock_);
    }
    void remove(SliceTimer& timer) noexcept {
        enif_mutex_lock(lock_);
        (timer.previous_ != nullptr ? timer.previous_->next_ : first_) = timer.next_;
        if (timer.next_ != nullptr)
            timer.next_->previous_ = timer.previous_;
        enif_mutex_unlock(lock_);
    }
    void stop() noexcept {
        enif_mutex_lock(lock_);
        stops_ = true;
        enif_cond_signal(begun_);
        enif_mutex_unlock(lock_);
        if (runs_)
            enif_thread_join(thread_, nullptr);
        runs_ = false;
    }

private:
    static void* run(void* clock) noexcept {
        static_cast<SliceClock*>(clock)->work();
        return nullptr;
    }
    void work() noexcept {
        constexpr std::chrono::milliseconds tick{1};
        constexpr int max_idle = 20; // short pauses between slices are not worth going to sleep
        int idle = 0;
        enif_mutex_lock(lock_);
        while (!stops_) {
            idle = first_ == nullptr ? idle + 1 : 0;
            if (idle > max_idle) {
                is_asleep_ = true;
                enif_cond_wait(begun_, lock_);
                is_asleep_ = false;
                idle = 0;
                continue;
            }
            const auto now = std::chrono::steady_clock::now();
            for (SliceTimer* timer = first_; timer != nullptr; timer = timer->next_)
                if (!timer->is_over_ && now - timer->begin_ > tick) {
                    timer->is_over_ = true;
                    timer->handle_.interrupt();
                }
            enif_mutex_unlock(lock_);
            std::this_thread::sleep_for(tick);
            enif_mutex_lock(lock_);
        }
        enif_mutex_unlock(lock_);
    }

    ErlNifMutex* const lock_;
    ErlNifCond* const begun_;
    ErlNifTid thread_{};
    SliceTimer* first_ = nullptr;
    bool is_asleep_ = false;
    bool runs_ = false;
    bool stops_ = false;
};

namespace {

/// Never destroyed: its thread may still run when static objects are.
SliceClock& slice_clock() noexcept {
    static SliceClock* const instance = new SliceClock;
    return *instance;
}

} // namespace

SliceTimer::SliceTimer(Store& store) noexcept
    : store_{store}, handle_{store.next_interrupt_handle()}, begin_{std::chrono::steady_clock::now()} {
    slice_clock().add(*this);
}
SliceTimer::~SliceTimer() {
    slice_clock().remove(*this);
    if (is_over_)
        (void)store_.next_interrupt_handle();
}

void stop_slice_clock() noexcept { slice_clock().stop(); }

} // namespace warpbeam::erlang
