// libFuzzer target: any bytes must be decoded and validated, or refused, in memory proportional to their
// number.

#include "bounded_allocator.hpp"

#include <warpbeam/loader/module.hpp>

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace warpbeam;
    fuzz::BoundedAllocator allocator{fuzz::memory_bound(size)};
    {
        LoadOptions options;
        options.features = FeatureSet::all();
        options.allocator = &allocator;
        const auto module = Module::load({data, size}, options);
        // Running out of memory means that the request was out of proportion.
        if (!module && module.error().code() == ErrorCode::out_of_memory)
            std::abort();
        if (module)
            for (uint32_t i = 0; i < module->funcs().size(); ++i)
                (void)module->func_name(i);
    }
    if (allocator.live() != 0)
        std::abort();
    return 0;
}
