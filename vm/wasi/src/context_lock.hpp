#pragma once

#include <warpbeam/wasi/wasi.hpp>

#include <mutex>

/// The lock of a context that several threads use. It is held while a call looks at descriptors or uses
/// files, so that these are used by one thread at a time, as their classes expect; not while a call waits.

namespace warpbeam::wasi {

/// What a shared context has.
class ContextLock {
public:
    std::mutex mutex;
};

/// Holds the lock of a context while it lives; does nothing if the context is not shared.
class Held {
public:
    explicit Held(ContextLock* lock) noexcept : lock_{lock} { take(); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { give(); }

    /// @{ For a wait in between.
    void take() noexcept {
        if (lock_ != nullptr)
            lock_->mutex.lock();
    }
    void give() noexcept {
        if (lock_ != nullptr)
            lock_->mutex.unlock();
    }
    /// @}

private:
    ContextLock* lock_;
};

} // namespace warpbeam::wasi
