#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/types.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/memory/wait_result.hpp>
#include <warpbeam/vm/handle.hpp>

#include <cstdint>
#include <expected>
#include <span>
#include <type_traits>

namespace warpbeam {

class SharedBytes;

/// A memory that several stores, each in its own thread, can use at the same time. `Memory::create` adds it
/// to a store; `Memory::shared` returns the shared memory of a store, such as one that a module defined. A
/// counted reference: the bytes are freed after the last SharedMemory or store that uses them.
/// https://github.com/WebAssembly/threads/blob/main/proposals/threads/Overview.md
///
/// Thread-safety: any thread may call any function at any time. The embedder must synchronise access to the
/// bytes itself: `std::atomic_ref` at aligned addresses works together with the atomic instructions.
class WARPBEAM_API SharedMemory {
public:
    /// Makes a memory of `type.limits.min` pages of zeros and reserves address space for `type.limits.max`.
    /// `allocator` must outlive it; null means the default allocator. Errors: `usage` if the type is invalid
    /// or not shared; `out_of_memory`.
    [[nodiscard]] static std::expected<SharedMemory, Error> create(const MemoryType& type,
                                                                   Allocator* allocator = nullptr) noexcept;

    /// The type; its minimum is the current size, as linking requires.
    [[nodiscard]] MemoryType type() const noexcept;
    /// All current bytes. They never move, and the memory never shrinks.
    [[nodiscard]] std::span<uint8_t> data() const noexcept;
    /// Adds `pages` pages of zeros; returns the old size in pages. Error: `limit` if the type's maximum or
    /// the available memory do not allow it.
    [[nodiscard]] std::expected<uint64_t, Error> grow(uint64_t pages) const noexcept;

    /// Like the instruction memory.atomic.notify: wakes up to `count` of the threads that wait at `address`,
    /// the longest waiting first, and returns the number of threads woken.
    uint32_t notify(uint64_t address, uint32_t count) const noexcept;
    /// Like the instructions memory.atomic.wait32 and wait64: if the T (uint32_t or uint64_t) at `address` is
    /// `expected`, waits for a notification, for at most `timeout` nanoseconds, or forever if that is
    /// negative. Error: `usage` if the address is not a multiple of T's size or not inside the memory.
    template <typename T>
        requires(std::is_same_v<T, uint32_t> || std::is_same_v<T, uint64_t>)
    [[nodiscard]] std::expected<WaitResult, Error> wait(uint64_t address, T expected,
                                                        int64_t timeout) const noexcept {
        return wait_for(address, expected, timeout);
    }

    SharedMemory(const SharedMemory&) noexcept;
    SharedMemory& operator=(const SharedMemory&) noexcept;
    ~SharedMemory();

    /// Whether both are the same memory.
    friend bool operator==(const SharedMemory& a, const SharedMemory& b) noexcept {
        return a.bytes_ == b.bytes_;
    }

private:
    friend struct vm::Internal;
    SharedMemory(Ref<SharedBytes> bytes, const MemoryType& type) noexcept;
    [[nodiscard]] std::expected<WaitResult, Error> wait_for(uint64_t address, uint32_t expected,
                                                            int64_t timeout) const noexcept;
    [[nodiscard]] std::expected<WaitResult, Error> wait_for(uint64_t address, uint64_t expected,
                                                            int64_t timeout) const noexcept;

    Ref<SharedBytes> bytes_;
    MemoryType type_;
};

} // namespace warpbeam
