#pragma once

#include <warpbeam/loader/section_table.hpp>
#include <warpbeam/memory/vec.hpp>

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>

namespace warpbeam::text {

/// A position in the binary format and the position in the text that it comes from.
struct Mark {
    size_t binary;
    size_t text;
};

/// Which text the bytes of a module come from, for entries of sections and instructions of functions. Filled
/// section by section during translation.
class SourceMap {
public:
    explicit SourceMap(Allocator& allocator) noexcept {
        for (Part& part : parts_)
            part.marks = Vec<Mark>{allocator};
    }

    /// The bytes from `mark.binary` up to the next mark come from `mark.text`. Marks of a section are added
    /// in order; positions count from its first entry. False if memory runs out.
    [[nodiscard]] bool add(SectionId section, Mark mark) noexcept { return part(section).marks.push(mark); }
    /// The entries of a section are the bytes from `begin` to `end` of the module.
    void place(SectionId section, size_t begin, size_t end) noexcept {
        part(section).begin = begin;
        part(section).end = end;
    }
    /// The position in the text of a byte of the module, if known.
    [[nodiscard]] std::optional<size_t> find(size_t offset) const noexcept;

private:
    struct Part {
        size_t begin = 0;
        size_t end = 0;
        Vec<Mark> marks;
    };
    Part& part(SectionId section) noexcept { return parts_[static_cast<size_t>(section)]; }

    std::array<Part, std::size(section_table)> parts_;
};

} // namespace warpbeam::text
