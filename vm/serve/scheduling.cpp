#include "terms.hpp"

#include <cerrno>
#include <chrono>
#include <new>

/// Scheduling, time, and locks: there is one thread, so that a lock is a mark that it has been taken.

struct ErlNifMutex {
    bool is_locked = false;
};
struct ErlNifCond {};

extern "C" {

ERL_NIF_TERM enif_schedule_nif(ErlNifEnv* env, const char*, int, ErlNifEnv::Function* function, int argc,
                               const ERL_NIF_TERM argv[]) {
    // argv may be those of the call before.
    const std::vector<ERL_NIF_TERM> arguments(argv, argv + argc);
    env->arguments = arguments;
    env->next = function;
    return 0;
}

int enif_consume_timeslice(ErlNifEnv*, int) { return 0; }
int enif_thread_type() { return ERL_NIF_THR_DIRTY_CPU_SCHEDULER; }

ErlNifTime enif_monotonic_time(ErlNifTimeUnit) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

ErlNifMutex* enif_mutex_create(char*) { return new ErlNifMutex; }
void enif_mutex_destroy(ErlNifMutex* mutex) { delete mutex; }
void enif_mutex_lock(ErlNifMutex* mutex) { mutex->is_locked = true; }
int enif_mutex_trylock(ErlNifMutex* mutex) {
    if (mutex->is_locked)
        return EBUSY;
    mutex->is_locked = true;
    return 0;
}
void enif_mutex_unlock(ErlNifMutex* mutex) { mutex->is_locked = false; }

// No other thread is to be had, so nothing waits for one.
ErlNifCond* enif_cond_create(char*) { return new ErlNifCond; }
void enif_cond_signal(ErlNifCond*) {}
void enif_cond_wait(ErlNifCond*, ErlNifMutex*) {}
int enif_thread_create(char*, ErlNifTid*, void* (*)(void*), void*, const void*) { return EAGAIN; }
int enif_thread_join(ErlNifTid, void**) { return EINVAL; }
}
