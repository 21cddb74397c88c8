// Definitions with their names, and references to them.

#include "print/module_printer.hpp"

namespace warpbeam::text {

/// The name of the next definition of a space.
void ModulePrinter::define(Space space) noexcept {
    name_of(space, 0, defined_[static_cast<size_t>(space)]++);
}

/// A space, and the identifier or annotation of what is defined here; false if it has neither.
bool ModulePrinter::name_of(Space space, uint32_t owner, uint32_t index) noexcept {
    const NameSection::Entry* const entry = names_.find(space, owner, index);
    if (entry == nullptr)
        return false;
    ++names_used_;
    if (entry->is_identifier)
        out_.add(" ").identifier(entry->name);
    else
        out_.add(" (@name ").string(entry->name).add(")");
    return true;
}

void ModulePrinter::reference(Space space, uint32_t index, uint32_t owner) noexcept {
    const NameSection::Entry* const entry = names_.find(space, owner, index);
    if (entry != nullptr && entry->is_identifier)
        out_.identifier(entry->name);
    else
        out_.natural(index);
}

void ModulePrinter::optional_reference(Space space, uint32_t index) noexcept {
    if (index == 0)
        return;
    this->space();
    reference(space, index);
}

} // namespace warpbeam::text
