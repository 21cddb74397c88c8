#pragma once

#include "thread_ids.hpp"
#include "thread_limits.hpp"

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

/// A program with threads: what these have in common.
class ThreadProgram {
public:
    ThreadProgram(Linker& linker, Context& context, const Module& module,
                  const ThreadSettings& settings) noexcept
        : linker_{linker}, context_{context}, module_{module}, settings_{settings},
          allocator_{linker.engine().allocator()}, fuel_{settings.fuel}, amounts_{settings.limits},
          memories_{allocator_} {}

    /// The function `thread-spawn`.
    [[nodiscard]] int32_t spawn(uint32_t argument) noexcept;
    /// Runs it until it returns; otherwise returns how it has ended the program.
    [[nodiscard]] std::optional<ProgramEnd> drive(Execution& execution, uint32_t thread) noexcept;
    /// Whether it has ended, or has not begun.
    [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
    /// The number of threads, also of those that are being made.
    [[nodiscard]] uint32_t count() noexcept;
    [[nodiscard]] Allocator& allocator() const noexcept { return allocator_; }

    // ---- For the main thread ----

    /// Makes or finds the shared memories that the module imports. Errors: those of a definition;
    /// `out_of_memory`.
    [[nodiscard]] std::expected<void, Error> define_memories(Store& store) noexcept;
    /// An instance in the main thread's store, whose start function has not run.
    [[nodiscard]] std::expected<Execution, InstantiationError> instantiate(Store& store) noexcept {
        return Execution::instantiate(linker_, store, module_);
    }
    /// The main thread is about to run, in that store.
    void begin(Store& store) noexcept;
    /// The same again.
    void begin() noexcept;
    /// See Threads::finish.
    [[nodiscard]] ProgramEnd finish(ProgramEnd with) noexcept;

private:
    /// One that `thread-spawn` has made. Its number and its place in the list are protected by `mutex_`; the
    /// rest belongs to its thread, and before that starts, to the one that makes it.
    struct Thread final : ThreadTask {
        explicit Thread(ThreadProgram& of) noexcept
            : program{of}, share{of.amounts_, of.settings_.limits.growth},
              store{of.linker_.engine(), share.limits(of.settings_)}, handle{store.interrupt_handle()} {}
        void run() noexcept override;
        /// Calls `wasi_thread_start`, after the start function.
        [[nodiscard]] std::optional<ProgramEnd> start() noexcept;

        ThreadProgram& program;
        ThreadShare share;
        Store store;
        InterruptHandle handle;
        Execution execution; ///< first that of the start function
        uint32_t id = 0;
        uint32_t argument = 0;
        Thread* next = nullptr;
        Thread* previous = nullptr;
    };

    [[nodiscard]] std::optional<ProgramEnd> run(Execution& execution, uint32_t thread) noexcept;
    [[nodiscard]] bool reserve() noexcept;
    void enlist(Thread& thread) noexcept;
    [[nodiscard]] Errno prepare(Thread& thread) noexcept;
    [[nodiscard]] std::expected<Vec<Extern>, Error> imports(Store& store) const noexcept;
    void remove(Thread* thread) noexcept;
    /// Ends the program, if nothing has ended it yet.
    void end(ProgramEnd with) noexcept;
    void interrupt_all() noexcept;

    Linker& linker_;
    Context& context_;
    const Module module_;
    const ThreadSettings settings_;
    Allocator& allocator_;
    FuelPool fuel_;
    SharedAmounts amounts_;
    Vec<std::optional<SharedMemory>> memories_; ///< for each import; empty for those that are no memory
    Store* main_ = nullptr;                     ///< of the main thread, the only one to use it

    // Protected by `mutex_`; `has_ended_` can be read without it.
    std::mutex mutex_;
    std::condition_variable changed_; ///< `count_` has become 0
    Thread* first_ = nullptr;         ///< the list of threads
    uint32_t count_ = 0;
    ThreadIds ids_;
    std::optional<InterruptHandle> main_handle_; ///< while the program runs
    std::atomic<bool> has_ended_ = true;
    ProgramEnd ended_; ///< how
};

} // namespace warpbeam::wasi
