#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/types.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/shared_bytes.hpp>

#include <cstdint>
#include <expected>
#include <span>

namespace warpbeam {

/// A memory that several stores, each on a thread of its own, use at the same time. `Memory::create` puts it
/// into a store, `Memory::shared` takes it out of the one whose module made it. A counted reference: the
/// bytes live as long as the last SharedMemory or store that has them.
/// https://github.com/WebAssembly/threads/blob/main/proposals/threads/Overview.md
///
/// Thread-safety: every function may be called from any thread at any time. What lies in the bytes is the
/// embedder's affair: `std::atomic_ref` at aligned addresses works together with the atomic instructions.
class WARPBEAM_API SharedMemory {
public:
    /// Makes one of `type.limits.min` pages of zeros and reserves the address space for `type.limits.max`.
    /// `allocator` must outlive it; null is the standard one. Errors: `usage` for a type that no module could
    /// declare or that is not shared; `out_of_memory`.
    [[nodiscard]] static std::expected<SharedMemory, Error> create(const MemoryType& type,
                                                                   Allocator* allocator = nullptr) noexcept;

    /// The type; its minimum is the present size, as linking demands.
    [[nodiscard]] MemoryType type() const noexcept;
    /// All bytes that there are now. They never move, and never become fewer.
    [[nodiscard]] std::span<uint8_t> data() const noexcept {
        return {bytes_->data(), static_cast<size_t>(bytes_->size())};
    }
    /// Grows by `pages`, filled with zeros; returns the old size in pages. Error: `limit`, when the type's
    /// maximum or the available memory do not allow it.
    std::expected<uint64_t, Error> grow(uint64_t pages) const noexcept;

    /// As the instruction memory.atomic.notify: wakes up to `count` of the threads that wait at `address`,
    /// the longest waiting first, and returns how many there were.
    uint32_t notify(uint64_t address, uint32_t count) const noexcept {
        return bytes_->notify(address, count);
    }
    /// As the instructions memory.atomic.wait32 and wait64: if the T (uint32_t or uint64_t) at `address` is
    /// `expected`, waits for a notification, at most `timeout` nanoseconds unless that is negative. Error:
    /// `usage`, when the address is not a multiple of T's size or lies outside.
    template <typename T>
    std::expected<WaitResult, Error> wait(uint64_t address, T expected, int64_t timeout) const noexcept {
        const uint64_t size = bytes_->size();
        if (address % sizeof(T) != 0 || size < sizeof(T) || address > size - sizeof(T))
            return std::unexpected{Error{ErrorCode::usage, "one can't wait at the address %llu",
                                         static_cast<unsigned long long>(address)}};
        return bytes_->wait<T>(address, expected, timeout);
    }

    /// Whether both are the same memory.
    friend bool operator==(const SharedMemory& a, const SharedMemory& b) noexcept {
        return a.bytes_ == b.bytes_;
    }

    /// @{ For the library's own use.
    SharedMemory(Ref<SharedBytes> bytes, const MemoryType& type) noexcept
        : bytes_{std::move(bytes)}, type_{type} {}
    [[nodiscard]] const Ref<SharedBytes>& bytes() const noexcept { return bytes_; }
    /// @}

private:
    Ref<SharedBytes> bytes_;
    MemoryType type_;
};

} // namespace warpbeam
