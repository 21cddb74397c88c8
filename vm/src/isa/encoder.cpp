#include "isa/encoder.hpp"

namespace warpbeam::vm {

namespace {

constexpr size_t masks = 8; // of constants
constexpr size_t widths = 3;

/// All encodings, so that the lowering need not compute one for each instruction.
constexpr auto encodings = [] {
    std::array<Encoding, form_count * masks * widths> table{};
    for (size_t i = 0; i < table.size(); ++i)
        table[i] =
            encoding_of(static_cast<Form>(i / widths / masks), i / widths % masks, size_t{4} << i % widths);
    return table;
}();

} // namespace

const Encoding& Shape::encoding() const noexcept {
    const size_t exponent = width == 4 ? 0 : width == 8 ? 1 : 2;
    return encodings[(static_cast<size_t>(form) * masks + variant.constants()) * widths + exponent];
}

} // namespace warpbeam::vm
