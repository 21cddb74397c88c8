#include <cstddef>
#include <thread>
#include <vector>

/// Threads for tests in C, since not every C library for C99 has them.

extern "C" void run_threads(size_t count, void (*run)(void* env, size_t index), void* env);

extern "C" void run_threads(size_t count, void (*run)(void*, size_t), void* env) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < count; ++i)
        threads.emplace_back(run, env, i);
    for (std::thread& each : threads)
        each.join();
}
