// libFuzzer target: any text must be translated or refused, in memory proportional to its length. The result
// is a module that the loader can judge and whose printed text gives the same module again. Binary input is
// printed or refused, and what is parsed from the print must print the same again.

#include "bounded_allocator.hpp"

#include <warpbeam/loader/module.hpp>
#include <warpbeam/text/parse.hpp>
#include <warpbeam/text/print.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace warpbeam;

/// The text of a module that can be printed.
std::expected<Vec<char>, Error> print(std::span<const uint8_t> module) {
    PrintOptions options;
    options.max_characters = size_t{64} << 20;
    return print_wat(module, options);
}

void check_fixed_point(std::span<const uint8_t> module) {
    const auto text = print(module);
    if (!text && text.error().code() == ErrorCode::limit)
        return;
    if (!text)
        std::abort();
    const auto again = parse_wat({text->data(), text->size()});
    if (!again || !std::ranges::equal(*again, module))
        std::abort();
}

void check_binary(std::span<const uint8_t> module) {
    const auto text = print(module);
    if (!text)
        return;
    // Printed text is well-formed, except for faults that only validation finds: the type of a function whose
    // locals have names.
    if (const auto bytes = parse_wat({text->data(), text->size()}))
        check_fixed_point(*bytes);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::BoundedAllocator allocator{fuzz::memory_bound(size)};
    {
        TextOptions options;
        options.allocator = &allocator;
        const auto bytes = parse_wat({reinterpret_cast<const char*>(data), size}, options);
        if (bytes) {
            LoadOptions load;
            load.features = FeatureSet::all();
            if (const auto module = Module::load(*bytes, load); !module) {
                const Error& refused = module.error();
                const Error located =
                    locate_in_wat({reinterpret_cast<const char*>(data), size}, refused, options);
                if (located.code() != refused.code() ||
                    (located.offset() > size && located.offset() != refused.offset()))
                    std::abort();
            }
            // `(module binary ...)` may hold any bytes.
            if (std::string_view{reinterpret_cast<const char*>(data), size}.contains("binary"))
                check_binary(*bytes);
            else
                check_fixed_point(*bytes);
        } else if (bytes.error().code() == ErrorCode::out_of_memory || bytes.error().offset() > size) {
            std::abort();
        }
    }
    check_binary({data, size});
    if (allocator.live() != 0)
        std::abort();
    return 0;
}
