#pragma once

#include <cstdint>

namespace warpbeam {

namespace vm {
/// Gives the library access to the private members of public classes.
struct Internal;
} // namespace vm

namespace detail {

/// A handle to an object of a store: empty, or the object and the number of its store, which is unique.
/// Handles are small values and cheap to copy; they do not keep the store alive.
/// https://webassembly.github.io/spec/core/exec/runtime.html#addresses
///
/// Using an empty handle is safe: functions that report errors return `usage`, the others a neutral value
/// (zero, an empty list).
/// Thread-safety: a handle must not be used while another thread uses its store, nor after its store was
/// destroyed or with another store. A library built with WARPBEAM_CHECKS treats such a handle like an empty
/// one.
template <typename Inst>
class Handle {
public:
    /// Empty.
    constexpr Handle() noexcept = default;
    /// Whether it is not empty.
    explicit operator bool() const noexcept { return inst_ != nullptr; }
    /// A number that tells it from all other objects of its kind in its store, for hash tables; 0 if empty.
    [[nodiscard]] uintptr_t id() const noexcept { return reinterpret_cast<uintptr_t>(inst_); }
    friend bool operator==(const Handle&, const Handle&) noexcept = default;

protected:
    friend struct vm::Internal;
    Inst* inst_ = nullptr;
    uint64_t store_ = 0;
};

} // namespace detail
} // namespace warpbeam
