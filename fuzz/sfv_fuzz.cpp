// libFuzzer target: any lines, separated by line feeds, read as a field of one type (WARPBEAM_SFV_TYPE: item,
// list or dictionary). The first byte selects options.

#include <agreement.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace warpbeam::sfv;

constexpr FieldType field_type = FieldType::WARPBEAM_SFV_TYPE;

const char* disagreement(std::span<const std::string_view> lines, ParseOptions options) {
    if constexpr (field_type == FieldType::item)
        return testing::disagreement<Item>(lines, options);
    else if constexpr (field_type == FieldType::list)
        return testing::disagreement<List>(lines, options);
    else
        return testing::disagreement<Dictionary>(lines, options);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text{reinterpret_cast<const char*>(data), size};
    ParseOptions options;
    // No valid field contains control characters, so the seeds are read unchanged.
    if (!text.empty() && (static_cast<uint8_t>(text.front()) & 0xef) < 0x09) {
        const int bits = text.front();
        options = {(bits & 1) != 0, (bits & 2) != 0, (bits & 2) != 0,
                   (bits & 4) != 0, (bits & 4) != 0, (bits & 16) != 0};
        text.remove_prefix(1);
    }
    std::vector<std::string_view> lines;
    for (size_t end = 0; end != std::string_view::npos;
         text.remove_prefix(end == std::string_view::npos ? 0 : end + 1)) {
        end = text.find('\n');
        lines.push_back(text.substr(0, end));
    }
    if (const char* const fault = disagreement(lines, options)) {
        std::fprintf(stderr, "%s\n", fault);
        std::abort();
    }
    return 0;
}
