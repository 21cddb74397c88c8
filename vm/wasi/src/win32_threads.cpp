#include "win32_handle.hpp"

#ifdef _WIN32

#include <warpbeam/wasi/threads.hpp>

#include <process.h>

namespace warpbeam::wasi {

namespace {

/// As in native_threads.cpp.
constexpr unsigned stack_size = 1 << 20;

class NativeThreads final : public ThreadStarter {
public:
    bool start(ThreadTask& task) noexcept override {
        const uintptr_t thread =
            _beginthreadex(nullptr, stack_size, run, &task, STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr);
        if (thread == 0)
            return false;
        (void)CloseHandle(reinterpret_cast<HANDLE>(thread)); // NOLINT(performance-no-int-to-ptr)
        return true;
    }

private:
    static unsigned __stdcall run(void* task) noexcept {
        static_cast<ThreadTask*>(task)->run();
        return 0;
    }
};

} // namespace

ThreadStarter& native_threads() noexcept {
    static NativeThreads threads;
    return threads;
}

} // namespace warpbeam::wasi

#endif
