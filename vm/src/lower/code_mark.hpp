#pragma once

#include <cstddef>

namespace warpbeam::vm {

/// Maps an instruction of the code to the instruction of the body that it was made from.
struct CodeMark {
    size_t position; ///< in the code
    size_t offset;   ///< in the body
};

} // namespace warpbeam::vm
