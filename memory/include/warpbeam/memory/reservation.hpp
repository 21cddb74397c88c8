#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace warpbeam {

/// A range of addresses that nothing else will be put at, whose pages are given memory piece by piece.
/// Reserving costs no memory. Where the platform can't do that (or the address space is small), `reserve`
/// yields an empty reservation.
///
/// Thread-safety: none; one thread at a time.
class Reservation {
public:
    Reservation() noexcept = default;
    Reservation(Reservation&& other) noexcept
        : base_{std::exchange(other.base_, nullptr)}, size_{std::exchange(other.size_, 0)} {}
    Reservation& operator=(Reservation other) noexcept {
        std::swap(base_, other.base_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Reservation();

    /// Reserves `size` bytes (more than 0), rounded up to whole host pages. Touching them faults.
    [[nodiscard]] static Reservation reserve(size_t size) noexcept;

    /// Makes the bytes [from, to) readable and writable; they begin as zeros. `from` is where the last call
    /// ended (0 at first). False when the system has no more memory.
    [[nodiscard]] bool commit(size_t from, size_t to) noexcept;

    [[nodiscard]] uint8_t* base() const noexcept { return base_; }
    /// In bytes; 0 when empty.
    [[nodiscard]] size_t size() const noexcept { return size_; }

private:
    uint8_t* base_ = nullptr;
    size_t size_ = 0;
};

} // namespace warpbeam
