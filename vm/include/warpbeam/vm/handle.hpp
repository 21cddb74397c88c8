#pragma once

#include <cstdint>

namespace warpbeam {

namespace vm {
/// The library's own way to what public classes are made of.
struct Internal;
} // namespace vm

namespace detail {

/// A handle to an object of a store: empty, or the object and the number of its store, which no other store
/// ever has. Handles are small values to be copied freely; they do not keep the store alive.
///
/// Using an empty handle is safe: functions that report errors answer `usage`, the others what they return
/// for nothing (zero, an empty list). A handle must not be used after its store has ended, with another
/// store, or while another thread uses the store. A library that was built with WARPBEAM_CHECKS reports that
/// just as it does an empty handle.
template <typename Inst>
class Handle {
public:
    /// Empty.
    constexpr Handle() noexcept = default;
    /// Whether it is not empty.
    explicit operator bool() const noexcept { return inst_ != nullptr; }
    friend bool operator==(const Handle&, const Handle&) noexcept = default;

protected:
    friend struct vm::Internal;
    Inst* inst_ = nullptr;
    uint64_t store_ = 0;
};

} // namespace detail
} // namespace warpbeam
