#pragma once

#include "load_context.hpp"
#include "reader.hpp"

#include <optional>

namespace warpbeam {

/// Decodes types and validates that what they refer to exists.
/// https://webassembly.github.io/spec/core/binary/types.html
class TypeDecoder {
public:
    TypeDecoder(const LoadContext& context, Reader& reader) noexcept : context_{context}, in_{reader} {}

    /// While a recursive group is decoded, its `size` members are in scope. They begin at type index `start`
    /// and have ids from TypeRegistry::first_member on.
    void enter_group(uint32_t start, uint32_t size) noexcept {
        group_start_ = start;
        group_size_ = size;
    }

    /// Reports an exact type whose index is unknown. In a group this check waits until here, because the test
    /// suite expects malformed input to be reported first.
    [[nodiscard]] bool check_exact_types() noexcept;

    [[nodiscard]] bool value_type(ValType& type, bool packed_too = false) noexcept;
    [[nodiscard]] bool ref_type(ValType& type) noexcept;
    [[nodiscard]] bool heap_type(HeapType& heap) noexcept;
    [[nodiscard]] bool field_type(FieldType& field) noexcept;
    [[nodiscard]] bool table_type(TableType& type) noexcept;
    [[nodiscard]] bool memory_type(MemoryType& type) noexcept;
    [[nodiscard]] bool global_type(GlobalType& type) noexcept;
    [[nodiscard]] bool tag_type(TagType& type) noexcept;
    /// Reads the index of a function type.
    [[nodiscard]] bool func_type(TypeId& id) noexcept;
    /// The registry id of a type index.
    [[nodiscard]] bool resolve(uint64_t index, size_t offset, TypeId& id) noexcept;

private:
    [[nodiscard]] bool heap_type(const HeapCode& code, size_t start, HeapType& heap) noexcept;
    [[nodiscard]] bool exact_type(uint32_t index, size_t start, HeapType& heap) noexcept;
    /// Whether the features that an abstract heap type needs are on.
    [[nodiscard]] bool require_heap(HeapType::Abstract heap, size_t offset, bool shorthand) noexcept;
    [[nodiscard]] bool mutability(bool& is_mutable) noexcept;
    /// Includes what only memories have, unless `memory` is null.
    [[nodiscard]] bool limits(Limits& limits, MemoryType* memory) noexcept;
    [[nodiscard]] bool page_size(uint8_t& log2) noexcept;

    const LoadContext& context_;
    Reader& in_;
    uint32_t group_start_ = 0;
    uint32_t group_size_ = 0;
    struct Unknown {
        size_t offset;
        uint32_t index;
    };
    std::optional<Unknown> unknown_;
};

/// Decodes the type section; its recursive groups go into the registry.
[[nodiscard]] bool decode_type_section(LoadContext& context, Reader& in) noexcept;

} // namespace warpbeam
