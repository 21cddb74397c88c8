#pragma once

#include <cstddef>

/// @file
/// Work that the embedder may spread over its threads. Warpbeam starts no thread.

namespace warpbeam {

/// Runs the parts of a piece of work: a thread pool, or what stands for one. The embedder derives from it.
/// Its thread-safety is the embedder's choice: a function that takes a pool calls it only from the
/// calling thread.
class WorkerPool {
public:
    /// A piece of work that consists of parts.
    class Work {
    public:
        /// Does a part, by its number. Any thread may call this, for different parts at the same time.
        virtual void part(size_t number) noexcept = 0;

    protected:
        ~Work() = default;
    };

    /// Calls `work.part` once for each number below `count`, in any order and on any threads, and returns
    /// after all these calls have returned; what they wrote must then be visible to the caller. It may not
    /// fail, so if no thread can be had, it makes the calls itself.
    virtual void run(Work& work, size_t count) noexcept = 0;

protected:
    ~WorkerPool() = default;
};

} // namespace warpbeam
