#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

/// libFuzzer's own changes of bytes.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace warpbeam::fuzz {

/// Puts what was made of two inputs into libFuzzer's buffer; 0 if it does not fit.
template <typename Made>
size_t crossed_input(const Made& made, uint8_t* out, size_t max_size) {
    if (made.size() > max_size)
        return 0;
    std::ranges::copy(made, out);
    return made.size();
}

/// Puts what was made of an input in its place; bytes are changed instead if that is nothing, or does not
/// fit.
template <typename Made>
size_t changed_input(const Made& made, uint8_t* data, size_t size, size_t max_size) {
    const size_t new_size = crossed_input(made, data, max_size);
    return new_size != 0 ? new_size : LLVMFuzzerMutate(data, size, max_size);
}

} // namespace warpbeam::fuzz
