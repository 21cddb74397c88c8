#pragma once

#include "thread_ids.hpp"

#include <warpbeam/vm/execution.hpp>
#include <warpbeam/wasi/errno.hpp>
#include <warpbeam/wasi/threads.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

namespace warpbeam::wasi {

/// The fuel that the threads of a program share. Thread-safe.
class FuelPool {
public:
    explicit FuelPool(uint64_t units) noexcept
        : left_{units}, part_{std::clamp<uint64_t>(units / 1000, 1, uint64_t{1} << 20)} {}

    /// A part of it; 0 if nothing is left.
    [[nodiscard]] uint64_t take() noexcept {
        uint64_t before = left_.load(std::memory_order_relaxed);
        while (!left_.compare_exchange_weak(before, before - std::min(before, part_),
                                            std::memory_order_relaxed)) {
        }
        return std::min(before, part_);
    }
    /// What was left of a part.
    void give(uint64_t units) noexcept { left_.fetch_add(units, std::memory_order_relaxed); }

private:
    std::atomic<uint64_t> left_;
    const uint64_t part_;
};

/// For a call that the embedder could not make.
[[nodiscard]] Trap trap_of(const Error& error, Allocator& allocator) noexcept;

/// What all threads of a program have together.
class ThreadProgram {
public:
    ThreadProgram(Linker& from, const Module& of, const ThreadSettings& with) noexcept
        : linker{from}, module{of}, settings{with}, allocator{from.engine().allocator()}, fuel{with.fuel},
          memories{from.engine().allocator()} {}

    /// One that `thread-spawn` has made. Its number and its list are protected by `mutex`; the rest is its
    /// thread's, and before that thread starts, the spawning one's.
    struct Thread final : ThreadTask {
        explicit Thread(ThreadProgram& of) noexcept
            : program{of}, store{of.linker.engine(), of.settings.limits}, handle{store.interrupt_handle()} {}
        void run() noexcept override;

        ThreadProgram& program;
        Store store;
        InterruptHandle handle;
        Execution execution;
        uint32_t id = 0;
        Thread* next = nullptr;
        Thread* previous = nullptr;
    };

    /// The function `thread-spawn`.
    [[nodiscard]] int32_t spawn(uint32_t argument) noexcept;
    /// Runs it until it returns; otherwise returns how it has ended the program.
    [[nodiscard]] std::optional<ProgramEnd> drive(Execution& execution, uint32_t thread) noexcept;
    /// Ends the program, if nothing has ended it yet.
    void end(ProgramEnd with) noexcept;
    /// The main thread begins to run.
    void begin() noexcept;
    /// See Threads::finish.
    [[nodiscard]] ProgramEnd finish(ProgramEnd with) noexcept;
    /// The memories that the module imports; made unless the linker has them.
    [[nodiscard]] std::expected<void, Error> define_memories() noexcept;

    Linker& linker;
    const Module module;
    const ThreadSettings settings;
    Allocator& allocator;
    FuelPool fuel;
    Vec<std::optional<SharedMemory>> memories; ///< for each import; empty for those that are no memory

    std::mutex mutex;
    std::condition_variable changed; ///< `count` has become 0
    Thread* first = nullptr;         ///< the list of threads
    uint32_t count = 0;              ///< of threads, also of those that are not in the list yet
    ThreadIds ids;
    Store* main = nullptr;                      ///< the store of the main thread; only this uses it
    std::optional<InterruptHandle> main_handle; ///< while the program runs
    std::atomic<bool> has_ended = true;         ///< or has not begun; changed while `mutex` is held
    ProgramEnd ended;                           ///< how

private:
    [[nodiscard]] bool reserve() noexcept;
    [[nodiscard]] Errno prepare(Thread& thread, uint32_t argument) noexcept;
    [[nodiscard]] std::expected<Vec<Extern>, Error> imports(Store& store) const noexcept;
    void enlist(Thread& thread) noexcept;
    void remove(Thread* thread) noexcept;
    void interrupt_all() noexcept;
};

} // namespace warpbeam::wasi
