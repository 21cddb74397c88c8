#include "type_names.hpp"
#include "validate_func.hpp"

#include <algorithm>

/// Locals, globals, memories, tables, and the segments that initialise them.

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
    if (tracks_locals_ && !type.defaultable() && ((initialised_[index / 64] >> (index % 64)) & 1) == 0)
        return diagnostics().invalid(here(), "uninitialized local %u", index);
    return push(type);
}

bool FuncValidator::local_set(bool keep) noexcept {
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
    return !keep || push(type);
}

bool FuncValidator::global_get() noexcept {
    uint32_t index = 0;
    if (!in_.u32(index))
        return false;
    if (index >= context_.module.globals.size())
        return diagnostics().invalid(here(), "unknown global %u", index);
    const GlobalType& global = context_.module.globals[index];
    if (is_constant_) {
        if (global.is_mutable)
            return diagnostics().invalid(here(), "constant expression required: global %u is mutable", index);
        if (index >= context_.module.imported_globals &&
            !context_.require(Feature::gc, here(),
                              "a constant expression with a global that is not imported"))
            return false;
    }
    return push(global.content);
}

bool FuncValidator::global_set() noexcept {
    uint32_t index = 0;
    if (!in_.u32(index))
        return false;
    if (index >= context_.module.globals.size())
        return diagnostics().invalid(here(), "unknown global %u", index);
    const GlobalType& global = context_.module.globals[index];
    if (!global.is_mutable)
        return diagnostics().invalid(here(), "immutable global %u", index);
    return pop(global.content);
}

bool FuncValidator::memory(ValType& address) noexcept {
    uint32_t index = 0;
    if (!in_.u32(index))
        return false;
    if (index != 0 && !context_.require(Feature::multi_memory, here(), "a memory index"))
        return false;
    if (index >= context_.module.memories.size())
        return diagnostics().invalid(here(), "unknown memory %u", index);
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
    // The data section comes behind the code, so that their number must be announced.
    return in_.u32(index) && (context_.module.data_count.has_value() ||
                              diagnostics().malformed(here(), "data count section required"));
}

bool FuncValidator::data_segment(uint32_t index) noexcept {
    return index < *context_.module.data_count ||
           diagnostics().invalid(here(), "unknown data segment %u", index);
}

bool FuncValidator::elem_segment(uint32_t index, const ElementSegment*& segment) noexcept {
    if (index >= context_.module.elements.size())
        return diagnostics().invalid(here(), "unknown elem segment %u", index);
    segment = &context_.module.elements[index];
    return true;
}

bool FuncValidator::table(const TableType*& type) noexcept {
    uint32_t index = 0;
    if (!in_.u32(index))
        return false;
    if (index != 0 && !context_.require(Feature::reference_types, here(), "a table index"))
        return false;
    if (index >= context_.module.tables.size())
        return diagnostics().invalid(here(), "unknown table %u", index);
    type = &context_.module.tables[index];
    return true;
}

bool FuncValidator::table_get() noexcept {
    const TableType* type = nullptr;
    return table(type) && pop(type->limits.address_type()) && push(type->element);
}

bool FuncValidator::table_set() noexcept {
    const TableType* type = nullptr;
    return table(type) && pop(type->element) && pop(type->limits.address_type());
}

bool FuncValidator::table_size() noexcept {
    const TableType* type = nullptr;
    return table(type) && push(type->limits.address_type());
}

bool FuncValidator::table_grow() noexcept {
    const TableType* type = nullptr;
    return table(type) && pop(type->limits.address_type()) && pop(type->element) &&
           push(type->limits.address_type());
}

bool FuncValidator::table_fill() noexcept {
    const TableType* type = nullptr;
    return table(type) && pop(type->limits.address_type()) && pop(type->element) &&
           pop(type->limits.address_type());
}

bool FuncValidator::table_copy() noexcept {
    const TableType* to = nullptr;
    const TableType* from = nullptr;
    if (!table(to) || !table(from))
        return false;
    if (!registry().matches(from->element, to->element))
        return diagnostics().invalid(here(), "type mismatch: table.copy from %s to %s",
                                     TypeText{context_.module}.add(from->element).c_str(),
                                     TypeText{context_.module}.add(to->element).c_str());
    const ValType size = to->limits.is_64 && from->limits.is_64 ? ValType::i64 : ValType::i32;
    return pop(size) && pop(from->limits.address_type()) && pop(to->limits.address_type());
}

bool FuncValidator::table_init() noexcept {
    uint32_t index = 0;
    const ElementSegment* segment = nullptr;
    const TableType* type = nullptr;
    if (!in_.u32(index) || !table(type) || !elem_segment(index, segment))
        return false;
    if (!registry().matches(segment->type, type->element))
        return diagnostics().invalid(here(), "type mismatch: table.init from elements of %s to a table of %s",
                                     TypeText{context_.module}.add(segment->type).c_str(),
                                     TypeText{context_.module}.add(type->element).c_str());
    return pop(ValType::i32) && pop(ValType::i32) && pop(type->limits.address_type());
}

} // namespace warpbeam
