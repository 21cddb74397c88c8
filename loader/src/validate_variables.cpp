#include "validate_func.hpp"

#include <algorithm>

/// Locals, globals, memories, tables, and the segments that initialise them.
/// https://webassembly.github.io/spec/core/valid/instructions.html#variable-instructions and what follows
/// there.

namespace warpbeam {

bool FuncValidator::local_type(uint32_t index, ValType& type) noexcept {
    if (index < locals_.size()) [[likely]] {
        type = locals_[index];
        return true;
    }
    if (index >= local_count_)
        return diagnostics().invalid(here(), "unknown local %u", index);
    const auto run = std::ranges::upper_bound(run_ends_, index);
    type = runs_[static_cast<size_t>(run - run_ends_.begin())].type;
    return true;
}

bool FuncValidator::local_get() noexcept {
    uint32_t index = 0;
    ValType type;
    if (!in_.u32(index) || !local_type(index, type))
        return false;
    if (tracks_locals_ && !type.defaultable() && !is_set(index))
        return diagnostics().invalid(here(), "uninitialized local %u", index);
    return push(type);
}

bool FuncValidator::local_set(bool tee) noexcept {
    uint32_t index = 0;
    ValType type;
    if (!in_.u32(index) || !local_type(index, type) || !pop(type))
        return false;
    if (tracks_locals_ && !type.defaultable()) {
        uint64_t& word = initialised_[index / 64];
        const uint64_t bit = uint64_t{1} << (index % 64);
        if ((word & bit) == 0 && !initialised_list_.push(index))
            return diagnostics().out_of_memory();
        word |= bit;
    }
    return !tee || push(type);
}

bool FuncValidator::global(const GlobalType*& type, uint32_t& index) noexcept {
    const Vec<GlobalType>& globals = context_.module.globals;
    if (!in_.u32(index) || !context_.exists(index, globals.size(), here(), "global"))
        return false;
    type = &globals[index];
    return true;
}

bool FuncValidator::global_get() noexcept {
    uint32_t index = 0;
    const GlobalType* type = nullptr;
    if (!global(type, index))
        return false;
    if (is_constant_ && type->is_mutable)
        return diagnostics().invalid(here(), "constant expression required: global %u is mutable", index);
    if (is_constant_ && index >= context_.module.imported_globals &&
        !context_.require(Feature::gc, here(), "a constant expression with a global that is not imported"))
        return false;
    return push(type->content);
}

bool FuncValidator::global_set() noexcept {
    uint32_t index = 0;
    const GlobalType* type = nullptr;
    if (!global(type, index))
        return false;
    if (!type->is_mutable)
        return diagnostics().invalid(here(), "immutable global %u", index);
    return pop(type->content);
}

bool FuncValidator::memory(ValType& address) noexcept {
    uint32_t index = 0;
    if (!in_.u32(index) ||
        (index != 0 && !context_.require(Feature::multi_memory, here(), "a memory index")) ||
        !context_.exists(index, context_.module.memories.size(), here(), "memory"))
        return false;
    address = context_.module.memories[index].limits.address_type();
    return true;
}

bool FuncValidator::memory_copy() noexcept {
    ValType to, from;
    if (!memory(to) || !memory(from))
        return false;
    const ValType size = to == ValType::i64 && from == ValType::i64 ? ValType::i64 : ValType::i32;
    return pop(size) && pop(from) && pop(to);
}

bool FuncValidator::data_index(uint32_t& index) noexcept {
    // The data section comes after the code, so its count must be declared before.
    return in_.u32(index) && (context_.module.data_count.has_value() ||
                              diagnostics().malformed(here(), "data count section required"));
}

bool FuncValidator::data_exists(uint32_t index) noexcept {
    return context_.exists(index, *context_.module.data_count, here(), "data segment");
}

bool FuncValidator::elem_exists(uint32_t index) noexcept {
    return context_.exists(index, context_.module.elements.size(), here(), "elem segment");
}

bool FuncValidator::table(const TableType*& type) noexcept {
    uint32_t index = 0;
    if (!in_.u32(index) ||
        (index != 0 && !context_.require(Feature::reference_types, here(), "a table index")) ||
        !context_.exists(index, context_.module.tables.size(), here(), "table"))
        return false;
    type = &context_.module.tables[index];
    return true;
}

bool FuncValidator::on_table(const Effect& effect) noexcept {
    const TableType* type = nullptr;
    return table(type) && apply(effect, type->limits.address_type(), type->element, 0);
}

bool FuncValidator::table_copy() noexcept {
    const TableType* to = nullptr;
    const TableType* from = nullptr;
    if (!table(to) || !table(from))
        return false;
    if (!registry().matches(from->element, to->element))
        return diagnostics().invalid(here(), "type mismatch: table.copy from %s to %s",
                                     text_of(from->element).c_str(), text_of(to->element).c_str());
    const ValType size = to->limits.is_64 && from->limits.is_64 ? ValType::i64 : ValType::i32;
    return pop(size) && pop(from->limits.address_type()) && pop(to->limits.address_type());
}

bool FuncValidator::table_init() noexcept {
    uint32_t index = 0;
    const TableType* type = nullptr;
    if (!in_.u32(index) || !table(type) || !elem_exists(index))
        return false;
    const ValType elements = context_.module.elements[index].type;
    if (!registry().matches(elements, type->element))
        return diagnostics().invalid(here(), "type mismatch: table.init from elements of %s to a table of %s",
                                     text_of(elements).c_str(), text_of(type->element).c_str());
    return pop(ValType::i32) && pop(ValType::i32) && pop(type->limits.address_type());
}

} // namespace warpbeam
