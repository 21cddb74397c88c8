#pragma once

#include <warpbeam/loader/module.hpp>

#include <string>
#include <unordered_map>

namespace warpbeam::cli {

/// Writes types as the text format does, defined types by their indices in one module.
class TypeText {
public:
    explicit TypeText(const Module& module);

    [[nodiscard]] std::string value(ValType type) const;
    [[nodiscard]] std::string func(const FuncType& type) const;
    /// A whole type definition: `(func ...)`, `(sub 0 (struct ...))`.
    [[nodiscard]] std::string definition(TypeId id) const;
    [[nodiscard]] std::string limits(const Limits& limits) const;
    [[nodiscard]] std::string table(const TableType& type) const;
    [[nodiscard]] std::string memory(const MemoryType& type) const;
    [[nodiscard]] std::string global(const GlobalType& type) const;
    [[nodiscard]] std::string tag(const TagType& type) const;
    /// With the kind in front: `func (param i32)`, `memory 1 2`.
    [[nodiscard]] std::string external(const ExternType& type) const;

private:
    [[nodiscard]] std::string heap(HeapType type) const;
    [[nodiscard]] std::string index(TypeId id) const;
    [[nodiscard]] std::string field(const FieldType& type) const;

    const TypeRegistry& registry_;
    /// Equal types have several indices in a module but one id; the first stands for all.
    std::unordered_map<TypeId, size_t> indices_;
};

/// `func`, `table`, ...
[[nodiscard]] const char* name_of(ExternKind kind) noexcept;

} // namespace warpbeam::cli
