// Calls functions of the C API in the order that the input says, with objects that earlier calls made, of
// several stores, also of ones that were deleted; callbacks do the same while code runs. Nothing may crash or
// leak, every finalizer is called once, and what a function promises of its result holds.

#include "capi/machine.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace warpbeam::fuzz;
    BoundedAllocator allocator{size_t{64} << 20};
    Machine{Input{{data, size}}, allocator}.run();
    require(allocator.live() == 0);
    return 0;
}
