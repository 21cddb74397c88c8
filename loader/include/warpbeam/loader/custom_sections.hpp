#pragma once

#include <warpbeam/loader/byte_reader.hpp>
#include <warpbeam/loader/type_codes.hpp>
#include <warpbeam/memory/export.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// @file
/// The contents of the standard's custom sections. Thread-safety: each reader is used by one thread at a
/// time.
/// https://webassembly.github.io/spec/core/appendix/custom.html

namespace warpbeam {

inline constexpr std::string_view name_section = "name"; ///< names of functions, locals and so on
inline constexpr std::string_view hint_section = "metadata.code.branch_hint"; ///< which way branches go

/// Whether a custom section refers to the code by byte offsets, as sections for linkers and debuggers do
/// (except branch hints, which have a text form of their own). Such a section becomes wrong when the code is
/// encoded again, since numbers may then take fewer bytes.
/// https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md
[[nodiscard]] constexpr bool points_into_code(std::string_view name) noexcept {
    return name == "linking" || name.starts_with("reloc.") || name.starts_with(".debug_") ||
           (name.starts_with("metadata.code.") && name != hint_section);
}

/// The common part of the readers of custom sections: they read until the first fault.
class WARPBEAM_API CustomReader {
public:
    /// Whether there has been no fault so far.
    [[nodiscard]] bool good() const noexcept { return good_; }
    /// Whether everything so far can be written as text that assembles to the same bytes.
    [[nodiscard]] bool canonical() const noexcept { return good_ && canonical_; }

protected:
    /// @{ The next number; 0 after a fault.
    uint8_t byte(ByteReader& in) noexcept;
    uint32_t u32(ByteReader& in) noexcept;
    /// @}
    /// The length of a vector; the text format has no way to write an empty one.
    uint32_t count(ByteReader& in) noexcept;
    /// A vector of bytes; empty after a fault.
    std::span<const uint8_t> sized(ByteReader& in) noexcept;
    /// It is a fault if the condition does not hold.
    void expect(bool condition) noexcept { good_ &= condition; }
    /// The section is not canonical if the condition does not hold.
    void expect_canonical(bool condition) noexcept { canonical_ &= condition; }

private:
    bool good_ = true;
    bool canonical_ = true;
};

/// Reads the contents of a name section.
class WARPBEAM_API NameReader : public CustomReader {
public:
    /// A name, and what has it.
    struct Entry {
        NameSpace space = NameSpace::module; ///< what kind of thing has it
        uint32_t owner = 0;    ///< the function of a local or label, the type of a field, otherwise 0
        uint32_t index = 0;    ///< 0 for the module
        std::string_view name; ///< the name itself, in UTF-8
    };

    /// Reads `contents`, which must outlive it.
    explicit NameReader(std::span<const uint8_t> contents) noexcept : in_{contents} {}
    /// Skips all name spaces except these two.
    NameReader(std::span<const uint8_t> contents, NameSpace first, NameSpace second) noexcept
        : in_{contents}, wanted_{1u << static_cast<unsigned>(first) | 1u << static_cast<unsigned>(second)} {}

    /// The next name; none at the end or after a fault.
    [[nodiscard]] std::optional<Entry> next() noexcept;

private:
    void begin_subsection() noexcept;
    void begin_owner() noexcept;
    [[nodiscard]] Entry entry() noexcept;

    ByteReader in_;
    uint32_t wanted_ = ~0u;
    ByteReader subsection_{{}};
    int last_space_ = -1;
    uint32_t owners_left_ = 0;
    uint32_t names_left_ = 0;
    /// The lowest owner and index that may come next.
    uint64_t next_owner_ = 0;
    uint64_t next_index_ = 0;
    uint32_t owner_ = 0;
};

/// Which way a branch is likely to go.
struct BranchHint {
    uint32_t func = 0;   ///< the function's index
    uint32_t offset = 0; ///< in bytes, from the beginning of the function's declarations of locals
    bool likely = false; ///< whether the branch is likely to be taken
};

/// Reads the contents of a section of branch hints. https://github.com/WebAssembly/branch-hinting
class WARPBEAM_API BranchHintReader : public CustomReader {
public:
    /// Reads `contents`, which must outlive it.
    explicit BranchHintReader(std::span<const uint8_t> contents) noexcept
        : in_{contents}, funcs_left_{count(in_)} {}

    /// The next hint; none at the end or after a fault.
    [[nodiscard]] std::optional<BranchHint> next() noexcept;

private:
    ByteReader in_;
    uint32_t funcs_left_;
    uint32_t hints_left_ = 0;
    uint32_t func_ = 0;
    uint64_t next_func_ = 0;
    uint64_t next_offset_ = 0;
};

} // namespace warpbeam
