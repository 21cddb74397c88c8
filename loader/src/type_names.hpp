#pragma once

#include "module_data.hpp"

#include <span>

namespace warpbeam {

/// A short text on the stack that types are written into for messages; what does not fit is cut.
class TypeText {
public:
    explicit TypeText(const ModuleData& module) noexcept : module_{&module} {}

    /// As in the text format: `i32`, `(ref null 3)`, `funcref`; a defined type by its index in the module.
    TypeText& add(ValType type) noexcept;
    TypeText& add(HeapType heap) noexcept;
    /// As the specification writes stacks: `[i32 i64]`.
    TypeText& add(std::span<const ValType> types) noexcept;
    [[nodiscard]] const char* c_str() const noexcept { return text_; }

private:
    [[gnu::format(printf, 2, 3)]] void print(const char* format, ...) noexcept;

    const ModuleData* module_;
    size_t length_ = 0;
    char text_[120] = "";
};

} // namespace warpbeam
