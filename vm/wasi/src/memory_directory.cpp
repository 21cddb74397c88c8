#include "memory_directory.hpp"

namespace warpbeam::wasi {

Result<Ref<Directory>> layered_directory(Ref<Directory> lower, const MemoryQuota& quota,
                                         uint64_t (*now)() noexcept, Allocator& allocator) noexcept {
    const auto system =
        Ref<MemoryFileSystem>::adopt(create<MemoryFileSystem>(allocator, quota, now, allocator));
    if (!system || !system->take(MemoryNode::size))
        return std::unexpected{Errno::nomem};
    const Ref<MemoryDirectory> root = create_file<MemoryDirectory>(allocator, system, std::move(lower), 0u);
    if (!root)
        return std::unexpected{Errno::nomem};
    return Ref<Directory>::share(root.get());
}

Result<Ref<Directory>> memory_directory(const MemoryQuota& quota, uint64_t (*now)() noexcept,
                                        Allocator& allocator) noexcept {
    return layered_directory(nullptr, quota, now, allocator);
}

} // namespace warpbeam::wasi
