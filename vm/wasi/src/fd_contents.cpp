#include "buffers.hpp"
#include "functions.hpp"

/// Reading and writing.

namespace warpbeam::wasi {

namespace {

/// Why a file may not be used for that.
Errno check(const Descriptor& descriptor, Rights needed) noexcept {
    if (descriptor.file->as_directory() != nullptr)
        return Errno::isdir;
    return descriptor.allows(needed) ? Errno::success : Errno::badf;
}

/// The same for a position.
Errno check_at(const Descriptor& descriptor, Rights needed) noexcept {
    if (const Errno wrong = check(descriptor, needed); wrong != Errno::success)
        return wrong;
    if (!descriptor.file->is_seekable())
        return Errno::spipe;
    return descriptor.allows(rights::fd_seek) ? Errno::success : Errno::notcapable;
}

/// Whether it keeps messages apart. The standard streams of a host are not asked each time: none is expected.
bool is_message_socket(const Descriptor& descriptor) noexcept {
    return descriptor.origin != Origin::stream && descriptor.file->type() == FileType::socket_dgram;
}

/// What a stream that is ready takes at once.
#ifdef PIPE_BUF
constexpr size_t max_piece = PIPE_BUF;
#else
constexpr size_t max_piece = 4096; // the smallest buffer of a pipe
#endif

/// Whether writing may take until somebody reads. Other threads must not wait for that.
bool may_be_full(const Descriptor& descriptor) noexcept {
    const FileType type = descriptor.file->type();
    return type != FileType::regular_file && type != FileType::block_device;
}

/// Writes to a stream in pieces for which there is room, so that no other thread waits for its reader.
Result<size_t> write_when_ready(Call& call, OpenFd& fd, std::span<const uint8_t> bytes) noexcept {
    size_t written = 0;
    while (written < bytes.size()) {
        Errno why{};
        if (!call.wait_for(fd, Readiness::write, why))
            return written != 0 ? Result<size_t>{written} : std::unexpected{why};
        const auto piece = bytes.subspan(written, std::min<size_t>(bytes.size() - written, max_piece));
        const Result<size_t> done = fd.file().write(piece);
        if (!done)
            return written != 0 ? Result<size_t>{written} : done;
        written += *done;
        if (*done < piece.size())
            break;
    }
    return written;
}

/// Ends a call that has moved bytes.
Errno finish(Call& call, const Result<uint64_t>& moved, Ptr result) noexcept {
    if (!moved)
        return moved.error();
    call.take_fuel(*moved);
    return call.put_pointer(result, *moved);
}

} // namespace

Errno fd_pread(Call& call, Fd<0> fd, Ptr list, Size count, uint64_t offset, Ptr result) noexcept {
    if (const Errno wrong = check_at(*fd, rights::fd_read); wrong != Errno::success)
        return wrong;
    Buffers buffers;
    if (const Errno wrong = Buffers::check(call, list, count, result, buffers); wrong != Errno::success)
        return wrong;
    return finish(call,
                  read_into(buffers, Pieces::all, call.context.allocator(),
                            [&](std::span<uint8_t> into) {
                                const Result<size_t> done = fd.file().read_at(into, offset);
                                offset += done.value_or(0);
                                return done;
                            }),
                  result);
}

Errno fd_pwrite(Call& call, Fd<0> fd, Ptr list, Size count, uint64_t offset, Ptr result) noexcept {
    if (const Errno wrong = check_at(*fd, rights::fd_write); wrong != Errno::success)
        return wrong;
    Buffers buffers;
    if (const Errno wrong = Buffers::check(call, list, count, result, buffers); wrong != Errno::success)
        return wrong;
    buffers.note_inputs();
    return finish(call,
                  write_from(buffers, Pieces::all, call.context.allocator(),
                             [&](std::span<const uint8_t> bytes) {
                                 const Result<size_t> done = fd.file().write_at(bytes, offset);
                                 offset += done.value_or(0);
                                 return done;
                             }),
                  result);
}

Errno fd_read(Call& call, Fd<0> fd, Ptr list, Size count, Ptr result) noexcept {
    if (const Errno wrong = check(*fd, rights::fd_read); wrong != Errno::success)
        return wrong;
    Buffers buffers;
    if (const Errno wrong = Buffers::check(call, list, count, result, buffers); wrong != Errno::success)
        return wrong;
    const bool is_seekable = fd.file().is_seekable();
    const bool is_message = is_message_socket(*fd);
    const Pieces pieces = is_message ? Pieces::message : is_seekable ? Pieces::all : Pieces::one;
    Errno why{};
    if (!is_seekable && buffers.size() != 0 && !call.wait_for(fd, Readiness::read, why))
        return why;
    const auto read = [&](std::span<uint8_t> into) {
        if (!is_seekable)
            return fd.file().read(into);
        const Result<size_t> done = fd.file().read_at(into, fd->offset);
        fd->offset += done.value_or(0);
        return done;
    };
    for (;;) {
        const Result<uint64_t> done = read_into(buffers, pieces, call.context.allocator(), read);
        if (done || done.error() != Errno::again)
            return finish(call, done, result);
        if (!call.wait_again(fd, Readiness::read, why))
            return why;
    }
}

Errno fd_write(Call& call, Fd<0> fd, Ptr list, Size count, Ptr result) noexcept {
    if (const Errno wrong = check(*fd, rights::fd_write); wrong != Errno::success)
        return wrong;
    Buffers buffers;
    if (const Errno wrong = Buffers::check(call, list, count, result, buffers); wrong != Errno::success)
        return wrong;
    buffers.note_inputs();
    const bool is_seekable = fd.file().is_seekable();
    if (is_seekable && (fd->flags & fdflags::append) != 0) {
        const Result<uint64_t> done =
            write_from(buffers, Pieces::all, call.context.allocator(),
                       [&](std::span<const uint8_t> bytes) { return fd.file().append(bytes); });
        if (done && *done != 0)
            if (const Result<Filestat> stat = fd.file().stat(); stat)
                fd->offset = stat->size;
        return finish(call, done, result);
    }
    const bool must_not_wait = !is_seekable && (fd->flags & fdflags::nonblock) != 0;
    const bool is_message = is_message_socket(*fd); // it is sent whole
    const bool has_others = !is_seekable && call.context.is_shared() && may_be_full(*fd);
    const Pieces pieces = is_message ? Pieces::message : must_not_wait ? Pieces::one : Pieces::all;
    for (;;) {
        // The descriptor of the operating system may wait all the same, if the program was given it so.
        Errno again{};
        if ((must_not_wait || (is_message && has_others)) && !call.wait_for(fd, Readiness::write, again))
            return again;
        const auto write = [&](std::span<const uint8_t> bytes) {
            if (must_not_wait && !is_message)
                bytes = bytes.first(std::min<size_t>(bytes.size(), max_piece));
            if (has_others && !must_not_wait && !is_message)
                return write_when_ready(call, fd, bytes);
            if (!is_seekable)
                return fd.file().write(bytes);
            const Result<size_t> written = fd.file().write_at(bytes, fd->offset);
            fd->offset += written.value_or(0);
            return written;
        };
        const Result<uint64_t> done = write_from(buffers, pieces, call.context.allocator(), write);
        if (done && call.notes != nullptr && fd->origin == Origin::stream)
            call.notes->written(static_cast<Stream>(fd->root), *done);
        // What was written is not written again: an interrupt waits for the end of the call.
        if (done.value_or(0) != 0)
            call.stopped.reset();
        if (done || done.error() != Errno::again)
            return finish(call, done, result);
        // A pipe that is full, whose descriptor does not wait by itself.
        Errno why{};
        if (!call.wait_again(fd, Readiness::write, why))
            return why;
    }
}

} // namespace warpbeam::wasi
