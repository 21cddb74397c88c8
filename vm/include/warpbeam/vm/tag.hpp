#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/store.hpp>

#include <expected>

namespace warpbeam {

namespace vm {
struct TagInst;
}

/// An exception tag: a handle, valid as long as its store.
/// Thread-safety: that of the store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#tag-instances
class WARPBEAM_API Tag : public detail::Handle<vm::TagInst> {
public:
    /// Makes a tag whose exceptions carry values of these types. Errors: `out_of_memory`.
    [[nodiscard]] static std::expected<Tag, Error> create(Store& store,
                                                          std::span<const ValType> params) noexcept;

    /// Its type.
    [[nodiscard]] TagType type() const noexcept;
    /// The types of the values that its exceptions carry.
    [[nodiscard]] std::span<const ValType> params() const noexcept;
};

} // namespace warpbeam
