#include "trap/type_text.hpp"

#include <warpbeam/vm/print.hpp>

#include <cinttypes>

namespace warpbeam {
namespace {

template <typename T>
Text type_text(const T& type, const TypeRegistry& types) noexcept {
    Text text{Allocator::standard()};
    add_type(text, type, types);
    return text;
}

bool is_same(const Frame& a, const Frame& b) noexcept {
    return a.module == b.module && a.func == b.func && a.offset == b.offset;
}

/// With commas, as people write it.
void add_number(Text& text, size_t number) noexcept {
    if (number >= 1000)
        add_number(text, number / 1000);
    text.print(number >= 1000 ? ",%03zu" : "%zu", number % 1000);
}

void add_frames(Text& text, std::span<const Frame> frames) noexcept {
    for (size_t i = 0; i < frames.size();) {
        const Frame& frame = frames[i];
        const size_t first = i++;
        while (i < frames.size() && is_same(frames[i], frame))
            ++i;
        text.add_line().add("    at ");
        if (!frame.module_name().empty())
            text.add(frame.module_name()).add("!");
        if (frame.func_name().empty())
            text.print("function %" PRIu32, frame.func);
        else
            text.add(frame.func_name()).print(" (function %" PRIu32 ")", frame.func);
        if (frame.offset != Error::no_offset)
            text.print(", offset 0x%zx", frame.offset);
        if (const size_t more = i - first - 1; more > 0) {
            text.add_line().add("    ... ");
            add_number(text, more);
            text.add(more == 1 ? " more time" : " more times");
        }
    }
}

} // namespace

Text to_text(ValType type, const TypeRegistry& types) noexcept { return type_text(type, types); }
Text to_text(const FuncType& type, const TypeRegistry& types) noexcept { return type_text(type, types); }
Text to_text(const ExternType& type, const TypeRegistry& types) noexcept { return type_text(type, types); }

Text to_text(std::span<const Frame> backtrace) noexcept {
    Text text{Allocator::standard()};
    add_frames(text, backtrace);
    return text;
}

Text to_text(const Trap& trap) noexcept {
    Text text{Allocator::standard()};
    for (const Trap* each = &trap; each != nullptr; each = each->cause()) {
        if (each != &trap)
            text.add_line().add("caused by: ");
        text.add_lines(each->message());
        add_frames(text, each->backtrace());
        if (const size_t omitted = each->omitted_frames(); omitted > 0) {
            text.add_line().add("    and ");
            add_number(text, omitted);
            text.add(" more");
        }
    }
    return text;
}

} // namespace warpbeam
