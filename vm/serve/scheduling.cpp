#include "terms.hpp"

#include <chrono>
#include <pthread.h>

/// Scheduling, time, threads and locks.

/// Not a std::mutex: who has it may try to take it again, and is told that it is taken.
struct ErlNifMutex {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
};
struct ErlNifCond {
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
};

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

// Only the thread that frees what is large, vm/erlang/native/reaper.hpp, is there besides the one that does
// the work.
ErlNifMutex* enif_mutex_create(char*) { return new ErlNifMutex; }
void enif_mutex_destroy(ErlNifMutex* mutex) { delete mutex; }
void enif_mutex_lock(ErlNifMutex* mutex) { (void)::pthread_mutex_lock(&mutex->mutex); }
int enif_mutex_trylock(ErlNifMutex* mutex) { return ::pthread_mutex_trylock(&mutex->mutex); }
void enif_mutex_unlock(ErlNifMutex* mutex) { (void)::pthread_mutex_unlock(&mutex->mutex); }

ErlNifCond* enif_cond_create(char*) { return new ErlNifCond; }
void enif_cond_signal(ErlNifCond* condition) { (void)::pthread_cond_signal(&condition->condition); }
void enif_cond_wait(ErlNifCond* condition, ErlNifMutex* mutex) {
    (void)::pthread_cond_wait(&condition->condition, &mutex->mutex);
}

int enif_thread_create(char*, ErlNifTid* thread, void* (*function)(void*), void* argument, const void*) {
    return ::pthread_create(thread, nullptr, function, argument);
}
int enif_thread_join(ErlNifTid thread, void** result) { return ::pthread_join(thread, result); }
}
