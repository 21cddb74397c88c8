#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <utility>

/// @file
/// Where a module's code comes from in its source files, as its compiler recorded it in DWARF 4 or 5.
/// https://dwarfstd.org/dwarf5std.html, https://yurydelendik.github.io/webassembly-dwarf/

namespace warpbeam {

/// A source file as the compiler named it. Each part may be empty. Names are as in the module, unescaped: use
/// `Printable` before writing them to a terminal.
struct SourceFile {
    std::string_view base;      ///< the directory in which the compiler ran
    std::string_view directory; ///< relative to `base`, or absolute
    std::string_view name;      ///< relative to `directory`, or absolute

    /// Appends the whole path; false if memory runs out.
    [[nodiscard]] WARPBEAM_API bool append_to(Vec<char>& path) const noexcept;
};

/// A function of the source that is active at some place of the code.
struct SourceFrame {
    /// Its name as the linker sees it, which `demangle` makes readable, or else as in the source; empty if
    /// unknown. As in the module, unescaped.
    std::string_view function;
    SourceFile file;     ///< without a name if unknown
    uint32_t line = 0;   ///< from 1; 0 if unknown
    uint32_t column = 0; ///< from 1; 0 if unknown
    /// Whether it was inlined into the next frame, which is then the caller.
    bool is_inlined = false;
};

/// Finds source positions in a module's custom sections `.debug_*`. They are read when first asked for, and
/// only as far as needed. Nothing in them is trusted: time and memory are proportional to their size.
/// Thread-safety: none; one thread at a time.
class WARPBEAM_API DebugInfo {
public:
    /// For a module, which may be empty; does nothing yet. Memory comes from `allocator`, which must outlive
    /// the object.
    explicit DebugInfo(Module module, Allocator& allocator = Allocator::standard()) noexcept;
    DebugInfo(DebugInfo&& other) noexcept
        : module_{std::move(other.module_)}, allocator_{other.allocator_},
          impl_{std::exchange(other.impl_, nullptr)} {}
    DebugInfo& operator=(DebugInfo&& other) noexcept {
        std::swap(module_, other.module_);
        std::swap(allocator_, other.allocator_);
        std::swap(impl_, other.impl_);
        return *this;
    }
    ~DebugInfo();

    /// Whether the module has sections with source positions.
    [[nodiscard]] bool has_positions() const noexcept;
    /// The functions of the source at an offset in the module's bytes (as in Frame::offset), the innermost
    /// first: all but the last are inlined. Empty if nothing is known. The views are valid as long as the
    /// module. The only error is `out_of_memory`: of what is damaged, the rest is used, see `damage`.
    [[nodiscard]] std::expected<Vec<SourceFrame>, Error> frames_at(size_t offset) noexcept;
    /// What is wrong with the sections, the first of what `frames_at` has found so far; null if nothing is.
    /// Valid until the next call of `frames_at`.
    [[nodiscard]] const Error* damage() const noexcept;

    /// @{ The URL in a custom section `sourceMappingURL` or `external_debug_info`: where tools find a source
    /// map, or a module with DWARF sections. Empty if there is none. As in the module, unescaped.
    [[nodiscard]] std::string_view source_map_url() const noexcept;
    [[nodiscard]] std::string_view external_url() const noexcept;
    /// @}

private:
    struct Impl;

    Module module_;
    Allocator* allocator_;
    Impl* impl_ = nullptr;
};

} // namespace warpbeam
