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
/// Thread-safety: that of the store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#global-instances
class WARPBEAM_API Global : public detail::Handle<vm::GlobalInst> {
public:
    /// Makes a global with this initial value. Errors: `usage` if `value` does not match the type;
    /// `out_of_memory`.
    [[nodiscard]] static std::expected<Global, Error> create(Store& store, const GlobalType& type,
                                                             const Value& value) noexcept;

    /// Its type.
    [[nodiscard]] GlobalType type() const noexcept;
    /// Its current value.
    [[nodiscard]] Value get() const noexcept;
    /// Sets the value. Errors: `usage` if the global is immutable or `value` does not match its type.
    [[nodiscard]] std::expected<void, Error> set(const Value& value) const noexcept;
};

} // namespace warpbeam
