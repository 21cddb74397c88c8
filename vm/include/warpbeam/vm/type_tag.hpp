#pragma once

namespace warpbeam::detail {

/// Its address stands for the type T, where an object is kept without its type. It is no constant, since
/// equal constants may be merged.
template <typename T>
struct TypeTag {
    static inline char address = 0;
};

} // namespace warpbeam::detail
