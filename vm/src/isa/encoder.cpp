#include "isa/encoder.hpp"

namespace warpbeam::vm {

constexpr Encodings encodings;

constexpr decltype(field_places) field_places = [] {
    std::array<std::array<FieldPlace, std::size(field_names)>, form_count> places{};
    for (size_t form = 0; form < form_count; ++form)
        for (size_t name = 0; name < std::size(field_names); ++name)
            places[form][name] = find_field(static_cast<Form>(form), static_cast<Field>(name));
    return places;
}();

} // namespace warpbeam::vm
