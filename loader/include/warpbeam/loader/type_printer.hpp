#pragma once

#include <warpbeam/loader/type_registry.hpp>
#include <warpbeam/loader/types.hpp>
#include <warpbeam/memory/export.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace warpbeam {

/// Writes types in the text format: `i32`, `(ref null 3)`, `func (param i32)`, `memory i64 1 2`. The derived
/// class decides where the text goes and how defined types are named. Thread-safety: none; one thread at a
/// time.
/// https://webassembly.github.io/spec/core/text/types.html
class WARPBEAM_API TypePrinter {
public:
    /// @{ A single type, such as `any` or `(ref null any)`.
    void heap(HeapType type) noexcept;
    void value(ValType type) noexcept;
    /// @}
    /// Several types, each with a space before it.
    void values(std::span<const ValType> types) noexcept;
    /// A field, such as `i8` or `(mut i32)`.
    void field(const FieldType& type) noexcept;
    /// A function type, such as `func (param i32) (result i64)`.
    void func(const FuncType& type) noexcept;
    /// A composite type: `func ...`, `array ...`, `struct ...` or `cont ...`.
    void composite(const SubType& type) noexcept;
    /// A definition, such as `(sub final 0 (struct ...))` or, in its short form, `(struct ...)`.
    void definition(const SubType& type) noexcept;

    /// Limits, such as `i64 1 2`.
    void limits(const Limits& limits) noexcept;
    /// A table type, such as `1 2 funcref`.
    void table(const TableType& type) noexcept;
    /// A memory type, such as `1 2 shared`; with its page size only if that is not the usual 64 KiB.
    void memory(const MemoryType& type) noexcept {
        memory(type, type.page_size_log2 != MemoryType{}.page_size_log2);
    }
    /// The same, always with the page size or always without it.
    void memory(const MemoryType& type, bool with_page_size) noexcept;
    /// A global type, such as `(mut i32)`.
    void global(const GlobalType& type) noexcept;
    /// The type of an import or export, with its kind: `memory 1 2 shared`, `tag (param i32)`.
    void external(const ExternType& type, const TypeRegistry& types) noexcept;

protected:
    TypePrinter() = default;
    TypePrinter(const TypePrinter&) = default;
    TypePrinter& operator=(const TypePrinter&) = default;
    ~TypePrinter() = default;

    /// Takes the next piece of the text.
    virtual void add(std::string_view text) noexcept = 0;
    /// Takes a reference to a defined type.
    virtual void defined(TypeId id) noexcept = 0;
    /// Whether the text is already long enough; the rest of a list is then replaced by "...".
    [[nodiscard]] virtual bool full() noexcept { return false; }

private:
    void number(uint64_t value) noexcept;
    void signature(const FuncType& type) noexcept;
    void list(std::string_view keyword, std::span<const ValType> types) noexcept;
};

} // namespace warpbeam
