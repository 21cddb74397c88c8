#include "type_names.hpp"

#include <algorithm>
#include <charconv>

namespace warpbeam {

void TypeText::add(std::string_view text) noexcept {
    const size_t size = std::min(text.size(), capacity - length_);
    std::copy_n(text.data(), size, text_ + length_);
    length_ += size;
}

void TypeText::defined(TypeId id) noexcept {
    const auto found = std::ranges::find(module_->types, id);
    if (found == module_->types.end())
        return add("from another module");
    char text[12];
    add({text, std::to_chars(text, text + sizeof text, found - module_->types.begin()).ptr});
}

TypeText& TypeText::add(std::span<const ValType> types) noexcept {
    add("[");
    // There may be a million types, and it takes time to find the index of each.
    for (size_t i = 0; i < types.size() && length_ != capacity; ++i) {
        if (i != 0)
            add(" ");
        value(types[i]);
    }
    add("]");
    return *this;
}

} // namespace warpbeam
