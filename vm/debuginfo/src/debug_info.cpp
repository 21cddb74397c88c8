#include "dwarf/context.hpp"
#include "dwarf/function_table.hpp"
#include "dwarf/line_table.hpp"
#include "dwarf/units.hpp"

#include <warpbeam/debuginfo/debug_info.hpp>
#include <warpbeam/loader/byte_reader.hpp>

namespace warpbeam {
namespace {

/// Deeper inlining is not to be expected, and nobody would read it.
constexpr size_t max_inlined = 200;

/// What is known of a unit; read when it is asked for.
struct UnitTables {
    explicit UnitTables(Allocator& allocator) noexcept : lines{allocator}, functions{allocator} {}

    bool is_read = false;
    dwarf::LineTable lines;
    dwarf::FunctionTable functions;
};

bool is_absolute(std::string_view path) noexcept {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return path.starts_with('/') || path.starts_with('\\') ||
           (path.size() > 2 && is_letter(path[0]) && path[1] == ':');
}

/// The contents of a custom section that is one name, as the binary format writes names.
std::string_view url_in(const Module& module, std::string_view section) noexcept {
    for (const CustomSection& custom : module.custom_sections()) {
        if (custom.name != section)
            continue;
        std::span<const uint8_t> url;
        ByteReader in{custom.bytes};
        if (in.sized(url) == LebFault::none && in.at_end())
            return {reinterpret_cast<const char*>(url.data()), url.size()};
    }
    return {};
}

/// What is known of a module.
struct Finder {
    Finder(const Module& module, Allocator& allocator) noexcept
        : context{module, allocator}, units{context}, tables{allocator} {}

    [[nodiscard]] bool load() noexcept {
        if (!units.load())
            return false;
        for (size_t i = 0; i < units.size(); ++i)
            if (!tables.emplace(context.allocator))
                return context.allocated(false);
        return true;
    }
    /// Null if memory runs out.
    [[nodiscard]] const UnitTables* tables_of(uint32_t number) noexcept {
        UnitTables& found = tables[number];
        if (!found.is_read) {
            const dwarf::Unit& unit = units[number];
            if (!found.lines.read(context, units, unit) || !found.functions.read(context, units, unit))
                return nullptr;
            found.is_read = true;
        }
        return &found;
    }
    [[nodiscard]] bool find(uint32_t address, Vec<SourceFrame>& frames) noexcept;

    dwarf::Context context;
    dwarf::Units units;
    Vec<UnitTables> tables;
};

bool Finder::find(uint32_t address, Vec<SourceFrame>& frames) noexcept {
    const uint32_t number = units.unit_of_address(address);
    if (number == dwarf::Segment::nobody)
        return true;
    const UnitTables* const known = tables_of(number);
    if (known == nullptr)
        return false;
    const dwarf::Context::Question question{context};
    const dwarf::Unit& unit = units[number];
    const auto file = [&](uint64_t index) -> SourceFile {
        const dwarf::LineTable::File found = known->lines.file(index);
        return {found.name.empty() ? std::string_view{} : unit.directory, found.directory, found.name};
    };
    SourceFrame frame;
    const dwarf::LineRow* const row = known->lines.row_at(address);
    if (row != nullptr) {
        frame.file = file(row->file);
        frame.line = row->line;
        frame.column = row->column;
    }
    uint32_t index = known->functions.find(address);
    if (index == dwarf::Function::none)
        return row == nullptr || context.allocated(frames.push(frame));
    while (index != dwarf::Function::none && frames.size() < max_inlined) {
        const dwarf::Function& function = known->functions[index];
        frame.function = dwarf::function_name(units, context, unit, function.entry);
        frame.is_inlined = function.is_inlined && function.outer != dwarf::Function::none;
        if (!context.allocated(frames.push(frame)))
            return false;
        if (!frame.is_inlined)
            break;
        frame = {};
        frame.file = file(function.call_file);
        frame.line = function.call_line;
        frame.column = function.call_column;
        index = function.outer;
    }
    return true;
}

} // namespace

bool SourceFile::append_to(Vec<char>& path) const noexcept {
    const std::string_view parts[] = {base, directory, name};
    size_t first = 2;
    while (first > 0 && !is_absolute(parts[first]))
        --first;
    const size_t before = path.size();
    for (size_t i = first; i < 3; ++i) {
        if (parts[i].empty())
            continue;
        const bool apart = path.size() == before || path.back() == '/' || path.back() == '\\';
        if ((!apart && !path.push('/')) || !path.append(std::span{parts[i]})) {
            path.truncate(before);
            return false;
        }
    }
    return true;
}

struct DebugInfo::Impl : Finder {
    using Finder::Finder;
};

DebugInfo::DebugInfo(Module module, Allocator& allocator) noexcept
    : module_{std::move(module)}, allocator_{&allocator} {}

DebugInfo::~DebugInfo() { destroy(*allocator_, impl_); }

bool DebugInfo::has_positions() const noexcept {
    const dwarf::Sections sections{module_};
    return !sections.info.bytes.empty() && !sections.line.bytes.empty();
}

std::expected<Vec<SourceFrame>, Error> DebugInfo::frames_at(size_t offset) noexcept {
    if (impl_ == nullptr) {
        Impl* const made = create<Impl>(*allocator_, module_, *allocator_);
        if (made == nullptr || !made->load()) {
            destroy(*allocator_, made);
            return std::unexpected(Error{ErrorCode::out_of_memory});
        }
        impl_ = made;
    }
    Vec<SourceFrame> frames{*allocator_};
    const dwarf::Sections& sections = impl_->context.sections;
    if (offset < sections.code_offset || offset - sections.code_offset >= sections.code_size)
        return frames;
    if (!impl_->find(static_cast<uint32_t>(offset - sections.code_offset), frames)) {
        // What was read in part is read again when memory is there.
        destroy(*allocator_, std::exchange(impl_, nullptr));
        return std::unexpected(Error{ErrorCode::out_of_memory});
    }
    return frames;
}

const Error* DebugInfo::damage() const noexcept {
    return impl_ != nullptr && impl_->context.damage() ? &*impl_->context.damage() : nullptr;
}

std::string_view DebugInfo::source_map_url() const noexcept { return url_in(module_, "sourceMappingURL"); }
std::string_view DebugInfo::external_url() const noexcept { return url_in(module_, "external_debug_info"); }

} // namespace warpbeam
