#ifndef _WIN32

#include <warpbeam/wasi/threads.hpp>

#include <csignal>
#include <pthread.h>

namespace warpbeam::wasi {

namespace {

/// Code of a program takes none of it, but host functions do, and calls from them back into the program.
constexpr size_t stack_size = 1 << 20;

/// Signals for the whole process are handled by the threads that the process had before, as if it had no
/// more. Those that are faults of the thread itself must be let through.
sigset_t signals_for_others() noexcept {
    sigset_t all;
    (void)sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS})
        (void)sigdelset(&all, fault);
    return all;
}

class NativeThreads final : public ThreadStarter {
public:
    bool start(ThreadTask& task) noexcept override {
        pthread_attr_t attributes;
        if (pthread_attr_init(&attributes) != 0)
            return false;
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        (void)pthread_attr_setstacksize(&attributes, stack_size);
        // A new thread has the mask of the one that makes it.
        const sigset_t others = signals_for_others();
        sigset_t before;
        const bool is_masked = pthread_sigmask(SIG_BLOCK, &others, &before) == 0;
        pthread_t thread;
        const int error = pthread_create(&thread, &attributes, run, &task);
        if (is_masked)
            (void)pthread_sigmask(SIG_SETMASK, &before, nullptr);
        (void)pthread_attr_destroy(&attributes);
        return error == 0;
    }

private:
    static void* run(void* task) noexcept {
        static_cast<ThreadTask*>(task)->run();
        return nullptr;
    }
};

} // namespace

ThreadStarter& native_threads() noexcept {
    static NativeThreads threads;
    return threads;
}

} // namespace warpbeam::wasi

#endif
