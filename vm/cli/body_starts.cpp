#include "body_starts.hpp"

#include <warpbeam/loader/byte_reader.hpp>
#include <warpbeam/loader/section_table.hpp>

namespace warpbeam::cli {

std::vector<size_t> body_starts(const Module& module) {
    std::vector<size_t> starts;
    for (const SectionRange& section : module.sections()) {
        if (section.id != static_cast<uint8_t>(SectionId::code))
            continue;
        ByteReader in{module.bytes().subspan(section.offset, section.size)};
        uint32_t count = 0;
        std::span<const uint8_t> body;
        (void)in.number(count);
        while (starts.size() < count && in.sized(body) == LebFault::none)
            starts.push_back(section.offset + in.offset() - body.size());
    }
    return starts;
}

} // namespace warpbeam::cli
