#pragma once

#include <cstddef>
#include <string_view>

namespace warpbeam::vm {

/// What is wrong with a function's code, and where.
struct Finding {
    size_t position = 0;
    const char* words = nullptr; ///< null: nothing is
    /// The field of the instruction that is meant, if it is one.
    std::string_view field{};
    /// Whether the code can be disassembled all the same.
    bool is_readable = false;
};

} // namespace warpbeam::vm
