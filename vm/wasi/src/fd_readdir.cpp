#include "functions.hpp"

#include <algorithm>

/// Listing directories.

namespace warpbeam::wasi {

namespace {

/// The structure before each name.
constexpr size_t dirent_size = 24;

/// Reads all entries when a program begins at the first one. What it then sees does not depend on what it
/// removes in the meantime; and as they are sorted, a cookie is good for a directory that was opened again.
Result<> read_entries(Descriptor& descriptor, Allocator& allocator) noexcept {
    Vec<DirectoryEntry> entries{allocator};
    Directory& directory = *descriptor.file->as_directory();
    if (const Result<> listed = directory.list(entries); !listed)
        return listed;
    std::ranges::sort(entries, [](const DirectoryEntry& left, const DirectoryEntry& right) {
        return std::string_view{left.name.data(), left.name.size()} <
               std::string_view{right.name.data(), right.name.size()};
    });
    descriptor.entries = std::move(entries);
    descriptor.has_entries = true;
    return {};
}

/// Writes as much of the bytes as there is room for. False if it is not all.
bool append(std::span<uint8_t>& room, std::span<const uint8_t> bytes) noexcept {
    const size_t part = std::min(room.size(), bytes.size());
    std::copy_n(bytes.begin(), part, room.begin());
    room = room.subspan(part);
    return part == bytes.size();
}

/// `next` is the cookie of the entry after it.
bool append_entry(std::span<uint8_t>& room, uint64_t next, uint64_t inode, FileType type,
                  std::string_view name) noexcept {
    uint8_t head[dirent_size] = {};
    detail::store_number(head, next);
    detail::store_number(head + 8, inode);
    detail::store_number(head + 16, static_cast<uint32_t>(name.size()));
    head[20] = static_cast<uint8_t>(type);
    return append(room, head) && append(room, {reinterpret_cast<const uint8_t*>(name.data()), name.size()});
}

} // namespace

Errno fd_readdir(Call& call, Fd<rights::fd_readdir> fd, Ptr buffer, Size size, uint64_t cookie,
                 Ptr result) noexcept {
    Directory* const directory = fd.file().as_directory();
    if (directory == nullptr)
        return Errno::notdir;
    if (!call.has(buffer, size.value) || !call.has_pointer(result))
        return Errno::fault;
    if (cookie == 0 || !fd->has_entries)
        if (const Result<> read = read_entries(*fd, call.context.allocator()); !read)
            return read.error();
    const Result<Filestat> self = directory->stat();
    if (!self)
        return self.error();

    constexpr std::string_view dots[] = {".", ".."};
    const uint64_t count = std::size(dots) + fd->entries.size();
    if (cookie > count)
        return Errno::inval;
    auto room = *call.bytes(buffer, size.value);
    bool fits = true;
    for (uint64_t i = cookie; i < count && fits; ++i) {
        if (i < std::size(dots)) {
            // Nothing is told of what lies above.
            fits = append_entry(room, i + 1, self->inode, FileType::directory, dots[i]);
            continue;
        }
        const DirectoryEntry& entry = fd->entries[static_cast<size_t>(i - std::size(dots))];
        const std::string_view name{entry.name.data(), entry.name.size()};
        FileType type = entry.type;
        if (type == FileType::unknown) // not every file system says it in the list
            if (const Result<Filestat> stat = directory->stat_entry(name); stat)
                type = stat->type;
        fits = append_entry(room, i + 1, entry.inode, type, name);
    }
    const uint64_t used = size.value - room.size();
    call.note_output(*call.bytes(buffer, used));
    call.take_fuel(used);
    return call.put_pointer(result, used);
}

} // namespace warpbeam::wasi
