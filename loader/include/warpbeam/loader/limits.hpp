#pragma once

#include <cstddef>
#include <cstdint>

namespace warpbeam {

/// The limits on what a module may declare. Where the JavaScript embedding has a limit,
/// https://webassembly.github.io/spec/js-api/#limits , it is the default, as in all browsers. Thread-safety:
/// as for any value.
struct ModuleLimits {
    size_t module_size = 1u << 30; ///< in bytes
    /// @{ The maximum number of each, including imported ones.
    uint32_t types = 1'000'000;
    uint32_t functions = 1'000'000;
    uint32_t imports = 1'000'000;
    uint32_t exports = 1'000'000;
    uint32_t globals = 1'000'000;
    uint32_t tables = 100'000;
    uint32_t memories = 1'000;
    uint32_t tags = 1'000'000;
    uint32_t data_segments = 100'000;
    uint32_t element_segments = 10'000'000;
    /// @}
    uint32_t function_size = 7'654'321; ///< of a body, in bytes
    uint32_t locals = 50'000;           ///< of a function, parameters included
    uint32_t params = 1'000;            ///< of a function type
    uint32_t results = 1'000;           ///< of a function type
    uint32_t fields = 10'000;           ///< of a structure type
    uint32_t subtyping_depth = 63;      ///< the maximum number of direct and indirect supertypes of a type
    /// How deeply blocks may nest in a function.
    uint32_t nesting = 100'000;
    /// The maximum height of a function's operand stack, in 64-bit slots, including its locals.
    uint32_t frame_slots = 1'000'000;
};

} // namespace warpbeam
