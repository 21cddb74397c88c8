// libFuzzer target: a core dump may have any bytes. Memory must be in proportion to their size.
//
// An input is a whole dump, if it begins like a module; otherwise the contents of one of its sections: a byte
// that says which, and the rest.

#include "bounded_allocator.hpp"

#include <warpbeam/coredump/core_dump.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using namespace warpbeam;
using Bytes = std::vector<uint8_t>;

void add_number(Bytes& to, size_t number) {
    for (; number > 0x7f; number >>= 7)
        to.push_back(static_cast<uint8_t>(number | 0x80));
    to.push_back(static_cast<uint8_t>(number));
}

void add_section(Bytes& module, std::string_view name, std::span<const uint8_t> contents) {
    module.push_back(0);
    add_number(module, 1 + name.size() + contents.size());
    add_number(module, name.size());
    module.insert(module.end(), name.begin(), name.end());
    module.insert(module.end(), contents.begin(), contents.end());
}

/// A dump of one instance with a memory and a global, in which one section has any bytes.
Bytes dump_with(size_t which, std::span<const uint8_t> contents) {
    static constexpr uint8_t core[] = {0, 1, 'p'};
    static constexpr uint8_t modules[] = {1, 0, 1, 'm'};
    static constexpr uint8_t instances[] = {1, 0, 0, 1, 0, 1, 0};
    static constexpr uint8_t stack[] = {0, 1, 't', 1, 0, 0, 3, 4, 1, 0x7f, 5, 0};
    static constexpr struct {
        std::string_view name;
        std::span<const uint8_t> contents;
    } sections[] = {
        {"core", core}, {"coremodules", modules}, {"coreinstances", instances}, {"corestack", stack}};
    Bytes bytes{0, 'a', 's', 'm', 1, 0, 0, 0};
    for (size_t i = 0; i < std::size(sections); ++i)
        add_section(bytes, sections[i].name,
                    i == which % std::size(sections) ? contents : sections[i].contents);
    static constexpr uint8_t rest[] = {5, 3, 1, 0, 1, 6, 6, 1, 0x7f, 0, 0x41, 7, 0x0b};
    bytes.insert(bytes.end(), std::begin(rest), std::end(rest));
    return bytes;
}

/// Reads everything that a dump has.
void touch(const CoreDump& dump) {
    size_t values = 0;
    for (const CoreThread& thread : dump.threads())
        for (const CoreFrame& frame : thread.frames) {
            if (frame.instance >= dump.instances().size() && frame.instance != 0)
                std::abort();
            values += thread.locals(frame).size() + thread.operands(frame).size();
        }
    if (values > dump.module().bytes().size())
        std::abort();
    for (const CoreInstance& instance : dump.instances())
        if (instance.module >= dump.modules().size())
            std::abort();
    for (uint32_t i = 0; i < dump.module().globals().size(); ++i)
        (void)dump.global(i);
    for (uint32_t i = 0; i < dump.module().memories().size(); ++i) {
        uint8_t block[48];
        const uint64_t size = dump.memory_size(i);
        for (const uint64_t address :
             {uint64_t{0}, uint64_t{100}, size / 2, size - 5, size, UINT64_MAX - 20}) {
            const size_t count = dump.read_memory(i, address, block);
            if (count > sizeof block || (count != 0 && address >= size))
                std::abort();
        }
        (void)dump.stored_bytes(i);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0)
        return 0;
    const Bytes bytes = data[0] == 0 ? Bytes(data, data + size) : dump_with(data[0], {data + 1, size - 1});
    const bool is_dump = CoreDump::is_core_dump(bytes);
    fuzz::BoundedAllocator allocator{fuzz::memory_bound(bytes.size())};
    {
        const auto dump = CoreDump::read(bytes, allocator);
        if (dump && !is_dump)
            std::abort();
        if (dump)
            touch(*dump);
        else if (dump.error().code() == ErrorCode::out_of_memory)
            std::abort();
    }
    if (allocator.live() != 0)
        std::abort();
    return 0;
}
