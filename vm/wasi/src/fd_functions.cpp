#include "functions.hpp"

#include <algorithm>

/// What a program asks of an open file, but for its contents.

namespace warpbeam::wasi {

namespace {

/// Why a file has no positions, or may not be used for that.
Errno check_positions(const Descriptor& descriptor, Rights needed) noexcept {
    if (descriptor.file->as_directory() != nullptr)
        return Errno::isdir;
    if (!descriptor.file->is_seekable())
        return Errno::spipe;
    return descriptor.allows(needed) ? Errno::success : Errno::notcapable;
}

/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#whence
enum class Whence : uint8_t { set, current, end };
std::optional<Whence> whence_of(uint32_t number, const Abi& abi) noexcept {
    if (number > 2)
        return std::nullopt;
    constexpr Whence unstable[] = {Whence::current, Whence::end, Whence::set};
    return abi.is_unstable ? unstable[number] : static_cast<Whence>(number);
}

} // namespace

std::optional<NewTimes> new_times(uint64_t accessed, uint64_t modified, uint32_t flags) noexcept {
    constexpr uint32_t set_access = 1;
    constexpr uint32_t access_now = 2;
    constexpr uint32_t set_modification = 4;
    constexpr uint32_t modification_now = 8;
    constexpr uint32_t both_accesses = set_access | access_now;
    constexpr uint32_t both_modifications = set_modification | modification_now;
    if ((flags & ~(both_accesses | both_modifications)) != 0 || (flags & both_accesses) == both_accesses ||
        (flags & both_modifications) == both_modifications)
        return std::nullopt;
    const auto change = [&](uint32_t set, uint32_t now) {
        return (flags & set) != 0   ? NewTimes::Change::set
               : (flags & now) != 0 ? NewTimes::Change::now
                                    : NewTimes::Change::keep;
    };
    return NewTimes{change(set_access, access_now), change(set_modification, modification_now), accessed,
                    modified};
}

Errno put_filestat(const Call& call, Ptr result, const Filestat& stat) noexcept {
    const auto place = call.bytes(result, filestat_size(call.abi));
    if (!place)
        return Errno::fault;
    std::ranges::fill(*place, uint8_t{0});
    call.note_output(*place);
    (void)call.put(result, stat.device);
    (void)call.put(result + 8, stat.inode);
    (void)call.put(result + 16, static_cast<uint8_t>(stat.type));
    uint64_t next = 24;
    if (call.abi.is_unstable) {
        (void)call.put(result + 20, static_cast<uint32_t>(std::min<uint64_t>(stat.links, UINT32_MAX)));
    } else {
        (void)call.put(result + next, stat.links);
        next += 8;
    }
    for (const uint64_t value : {stat.size, stat.accessed, stat.modified, stat.changed}) {
        (void)call.put(result + next, value);
        next += 8;
    }
    return Errno::success;
}

Errno fd_advise(Call&, Fd<0> fd, uint64_t, uint64_t, uint32_t advice) noexcept {
    constexpr uint32_t last_advice = 5;
    if (fd.file().as_directory() == nullptr)
        if (const Errno wrong = check_positions(*fd, rights::fd_advise); wrong != Errno::success)
            return wrong;
    return advice <= last_advice ? Errno::success : Errno::inval; // none is of use here
}

Errno fd_allocate(Call&, Fd<0> fd, uint64_t offset, uint64_t size) noexcept {
    if (const Errno wrong = check_positions(*fd, rights::fd_allocate); wrong != Errno::success)
        return wrong;
    if (size == 0)
        return Errno::inval;
    if (offset > UINT64_MAX - size)
        return Errno::fbig;
    return errno_of(fd.file().allocate(offset, size));
}

Errno fd_close(Call& call, Fd<0> fd) noexcept {
    call.context.descriptors().close(fd.number);
    return Errno::success;
}

Errno fd_datasync(Call&, Fd<rights::fd_datasync> fd) noexcept { return errno_of(fd.file().sync(true)); }
Errno fd_sync(Call&, Fd<rights::fd_sync> fd) noexcept { return errno_of(fd.file().sync(false)); }

Errno fd_fdstat_get(Call& call, Fd<0> fd, Ptr result) noexcept {
    const auto stat = call.bytes(result, 24);
    if (!stat)
        return Errno::fault;
    std::ranges::fill(*stat, uint8_t{0});
    call.note_output(*stat);
    (void)call.put(result, static_cast<uint8_t>(fd.file().type()));
    (void)call.put(result + 2, fd->flags);
    (void)call.put(result + 8, fd->rights);
    (void)call.put(result + 16, fd->inheriting);
    return Errno::success;
}

Errno fd_fdstat_set_flags(Call&, Fd<rights::fd_fdstat_set_flags> fd, uint32_t flags) noexcept {
    if ((flags & ~uint32_t{fdflags::all}) != 0)
        return Errno::inval;
    // How a file is synchronized is decided when it is opened.
    constexpr uint32_t synchronous = fdflags::dsync | fdflags::rsync | fdflags::sync;
    if (((flags ^ fd->flags) & synchronous) != 0)
        return Errno::notsup;
    fd->flags = static_cast<uint16_t>(flags);
    return Errno::success;
}

Errno fd_fdstat_set_rights(Call&, Fd<0> fd, uint64_t rights, uint64_t inheriting) noexcept {
    if ((rights & ~fd->rights) != 0 || (inheriting & ~fd->inheriting) != 0)
        return Errno::notcapable;
    fd->rights = rights;
    fd->inheriting = inheriting;
    return Errno::success;
}

Errno fd_filestat_get(Call& call, Fd<rights::fd_filestat_get> fd, Ptr result) noexcept {
    if (!call.has(result, filestat_size(call.abi)))
        return Errno::fault;
    const Result<Filestat> stat = fd.file().stat();
    return stat ? put_filestat(call, result, *stat) : stat.error();
}

Errno fd_filestat_set_size(Call&, Fd<0> fd, uint64_t size) noexcept {
    const Errno wrong = check_positions(*fd, rights::fd_filestat_set_size);
    if (wrong != Errno::success)
        return wrong == Errno::spipe ? Errno::inval : wrong;
    return errno_of(fd.file().set_size(size));
}

Errno fd_filestat_set_times(Call&, Fd<rights::fd_filestat_set_times> fd, uint64_t accessed, uint64_t modified,
                            uint32_t flags) noexcept {
    const auto times = new_times(accessed, modified, flags);
    return times ? errno_of(fd.file().set_times(*times)) : Errno::inval;
}

// A program asks for preopened directories from 3 on, until a number is not open.
Errno fd_prestat_get(Call& call, Fd<0> fd, Ptr result) noexcept {
    if (fd->origin != Origin::root)
        return Errno::badf;
    const uint64_t size = call.abi.pointer_size();
    const auto prestat = call.bytes(result, 2 * size);
    if (!prestat)
        return Errno::fault;
    std::ranges::fill(*prestat, uint8_t{0}); // the first field: a directory
    call.note_output(*prestat);
    return call.put_pointer(result + size, fd->name.size());
}

Errno fd_prestat_dir_name(Call& call, Fd<0> fd, Ptr path, Size size) noexcept {
    if (fd->origin != Origin::root)
        return Errno::badf;
    if (size.value < fd->name.size())
        return Errno::nametoolong;
    const auto place = call.bytes(path, fd->name.size());
    if (!place)
        return Errno::fault;
    std::ranges::copy(fd->name, place->begin());
    call.note_output(*place);
    return Errno::success;
}

Errno fd_renumber(Call& call, Fd<0> from, Fd<0> to) noexcept {
    call.context.descriptors().renumber(from.number, to.number);
    return Errno::success;
}

Errno fd_seek(Call& call, Fd<0> fd, int64_t offset, uint32_t whence, Ptr result) noexcept {
    // To ask for the position is to tell.
    const auto from = whence_of(whence, call.abi);
    const bool tells = offset == 0 && from == Whence::current;
    if (const Errno wrong = check_positions(*fd, tells ? rights::fd_tell : rights::fd_seek);
        wrong != Errno::success)
        return wrong;
    if (!from)
        return Errno::inval;
    if (!call.has(result, sizeof(uint64_t)))
        return Errno::fault;
    uint64_t base = *from == Whence::current ? fd->offset : 0;
    if (*from == Whence::end) {
        const Result<Filestat> stat = fd.file().stat();
        if (!stat)
            return stat.error();
        base = stat->size;
    }
    // Positions are signed for POSIX.
    const uint64_t position = base + static_cast<uint64_t>(offset);
    const bool wraps = offset < 0 ? position > base : position < base;
    if (wraps || position > INT64_MAX)
        return offset < 0 ? Errno::inval : Errno::overflow;
    fd->offset = position;
    return call.put(result, position);
}

Errno fd_tell(Call& call, Fd<0> fd, Ptr result) noexcept {
    if (const Errno wrong = check_positions(*fd, rights::fd_tell); wrong != Errno::success)
        return wrong;
    return call.put(result, fd->offset);
}

} // namespace warpbeam::wasi
