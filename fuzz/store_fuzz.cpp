// Calls functions of the C++ API in the order that the input says, with objects that earlier calls made, of
// several stores; host functions do the same while code runs, and allocations fail now and then. Nothing may
// crash or leak, objects that the host holds keep what they are, and what the headers promise of results
// holds.

#include "store/driver.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace warpbeam::fuzz;
    BoundedAllocator allocator{size_t{64} << 20};
    Driver{Input{{data, size}}, allocator}.run();
    require(allocator.live() == 0);
    return 0;
}
