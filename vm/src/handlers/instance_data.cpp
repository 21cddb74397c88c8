#include "handlers/instance_data.hpp"

#include <warpbeam/memory/shared_bytes.hpp>

namespace warpbeam::vm {

bool MemoryInst::refresh() noexcept {
    if (shared == nullptr)
        return false;
    const uint64_t before = size;
    size = shared->size();
    return size != before;
}

} // namespace warpbeam::vm
