#pragma once

#include "names.hpp"

#include <warpbeam/loader/custom_sections.hpp>

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace warpbeam::text {

/// The contents of a name section, if the text format can express them.
/// https://webassembly.github.io/spec/core/appendix/custom.html#name-section
class NameSection {
public:
    explicit NameSection(Allocator& allocator) noexcept;

    struct Entry {
        uint32_t owner = 0; ///< the function of a local or label, the type of a field, else 0
        uint32_t index = 0;
        std::string_view name;
        /// Whether it can be the identifier; otherwise it becomes an annotation.
        bool is_identifier = false;
    };

    /// Reads its contents; false if memory runs out. If the text format can't reproduce them, there are no
    /// names.
    [[nodiscard]] bool read(std::span<const uint8_t> contents) noexcept;

    [[nodiscard]] std::optional<std::string_view> module() const noexcept { return module_; }
    /// Null if it has no name.
    [[nodiscard]] const Entry* find(Space space, uint32_t owner, uint32_t index) const noexcept;
    /// Whether the function or type has any name in that space.
    [[nodiscard]] bool any(Space space, uint32_t owner) const noexcept;
    [[nodiscard]] size_t size() const noexcept;
    /// Whether there are no names at all, not even one of the module.
    [[nodiscard]] bool empty() const noexcept { return !module_ && size() == 0; }

private:
    bool choose_identifiers(Space space) noexcept;

    Allocator& allocator_;
    std::optional<std::string_view> module_;
    std::array<Vec<Entry>, name_space_count> entries_;
};

} // namespace warpbeam::text
