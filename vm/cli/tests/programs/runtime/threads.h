/* Threads for guests without a libc: the little of POSIX threads that our programs need, on wasi-threads.
   Debian's wasi-libc has no threads, and was compiled without atomics, so the linker accepts none of it with
   a shared memory. Include it in one file only. */
#ifndef WARPBEAM_THREADS_H
#define WARPBEAM_THREADS_H

#define MAX_THREADS 8
#define STACK_SIZE 65536
#define TLS_SIZE 256

typedef struct {
    void* stack; /* where the thread's stack begins; the start code reads it, so it comes first */
    void* (*function)(void*);
    void* argument;
    void* result;
    int is_running; /* the thread that joins waits for 0 */
} thread;
typedef thread* pthread_t;
typedef struct {
    int state; /* 0: free, 1: held, 2: held, and others wait */
} pthread_mutex_t;
typedef struct {
    int signals; /* how often it was signalled */
} pthread_cond_t;
#define PTHREAD_MUTEX_INITIALIZER {0}
#define PTHREAD_COND_INITIALIZER {0}

__attribute__((import_module("wasi"), import_name("thread-spawn"))) int thread_spawn(thread* start);

static thread threads[MAX_THREADS];
static int thread_count;
static char stacks[MAX_THREADS][STACK_SIZE] __attribute__((aligned(16)));
static char tls[MAX_THREADS][TLS_SIZE] __attribute__((aligned(16)));

void __wasm_init_tls(void* block);

static void wait_for(int* at, int old) { __builtin_wasm_memory_atomic_wait32(at, old, -1); }
static void wake(int* at, unsigned count) { __builtin_wasm_memory_atomic_notify(at, count); }

/* Where a thread begins. Each instance has the same stack pointer at first, so nothing in C may run before
 * this. */
__asm__(".globaltype __stack_pointer, i32\n"
        ".globl wasi_thread_start\n"
        ".type wasi_thread_start,@function\n"
        "wasi_thread_start:\n"
        ".functype wasi_thread_start (i32, i32) -> ()\n"
        "local.get 1\n"
        "i32.load 0\n"
        "global.set __stack_pointer\n"
        "local.get 1\n"
        "call run_thread\n"
        "end_function\n"
        ".export_name wasi_thread_start, wasi_thread_start\n");

__attribute__((used)) void run_thread(thread* self) {
    __wasm_init_tls(tls[self - threads]);
    self->result = self->function(self->argument);
    __atomic_store_n(&self->is_running, 0, __ATOMIC_SEQ_CST);
    wake(&self->is_running, 1);
}

/* Called by the main thread only; threads are not used again. */
static int pthread_create(pthread_t* created, const void* attributes, void* (*function)(void*),
                          void* argument) {
    (void)attributes;
    if (thread_count == MAX_THREADS || __builtin_wasm_tls_size() > TLS_SIZE)
        return 6; /* EAGAIN */
    thread* const next = &threads[thread_count];
    *next = (thread){stacks[thread_count] + STACK_SIZE, function, argument, 0, 1};
    if (thread_spawn(next) < 0)
        return 6;
    ++thread_count;
    *created = next;
    return 0;
}

static int pthread_join(pthread_t joined, void** result) {
    while (__atomic_load_n(&joined->is_running, __ATOMIC_SEQ_CST))
        wait_for(&joined->is_running, 1);
    *result = joined->result;
    return 0;
}

static int pthread_mutex_lock(pthread_mutex_t* mutex) {
    int seen = 0;
    if (__atomic_compare_exchange_n(&mutex->state, &seen, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return 0;
    while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_SEQ_CST) != 0)
        wait_for(&mutex->state, 2);
    return 0;
}

static int pthread_mutex_unlock(pthread_mutex_t* mutex) {
    if (__atomic_exchange_n(&mutex->state, 0, __ATOMIC_SEQ_CST) == 2)
        wake(&mutex->state, 1);
    return 0;
}

static int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    const int seen = __atomic_load_n(&condition->signals, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(mutex);
    wait_for(&condition->signals, seen);
    pthread_mutex_lock(mutex);
    return 0;
}

static int pthread_cond_broadcast(pthread_cond_t* condition) {
    __atomic_add_fetch(&condition->signals, 1, __ATOMIC_SEQ_CST);
    wake(&condition->signals, -1u);
    return 0;
}

#endif
