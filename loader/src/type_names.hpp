#pragma once

#include "module_data.hpp"

#include <warpbeam/loader/type_printer.hpp>

#include <span>

namespace warpbeam {

/// A short text on the stack for types in messages; what does not fit is cut. Defined types are written as
/// their indices in the module.
class TypeText final : private TypePrinter {
public:
    explicit TypeText(const ModuleData& module) noexcept : module_{&module} {}

    TypeText& add(ValType type) noexcept {
        value(type);
        return *this;
    }
    TypeText& add(HeapType type) noexcept {
        heap(type);
        return *this;
    }
    /// In the specification's notation for stacks: `[i32 i64]`.
    TypeText& add(std::span<const ValType> types) noexcept;
    [[nodiscard]] const char* c_str() const noexcept { return text_; }

private:
    void add(std::string_view text) noexcept override;
    void defined(TypeId id) noexcept override;

    const ModuleData* module_;
    size_t length_ = 0;
    char text_[120] = "";
    static constexpr size_t capacity = sizeof text_ - 1;
};

} // namespace warpbeam
