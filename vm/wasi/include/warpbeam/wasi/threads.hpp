#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/store.hpp>
#include <warpbeam/vm/trap.hpp>
#include <warpbeam/vm/value.hpp>

#include <cstdint>
#include <expected>
#include <optional>
#include <span>

/// @file
/// wasi-threads: programs that start threads. Each thread is an instance of the program's module in a store
/// of its own; all have the same shared memory and the same WASI context.
/// https://github.com/WebAssembly/wasi-threads

namespace warpbeam::wasi {

class Context;
class ThreadProgram;

/// What is to be done in a thread.
class ThreadTask {
public:
    /// Does it; afterwards the object is gone.
    virtual void run() noexcept = 0;

protected:
    ~ThreadTask() = default;
};

/// Starts threads, for `Threads`: the library itself starts none. Derive from it to take threads from a pool
/// of your own. Thread-safety: all threads of a program use it at the same time.
class ThreadStarter {
public:
    virtual ~ThreadStarter() = default;

    /// Lets a thread call `task.run()` once, and returns without waiting for that. The task may need other
    /// tasks to go on, so each needs a thread that does nothing else until its end. False if there is no
    /// thread: then it is not called.
    [[nodiscard]] virtual bool start(ThreadTask& task) noexcept = 0;
};

/// A thread of the operating system for each task, with a native stack of 1 MiB. Signals that concern the
/// whole process, such as SIGINT, are left to the other threads. Thread-safe.
[[nodiscard]] WARPBEAM_API ThreadStarter& native_threads() noexcept;

/// What the threads of a program may use.
struct ThreadSettings {
    /// How many may exist at the same time, the main thread not included. `thread-spawn` then fails.
    uint32_t max_threads = 256;
    /// What all threads but the main one, whose store has its own limits, may have together: in memories that
    /// are not shared, and in tables. `heap_bytes` and `execution_bytes` are divided by `max_threads`: each
    /// thread may have an equal part. The other limits are each store's. A shared memory is there only once,
    /// but must fit into each store's limit with its maximum size.
    StoreLimits limits = {};
    /// What all threads together may use, the main thread included, if Config::fuel is set. Threads take it
    /// in parts of a thousandth, or of 2^20 units if that is less; when a thread finds nothing left, the
    /// program ends with `out_of_fuel`, even if others still have some of their parts.
    uint64_t fuel = UINT64_MAX;
    /// What starts threads; null: `native_threads`. It must outlive the Threads.
    ThreadStarter* starter = nullptr;
};

/// How a program with threads has ended.
struct ProgramEnd {
    /// The thread that has ended it; 0 is the main thread.
    uint32_t thread = 0;
    /// Why: a trap, also that of `proc_exit`. Nothing if the main thread has returned.
    std::optional<Trap> trap;
    /// Where that thread was, if it was interrupted or had no more fuel: such traps say nothing of it.
    Backtrace backtrace{};
};

/// A program that may start threads: runs one module, in the thread of the embedder and in those that it
/// starts by calling `thread-spawn`.
///
/// It ends when its main thread returns, or when any thread traps or calls `proc_exit`: all others are
/// interrupted then, wherever they are: in loops, in `memory.atomic.wait`, in WASI's waits. What came first
/// is the program's end. A host function of the embedder that waits must ask Caller::is_interrupted.
///
/// `thread-spawn` returns the number of the new thread, from 1 to 2^29 - 1, which no other running thread
/// has. Otherwise it returns a negative errno: `-again` if there are as many threads as there may be, the
/// starter has none, or the thread's store has no room for an instance; `-nomem` without memory. A start
/// function of the module runs in each thread, before `wasi_thread_start`.
///
/// Thread-safety: the embedder uses it in one thread, that of the main store.
class WARPBEAM_API Threads {
public:
    /// Prepares a program: defines `thread-spawn` of the module `wasi` in the linker, and shares the context
    /// (Context::share). Linker, context, and all that the linker defines are used by all threads at the same
    /// time: its functions must allow that, and it must not change while the program runs. Both must outlive
    /// the object, and no code of the main store may run without it.
    ///
    /// Errors: `usage` if the engine's code can't be interrupted (Config::interruption), or the module starts
    /// threads but exports no `wasi_thread_start` or imports no shared memory, or imports what only one store
    /// can have; `usage` also if the linker has a `thread-spawn` already; `out_of_memory`.
    [[nodiscard]] static std::expected<Threads, Error> create(Linker& linker, Context& context,
                                                              const Module& module,
                                                              const ThreadSettings& settings = {}) noexcept;
    Threads(Threads&& other) noexcept;
    Threads& operator=(Threads&& other) noexcept;
    /// Ends all threads, and waits for that.
    ~Threads();

    /// Makes the instance of the main thread, once, in the embedder's store, which must not move, and
    /// must live until `finish` or the end of the object. Shared
    /// memories that the linker does not define are made, and defined there. A start function may already
    /// start threads. Errors: as for Linker::instantiate; all threads have ended then. If one of these was
    /// the first to fail, the trap is that thread's.
    [[nodiscard]] std::expected<Instance, InstantiationError> instantiate(Store& store) noexcept;

    /// After `instantiate`: calls a function of that instance in the main thread, and leaves the others as
    /// they are. Nothing if it returns; its results are then in `results`. Otherwise the program has ended,
    /// by this thread or another. The call is an Execution's, which is not resumed: an interrupt of the store
    /// ends the program, too.
    [[nodiscard]] std::optional<ProgramEnd> call(const Func& func, std::span<const Value> args = {},
                                                 std::span<Value> results = {}) noexcept;

    /// Ends the program because the main thread has ended, by the trap, or by returning. Waits until the last
    /// thread has ended; what came first is returned. Later, a new run may begin in the same memory. For
    /// `backtrace` see ProgramEnd.
    ProgramEnd finish(std::optional<Trap> trap = std::nullopt, Backtrace backtrace = Backtrace{}) noexcept;

    /// Calls a function such as `_start`, and ends the program with it.
    [[nodiscard]] ProgramEnd run(const Func& func) noexcept {
        auto ended = call(func);
        return ended ? std::move(*ended) : finish();
    }

    /// How many threads there are now, the main thread not included.
    [[nodiscard]] uint32_t count() const noexcept;
    /// Whether the program has ended, so that its main thread is interrupted, or has not begun: for an
    /// embedder that runs the main thread itself, and calls `finish` at its end. Thread-safe.
    [[nodiscard]] bool has_ended() const noexcept;

private:
    explicit Threads(ThreadProgram* program) noexcept : program_{program} {}
    ThreadProgram* program_;
};

} // namespace warpbeam::wasi
