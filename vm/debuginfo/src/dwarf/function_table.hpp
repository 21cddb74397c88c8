#pragma once

#include "dwarf/context.hpp"
#include "dwarf/segments.hpp"
#include "dwarf/units.hpp"

#include <warpbeam/memory/vec.hpp>

#include <cstdint>
#include <string_view>

namespace warpbeam::dwarf {

/// A function with code, or a copy of one that was inlined.
struct Function {
    static constexpr uint32_t none = UINT32_MAX;

    uint64_t entry = 0;    ///< in .debug_info
    uint32_t outer = none; ///< the function whose entry encloses this one's
    uint32_t depth = 0;    ///< of its entry
    bool is_inlined = false;
    /// @{ If it is inlined: where the outer function calls it.
    uint32_t call_file = 0;
    uint32_t call_line = 0;
    uint32_t call_column = 0;
    /// @}
};

/// The functions of a unit.
class FunctionTable {
public:
    explicit FunctionTable(Allocator& allocator) noexcept : functions_{allocator}, map_{allocator} {}

    /// Reads the entries of a unit; of a damaged one, as many as could be read. False if memory runs out.
    [[nodiscard]] bool read(Context& context, Units& units, const Unit& unit) noexcept;

    /// The innermost function at an address, or Function::none.
    [[nodiscard]] uint32_t find(uint32_t address) const noexcept { return map_.find(address); }
    [[nodiscard]] const Function& operator[](uint32_t number) const noexcept { return functions_[number]; }

private:
    void read_entries(Context& context, Units& units, const Unit& unit) noexcept;

    Vec<Function> functions_; ///< in the order of their entries: an outer one comes first
    SegmentMap map_;
};

/// The name of a function: as the linker sees it, or else as in the source. An entry may refer to another one
/// that has the name. Empty if there is none.
[[nodiscard]] std::string_view function_name(Units& units, Context& context, const Unit& unit,
                                             uint64_t entry) noexcept;

} // namespace warpbeam::dwarf
