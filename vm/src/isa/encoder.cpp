#include "isa/encoder.hpp"

namespace warpbeam::vm {

constexpr Encodings encodings = [] {
    Encodings table{};
    for (size_t form = 0; form < form_count; ++form)
        for (unsigned constants = 0; constants < 8; ++constants)
            for (const size_t width : {4u, 8u, 16u})
                table[form][constants][width >> 3] = encoding_of(static_cast<Form>(form), constants, width);
    return table;
}();

constexpr decltype(field_places) field_places = [] {
    std::array<std::array<FieldPlace, std::size(field_names)>, form_count> places{};
    for (size_t form = 0; form < form_count; ++form)
        for (size_t name = 0; name < std::size(field_names); ++name)
            places[form][name] = find_field(static_cast<Form>(form), static_cast<Field>(name));
    return places;
}();

} // namespace warpbeam::vm
