/* Threads that share work, hand things on through a queue, and have variables of their own. It needs no libc
   but for the threads, so that it can be linked with a shared memory. Prints what does not depend on which
   thread is faster. */
#ifdef __wasm__
#include "threads.h"

typedef unsigned long size_t;
struct buffer {
    const char* text;
    size_t size;
};
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int
fd_write(int fd, const struct buffer* buffers, size_t count, size_t* written);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_exit"))) _Noreturn void
end(int status);

static void put(const char* text, size_t size) {
    const struct buffer buffer = {text, size};
    size_t written;
    fd_write(1, &buffer, 1, &written);
}
#else
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void put(const char* text, size_t size) {
    if (write(1, text, size) < 0)
        abort();
}
#define end exit
#endif

enum { workers = 4, limit = 200000, part = 1000, capacity = 8, items = 5000 };

static void print(const char* name, unsigned long number) {
    char line[100];
    size_t size = 0;
    while (name[size]) {
        line[size] = name[size];
        ++size;
    }
    line[size++] = ' ';
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (count > 0)
        line[size++] = digits[--count];
    line[size++] = '\n';
    put(line, size);
}

static void must(int holds, const char* what) {
    if (holds)
        return;
    print(what, 0);
    end(1);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned next;                     /* part of the work */
static unsigned long primes;              /* that were found; under the mutex */
static _Thread_local unsigned mine = 100; /* found by this thread, beyond 100 */

static int is_prime(unsigned number) {
    for (unsigned i = 2; i * i <= number; ++i)
        if (number % i == 0)
            return 0;
    return number > 1;
}

static void* count_primes(void* result) {
    for (;;) {
        const unsigned first = __atomic_fetch_add(&next, part, __ATOMIC_RELAXED);
        if (first >= limit)
            break;
        for (unsigned number = first; number < first + part; ++number)
            mine += (unsigned)is_prime(number);
    }
    pthread_mutex_lock(&mutex);
    primes += mine - 100;
    pthread_mutex_unlock(&mutex);
    return result;
}

static unsigned queue[capacity];
static unsigned put_in, taken_out;

static void* produce(void* step) {
    for (unsigned i = 0; i < items; ++i) {
        pthread_mutex_lock(&mutex);
        while (put_in - taken_out == capacity)
            pthread_cond_wait(&changed, &mutex);
        queue[put_in++ % capacity] = i * *(unsigned*)step;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return step;
}

static unsigned long consume(unsigned count) {
    unsigned long sum = 0;
    for (; count > 0; --count) {
        pthread_mutex_lock(&mutex);
        while (put_in == taken_out)
            pthread_cond_wait(&changed, &mutex);
        sum += queue[taken_out++ % capacity];
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return sum;
}

static void all(void) {
    pthread_t threads[workers];
    void* result;
    for (int i = 0; i < workers; ++i)
        must(pthread_create(&threads[i], 0, count_primes, &threads[i]) == 0, "no thread");
    for (int i = 0; i < workers; ++i) {
        pthread_join(threads[i], &result);
        must(result == &threads[i], "another result");
    }
    print("primes", primes);
    print("the main thread's own", mine);

    unsigned steps[2] = {1, 3};
    for (int i = 0; i < 2; ++i)
        must(pthread_create(&threads[i], 0, produce, &steps[i]) == 0, "no thread");
    print("sum", consume(2 * items));
    for (int i = 0; i < 2; ++i)
        pthread_join(threads[i], &result);
}

#ifdef __wasm__
void _start(void) { all(); }
#else
int main(void) {
    all();
    return 0;
}
#endif
