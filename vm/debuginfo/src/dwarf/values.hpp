#pragma once

#include "dwarf/codes.hpp"
#include "dwarf/input.hpp"

#include <cstdint>
#include <string_view>

namespace warpbeam::dwarf {

/// How a part of DWARF is written.
struct Encoding {
    uint16_t version = 0;
    uint8_t address_size = 0; ///< 4, or 8 for memories with 64-bit addresses
    uint8_t offset_size = 0;  ///< 4, or 8 in 64-bit DWARF

    /// The highest address, which has special meanings.
    [[nodiscard]] uint64_t max_address() const noexcept {
        return address_size == 8 ? UINT64_MAX : UINT32_MAX;
    }
    /// Whether linkers give this address to functions that they leave out. Offsets that are added to it could
    /// lead to code again.
    [[nodiscard]] bool is_dropped(uint64_t address) const noexcept { return address >= max_address() - 1; }
};

/// The value of an attribute, as it is written.
struct Value {
    Form form = Form::none; ///< `none`: there is no value
    uint64_t number = 0;    ///< of any form but those with bytes
    std::string_view text;  ///< of the form `string`

    explicit operator bool() const noexcept { return form != Form::none; }
};

/// Reads the length at the start of a unit, which says how it is written. False if it is reserved.
[[nodiscard]] bool read_length(Input& in, Encoding& encoding, uint64_t& length) noexcept;

/// Reads a value; false if the form is unknown, so that nothing after it can be read. `constant` is the value
/// of the form `implicit_const`.
[[nodiscard]] bool read_value(Input& in, Encoding encoding, Form form, int64_t constant,
                              Value& value) noexcept;

} // namespace warpbeam::dwarf
