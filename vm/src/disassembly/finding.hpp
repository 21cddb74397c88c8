#pragma once

#include <cstddef>
#include <string_view>

namespace warpbeam::vm {

/// What is wrong with a function's code, and where.
struct Finding {
    size_t position = 0;
    const char* words = nullptr; ///< null if nothing is wrong
    /// The field of the instruction in question, if there is one.
    std::string_view field{};
    /// Whether the code can still be disassembled.
    bool is_readable = false;
};

} // namespace warpbeam::vm
