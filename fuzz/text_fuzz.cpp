// libFuzzer target: any text is translated or refused, in memory proportional to its length, and what comes
// out is a module that the loader can judge.

#include "bounded_allocator.hpp"

#include <warpbeam/loader/module.hpp>
#include <warpbeam/text/parse.hpp>

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace warpbeam;
    fuzz::BoundedAllocator allocator{fuzz::memory_bound(size)};
    {
        TextOptions options;
        options.allocator = &allocator;
        const auto bytes = parse_wat({reinterpret_cast<const char*>(data), size}, options);
        if (bytes) {
            LoadOptions load;
            load.features = FeatureSet::all();
            (void)Module::load(*bytes, load);
        } else if (bytes.error().code() == ErrorCode::out_of_memory || bytes.error().offset() > size) {
            std::abort();
        }
    }
    if (allocator.live() != 0)
        std::abort();
    return 0;
}
