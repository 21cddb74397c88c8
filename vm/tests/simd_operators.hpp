#pragma once

#include <array>
#include <cstdint>
#include <span>

/// The vector operators as they come out for one instruction set, for comparing them with each other.

namespace warpbeam::vm {

using Bytes = std::array<uint8_t, 16>;

struct SimdOperator {
    const char* name;
    /// The first result word holds a result that is not a vector.
    void (*apply)(const Bytes* operands, uint32_t number, Bytes& result);
    char lanes; ///< of the result, where NaNs of all kinds are the same: f, d, or i
};

namespace operators_portable {
std::span<const SimdOperator> operators();
}
namespace operators_baseline {
std::span<const SimdOperator> operators();
}
namespace operators_avx2 {
std::span<const SimdOperator> operators();
}

} // namespace warpbeam::vm
