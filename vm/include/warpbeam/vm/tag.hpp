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
    /// Makes a tag. Exceptions with it carry values of the types `params`; a `suspend` with it gives these,
    /// and goes on with values of the types `results`, which a tag for exceptions does not have. Errors:
    /// `out_of_memory`; `usage` for a type of another engine.
    [[nodiscard]] static std::expected<Tag, Error> create(Store& store, std::span<const ValType> params,
                                                          std::span<const ValType> results = {}) noexcept;

    /// Its type.
    [[nodiscard]] TagType type() const noexcept;
    /// The types of the values that its exceptions carry.
    [[nodiscard]] std::span<const ValType> params() const noexcept;
};

} // namespace warpbeam
