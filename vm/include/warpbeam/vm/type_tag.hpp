#pragma once

namespace warpbeam::detail {

/// Its address identifies the type T where an object is stored without its type. It is not a constant, since
/// equal constants may be merged. Thread-safety: it is never read or written.
template <typename T>
struct TypeTag {
    [[gnu::visibility("default")]] static inline char address = 0; ///< one for all shared libraries
};

} // namespace warpbeam::detail
