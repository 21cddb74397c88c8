#pragma once

#include <cstddef>

namespace warpbeam::vm {

/// Which instruction of the body an instruction of the code was made from.
struct CodeMark {
    size_t position; ///< in the code
    size_t offset;   ///< in the body
};

} // namespace warpbeam::vm
