#include "handlers/guard.hpp"

#if WARPBEAM_GUARD_PAGES

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ucontext.h>

namespace {

/// One guarded access and where to continue if it faults, both relative to their own address.
struct GuardedAccess {
    int32_t access;
    int32_t fault;
};

} // namespace

// The linker defines these from the section's name. Without any access there is no section.
extern "C" {
[[gnu::weak, gnu::visibility("hidden")]] extern const GuardedAccess __start_warpbeam_guard[]; // NOLINT
[[gnu::weak, gnu::visibility("hidden")]] extern const GuardedAccess __stop_warpbeam_guard[];  // NOLINT
}

namespace warpbeam::vm {
namespace {

uintptr_t target(const int32_t& field) noexcept {
    return reinterpret_cast<uintptr_t>(&field) + static_cast<uintptr_t>(intptr_t{field});
}

/// The previous handler; written once, before ours is installed.
struct sigaction previous; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
/// Whether the previous handler has been called, if it asked to be called only once: if it returns, the next
/// fault ends the process.
std::atomic_flag spent; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void hand_on(int number, siginfo_t* info, void* context) noexcept {
    const bool once = (previous.sa_flags & static_cast<int>(SA_RESETHAND)) != 0;
    const bool over = once && spent.test_and_set();
    if (!over && (previous.sa_flags & SA_SIGINFO) != 0) {
        previous.sa_sigaction(number, info, context);
    } else if (!over && previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    } else {
        // The signal was sent by a process and may be ignored; a fault can't be ignored and repeats when we
        // return.
        const bool sent = info->si_code <= 0;
        if (sent && previous.sa_handler == SIG_IGN)
            return;
        std::signal(number, SIG_DFL);
        if (sent)
            (void)std::raise(number);
    }
}

void on_fault(int number, siginfo_t* info, void* context) noexcept {
    auto& counter = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
    const auto instr = static_cast<uintptr_t>(counter);
    // A signal that was sent may arrive at any instruction. Searching a few thousand entries takes
    // microseconds.
    if (info->si_code > 0)
        for (const GuardedAccess* entry = __start_warpbeam_guard; entry != __stop_warpbeam_guard; ++entry)
            if (target(entry->access) == instr) {
                counter = static_cast<greg_t>(target(entry->fault));
                return;
            }
    hand_on(number, info, context);
}

bool install() noexcept {
    if (sigaction(SIGSEGV, nullptr, &previous) != 0)
        return false;
    struct sigaction ours{};
    ours.sa_sigaction = on_fault;
    ours.sa_flags = SA_SIGINFO;
    if ((previous.sa_flags & SA_SIGINFO) != 0 ||
        (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)) {
        // The kernel applies the options of the previous handler to our call: its stack, the signals blocked
        // meanwhile, whether its own signal may interrupt it. Only the option to call it once is left to us.
        ours.sa_flags |= previous.sa_flags & (SA_ONSTACK | SA_NODEFER | SA_RESTART);
        ours.sa_mask = previous.sa_mask;
    } else {
        ours.sa_flags |= SA_ONSTACK | SA_NODEFER;
        sigemptyset(&ours.sa_mask);
    }
    return sigaction(SIGSEGV, &ours, nullptr) == 0;
}

} // namespace

bool catch_faults() noexcept {
    static const bool installed = install();
    return installed;
}

} // namespace warpbeam::vm

#else

namespace warpbeam::vm {
bool catch_faults() noexcept { return false; }
} // namespace warpbeam::vm

#endif
