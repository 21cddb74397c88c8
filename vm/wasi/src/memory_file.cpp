#include "memory_file.hpp"

#include <algorithm>

namespace warpbeam::wasi {

namespace {

/// Positions of POSIX are signed.
constexpr uint64_t max_offset = INT64_MAX;

/// Tells file systems of one process apart.
uint64_t next_device() noexcept {
    static uint64_t last = 0;
    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

} // namespace

MemoryFileSystem::MemoryFileSystem(const MemoryQuota& quota, uint64_t (*clock)() noexcept,
                                   Ref<Directory> lower, Allocator& allocator) noexcept
    : RefCounted{allocator}, left_{quota.bytes}, now_{clock}, lower_{std::move(lower)},
      device_{next_device()} {}

void MemoryFileSystem::keep_open(OpenLower& at, Ref<Directory> directory) noexcept {
    OpenLower*& place = open_lower_[next_open_lower_];
    if (place != nullptr)
        place->directory = nullptr;
    place = &at;
    at = {std::move(directory), next_open_lower_};
    next_open_lower_ = (next_open_lower_ + 1) % max_open_lower;
}

void MemoryFileSystem::forget(OpenLower& at) noexcept {
    if (!at.directory)
        return;
    open_lower_[at.place] = nullptr;
    at.directory = nullptr;
}

MemoryNode::MemoryNode(Ref<MemoryFileSystem> system, FileType type) noexcept : system_{std::move(system)} {
    stat_.device = system_->device();
    stat_.inode = system_->next_inode();
    stat_.type = type;
    stat_.accessed = stat_.modified = stat_.changed = system_->now();
}

void MemoryNode::set_times(const NewTimes& times) noexcept {
    const auto set = [&](uint64_t& time, NewTimes::Change change, uint64_t value) {
        if (change != NewTimes::Change::keep)
            time = change == NewTimes::Change::set ? value : system_->now();
    };
    set(stat_.accessed, times.access, times.accessed);
    set(stat_.modified, times.modification, times.modified);
    stat_.changed = system_->now();
}

MemoryFile::MemoryFile(Ref<MemoryFileSystem> system) noexcept
    : node_{std::move(system), FileType::regular_file}, bytes_{node_.system().allocator()} {}

MemoryFile::~MemoryFile() { node_.system().give_back(bytes_.size()); }

Result<Filestat> MemoryFile::stat() noexcept {
    Filestat stat = node_.stat();
    stat.size = bytes_.size();
    return stat;
}

Result<size_t> MemoryFile::read_at(std::span<uint8_t> into, uint64_t offset) noexcept {
    if (offset > max_offset)
        return std::unexpected{Errno::inval};
    if (offset >= bytes_.size())
        return 0;
    const size_t start = static_cast<size_t>(offset);
    const size_t size = std::min(into.size(), bytes_.size() - start);
    std::copy_n(bytes_.data() + start, size, into.begin());
    return size;
}

Result<size_t> MemoryFile::write_at(std::span<const uint8_t> bytes, uint64_t offset) noexcept {
    if (bytes.empty())
        return 0;
    if (offset > max_offset)
        return std::unexpected{Errno::inval};
    if (offset > std::min<uint64_t>(SIZE_MAX, max_offset) - bytes.size())
        return std::unexpected{Errno::fbig};
    const size_t end = static_cast<size_t>(offset) + bytes.size();
    if (end > bytes_.size())
        if (const Result<> grown = set_size(end); !grown)
            return std::unexpected{grown.error()};
    std::ranges::copy(bytes, bytes_.data() + static_cast<size_t>(offset));
    node_.touch(true);
    return bytes.size();
}

Result<size_t> MemoryFile::append(std::span<const uint8_t> bytes) noexcept {
    return write_at(bytes, bytes_.size());
}

Result<> MemoryFile::set_size(uint64_t size) noexcept {
    if (size > std::min<uint64_t>(SIZE_MAX, max_offset))
        return std::unexpected{Errno::fbig};
    const size_t before = bytes_.size();
    const size_t after = static_cast<size_t>(size);
    if (after > before && !node_.system().take(after - before))
        return std::unexpected{Errno::nospc};
    // It grows by a factor, so that a file that is written piece by piece is not copied each time.
    if (after > bytes_.capacity() &&
        !bytes_.reserve(std::max(after, bytes_.capacity() + bytes_.capacity() / 2)) &&
        !bytes_.reserve(after)) {
        node_.system().give_back(after - before);
        return std::unexpected{Errno::nomem};
    }
    if (!bytes_.resize(after))
        return std::unexpected{Errno::nomem}; // there is room; never
    if (after < before) {
        node_.system().give_back(before - after);
        bytes_.shrink_to_fit();
    }
    node_.touch(true);
    return {};
}

Result<> MemoryFile::allocate(uint64_t offset, uint64_t size) noexcept {
    if (offset > max_offset || size > max_offset - offset)
        return std::unexpected{Errno::fbig};
    return offset + size > bytes_.size() ? set_size(offset + size) : Result<>{};
}

Result<> MemoryFile::set_times(const NewTimes& times) noexcept {
    node_.set_times(times);
    return {};
}

LowerFile::~LowerFile() = default;

MemoryLink::MemoryLink(Ref<MemoryFileSystem> system, Vec<char> target) noexcept
    : node_{std::move(system), FileType::symbolic_link}, target_{std::move(target)} {
    node_.stat().size = target_.size();
}

MemoryLink::~MemoryLink() { node_.system().give_back(target_.size()); }

} // namespace warpbeam::wasi
