#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/store.hpp>
#include <warpbeam/vm/value.hpp>

#include <expected>

namespace warpbeam {

namespace vm {
struct GlobalInst;
}

/// A global variable: a handle, valid as long as its store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#global-instances
class WARPBEAM_API Global {
public:
    /// Errors: `usage` when `value` is no value of the type; `out_of_memory`.
    [[nodiscard]] static std::expected<Global, Error> create(Store& store, const GlobalType& type,
                                                             const Value& value) noexcept;

    /// Its type.
    [[nodiscard]] GlobalType type() const noexcept;
    /// Its current value.
    [[nodiscard]] Value get() const noexcept;
    /// Errors: `usage` when the global is immutable or `value` no value of its type.
    std::expected<void, Error> set(const Value& value) const noexcept;

    friend bool operator==(Global, Global) noexcept = default;

    /// @{ For the library's own use.
    explicit Global(vm::GlobalInst* inst) noexcept : inst_{inst} {}
    [[nodiscard]] vm::GlobalInst* inst() const noexcept { return inst_; }
    /// @}

private:
    vm::GlobalInst* inst_;
};

} // namespace warpbeam
