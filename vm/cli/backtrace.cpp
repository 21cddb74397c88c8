#include "backtrace.hpp"

#include "command.hpp"
#include "stack_overflow.hpp"

#include <warpbeam/debuginfo/debug_info.hpp>
#include <warpbeam/debuginfo/demangle.hpp>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

namespace warpbeam::cli {
namespace {

/// Places begin in one column, unless names are longer than this.
constexpr size_t max_name_width = 40;

template <typename T>
T need(std::expected<T, Error> made) {
    if (!made)
        throw std::bad_alloc();
    return std::move(*made);
}

std::string readable(std::string_view name) {
    const Vec<char> demangled = need(demangle(name));
    return printable({demangled.data(), demangled.size()});
}

/// With commas, as people write it.
std::string with_commas(size_t number) {
    std::string text = std::to_string(number);
    for (size_t at = text.size(); at > 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

/// A line of a backtrace: what was active, and where it stood.
struct Line {
    size_t number;
    std::string name;
    std::string place;
    bool is_inlined = false;
    size_t repeats = 0; ///< how often the same follows
};

std::string place_of(const SourceFrame& frame) {
    Vec<char> path;
    if (!frame.file.append_to(path))
        throw std::bad_alloc();
    std::string place = printable({path.data(), path.size()});
    if (frame.line != 0)
        place += ":" + std::to_string(frame.line);
    if (frame.line != 0 && frame.column != 0)
        place += ":" + std::to_string(frame.column);
    return place;
}

/// A function's name as the module has it.
std::string name_in_module(const Frame& frame, bool with_index) {
    std::string name = readable(frame.module_name());
    if (!name.empty())
        name += '!';
    const std::string number = "function " + std::to_string(frame.func);
    if (frame.func_name().empty())
        return name + number;
    name += readable(frame.func_name());
    return with_index ? name + " (" + number + ")" : name;
}

class Description {
public:
    std::string text(std::span<const Frame> frames);
    /// What could be missing, and where it is.
    std::string hints(std::span<const Frame> frames) const;

private:
    DebugInfo& info_of(const Module& module);
    void add(const Frame& frame);

    struct Known {
        Module module;
        DebugInfo info;
    };
    std::vector<Known> known_;
    std::vector<Line> lines_;
    size_t next_ = 0; ///< the number of the next line
    bool has_lines_ = false;
};

DebugInfo& Description::info_of(const Module& module) {
    for (Known& each : known_)
        if (each.module == module)
            return each.info;
    return known_.emplace_back(module, DebugInfo{module}).info;
}

void Description::add(const Frame& frame) {
    const Vec<SourceFrame> sources = frame.offset == Error::no_offset
                                         ? Vec<SourceFrame>{}
                                         : need(info_of(frame.module).frames_at(frame.offset));
    for (const SourceFrame& source : sources) {
        if (source.file.name.empty())
            continue;
        const bool is_named = source.is_inlined || !source.function.empty();
        lines_.push_back({next_++, is_named ? readable(source.function) : name_in_module(frame, false),
                          place_of(source), source.is_inlined});
        has_lines_ = true;
    }
    if (std::ranges::any_of(sources, [](const SourceFrame& each) { return !each.file.name.empty(); }))
        return;
    char offset[32] = "";
    if (frame.offset != Error::no_offset)
        std::snprintf(offset, sizeof offset, "offset 0x%zx", frame.offset);
    lines_.push_back({next_++, name_in_module(frame, true), offset});
}

std::string Description::text(std::span<const Frame> frames) {
    for (size_t i = 0; i < frames.size();) {
        const Frame& frame = frames[i];
        const size_t first = i++;
        while (i < frames.size() && frames[i].module == frame.module && frames[i].func == frame.func &&
               frames[i].offset == frame.offset)
            ++i;
        const size_t before = next_;
        add(frame);
        lines_.back().repeats = i - first - 1;
        next_ += (i - first - 1) * (next_ - before);
    }
    size_t width = 0;
    for (const Line& line : lines_)
        if (line.name.size() <= max_name_width)
            width = std::max(width, line.name.size());
    std::string text;
    for (const Line& line : lines_) {
        char number[32];
        std::snprintf(number, sizeof number, "\n%3zu: ", line.number);
        text.append(number).append(line.name);
        if (!line.place.empty())
            text.append(width - std::min(line.name.size(), width) + 2, ' ').append(line.place);
        if (line.is_inlined)
            text += " (inlined)";
        if (line.repeats > 0)
            text += "\n     ... " + with_commas(line.repeats) +
                    (line.repeats == 1 ? " more time" : " more times");
    }
    return text;
}

std::string Description::hints(std::span<const Frame> frames) const {
    std::string text;
    for (const Known& each : known_)
        if (const Error* const damage = each.info.damage())
            text += "\nhint: the module's source positions are damaged: " + std::string(damage->message());
    if (has_lines_ || frames.empty())
        return text;
    const DebugInfo info{frames.front().module};
    if (info.has_positions())
        return text;
    if (const std::string_view url = info.external_url(); !url.empty())
        text += "\nhint: source positions are not in the module, but in " + printable(url);
    else if (const std::string_view map = info.source_map_url(); !map.empty())
        text += "\nhint: source positions are in the source map " + printable(map) +
                ", which warpbeam does not read";
    return text;
}

} // namespace

std::string describe(std::span<const Frame> backtrace) {
    Description description;
    const std::string text = description.text(backtrace);
    return text + description.hints(backtrace);
}

std::string describe(const Trap& trap) {
    std::string text;
    for (const Trap* each = &trap; each != nullptr; each = each->cause()) {
        if (each != &trap)
            text += "\ncaused by: ";
        text += each->message();
        Description description;
        text += description.text(each->backtrace());
        if (const size_t omitted = each->omitted_frames(); omitted > 0)
            text += "\n     and " + with_commas(omitted) + " more";
        text += description.hints(each->backtrace());
        if (const std::string hint = stack_overflow_hint(*each); !hint.empty())
            text += "\nhint: " + hint;
    }
    return text;
}

} // namespace warpbeam::cli
