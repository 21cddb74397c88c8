// libFuzzer target: sections for debuggers and mangled names may have any bytes. Time and memory must be in
// proportion to their size.
//
// An input is a byte and what it says. If it is odd, a name. Otherwise sections: each a byte that says which,
// two for its length, and its bytes; then a byte for each address that is asked for.

#include "bounded_allocator.hpp"

#include <warpbeam/debuginfo/debug_info.hpp>
#include <warpbeam/debuginfo/demangle.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using namespace warpbeam;
using Bytes = std::vector<uint8_t>;

constexpr size_t code_size = 200;

void add(Bytes& to, const Bytes& bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

void add_number(Bytes& to, size_t number) {
    for (; number > 0x7f; number >>= 7)
        to.push_back(static_cast<uint8_t>(number | 0x80));
    to.push_back(static_cast<uint8_t>(number));
}

void add_section(Bytes& module, uint8_t id, const Bytes& contents) {
    module.push_back(id);
    add_number(module, contents.size());
    add(module, contents);
}

/// A module with one function that does nothing, at great length.
Bytes module_without_sections() {
    Bytes module{0x00, 'a', 's', 'm', 1, 0, 0, 0};
    add_section(module, 1, {1, 0x60, 0, 0});
    add_section(module, 3, {1, 0});
    Bytes code{1};
    add_number(code, code_size);
    code.push_back(0);
    code.insert(code.end(), code_size - 2, 0x01);
    code.push_back(0x0b);
    add_section(module, 10, code);
    return module;
}

void check_name(std::string_view name) {
    fuzz::BoundedAllocator allocator{size_t{1} << 22};
    {
        const auto readable = demangle(name, allocator);
        if (!readable || readable->size() > std::max(name.size(), max_demangled))
            std::abort();
    }
    if (allocator.live() != 0)
        std::abort();
}

void check_sections(std::span<const uint8_t> input) {
    static constexpr std::string_view names[] = {
        ".debug_info",   ".debug_abbrev",   ".debug_line", ".debug_str",         ".debug_line_str",
        ".debug_ranges", ".debug_rnglists", ".debug_addr", ".debug_str_offsets", "sourceMappingURL",
    };
    Bytes bytes = module_without_sections();
    while (input.size() >= 3 && input[0] != 0xff) {
        const std::string_view name = names[input[0] % std::size(names)];
        const size_t size = std::min(input[1] | size_t{input[2]} << 8, input.size() - 3);
        Bytes contents;
        add_number(contents, name.size());
        contents.insert(contents.end(), name.begin(), name.end());
        contents.insert(contents.end(), input.begin() + 3, input.begin() + 3 + static_cast<ptrdiff_t>(size));
        add_section(bytes, 0, contents);
        input = input.subspan(3 + size);
    }
    const auto module = Module::load(bytes);
    if (!module)
        std::abort();
    fuzz::BoundedAllocator allocator{(size_t{1} << 16) + 500 * bytes.size()};
    {
        DebugInfo info{*module, allocator};
        (void)info.source_map_url();
        size_t code_offset = 0;
        for (const SectionRange& range : module->sections())
            if (range.id == 10)
                code_offset = range.offset;
        for (size_t address = 0; address < code_size; address += 3) {
            const auto frames = info.frames_at(code_offset + address);
            if (!frames)
                std::abort();
            for (const SourceFrame& frame : *frames) {
                Vec<char> path;
                (void)frame.file.append_to(path);
                (void)demangle(frame.function);
            }
        }
    }
    if (allocator.live() != 0)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0)
        return 0;
    if (data[0] % 2 != 0)
        check_name({reinterpret_cast<const char*>(data) + 1, size - 1});
    else
        check_sections({data + 1, size - 1});
    return 0;
}
