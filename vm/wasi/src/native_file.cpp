#include "native_file.hpp"

#include "native_calls.hpp"

#ifndef _WIN32

#include <warpbeam/wasi/file_systems.hpp>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace warpbeam::wasi {

namespace {

uint64_t nanoseconds(const timespec& time) noexcept {
    return static_cast<uint64_t>(time.tv_sec) * nanoseconds_per_second + static_cast<uint64_t>(time.tv_nsec);
}

timespec to_timespec(NewTimes::Change change, uint64_t time) noexcept {
    switch (change) {
    case NewTimes::Change::keep:
        return {0, UTIME_OMIT};
    case NewTimes::Change::now:
        return {0, UTIME_NOW};
    case NewTimes::Change::set:
        break;
    }
    return {static_cast<time_t>(time / nanoseconds_per_second),
            static_cast<long>(time % nanoseconds_per_second)};
}

static_assert(sizeof(off_t) == 8, "compile with _FILE_OFFSET_BITS=64");

/// Offsets of the operating system are signed.
bool is_offset(uint64_t offset) noexcept { return offset <= INT64_MAX; }

FileType socket_type(int descriptor) noexcept {
    int kind = 0;
    socklen_t size = sizeof kind;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 && kind == SOCK_DGRAM
               ? FileType::socket_dgram
               : FileType::socket_stream;
}

} // namespace

NativeDescriptor::~NativeDescriptor() {
    if (number_ >= 0)
        (void)::close(number_);
}

FileType file_type(mode_t mode) noexcept {
    switch (mode & S_IFMT) {
    case S_IFBLK:
        return FileType::block_device;
    case S_IFCHR:
        return FileType::character_device;
    case S_IFDIR:
        return FileType::directory;
    case S_IFREG:
        return FileType::regular_file;
    case S_IFLNK:
        return FileType::symbolic_link;
    case S_IFSOCK:
        return FileType::socket_stream;
    default:
        return FileType::unknown; // a pipe: WASI has no type for it
    }
}

Filestat to_filestat(const struct stat& from) noexcept {
    return {static_cast<uint64_t>(from.st_dev),
            static_cast<uint64_t>(from.st_ino),
            file_type(from.st_mode),
            static_cast<uint64_t>(from.st_nlink),
            static_cast<uint64_t>(from.st_size),
            nanoseconds(accessed(from)),
            nanoseconds(modified(from)),
            nanoseconds(changed(from))};
}

NativeTimes::NativeTimes(const NewTimes& times) noexcept
    : values{to_timespec(times.access, times.accessed), to_timespec(times.modification, times.modified)} {}

Result<Ready> native_ready(int descriptor, Readiness which) noexcept {
    pollfd entry{descriptor, static_cast<short>(which == Readiness::read ? POLLIN : POLLOUT), 0};
    if (retried([&] { return ::poll(&entry, 1, 0); }) < 0)
        return last_error();
    if ((entry.revents & POLLNVAL) != 0)
        return std::unexpected{Errno::badf};
    int bytes = 0;
    if (which == Readiness::read && (entry.revents & POLLIN) != 0 &&
        ::ioctl(descriptor, FIONREAD, &bytes) != 0)
        bytes = 0;
    return Ready{entry.revents != 0, (entry.revents & POLLHUP) != 0,
                 static_cast<uint64_t>(std::max(bytes, 0))};
}

Result<size_t> write_without_signal(int descriptor, std::span<const uint8_t> bytes) noexcept {
    // The signal is for this thread. It is held back, and taken away unless it was held back before.
    sigset_t pipe;
    sigset_t before;
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    const bool blocked = pthread_sigmask(SIG_BLOCK, &pipe, &before) == 0;
    const Result<size_t> written = moved([&] { return ::write(descriptor, bytes.data(), bytes.size()); });
    if (!blocked)
        return written;
    if (!written && written.error() == Errno::pipe && sigismember(&before, SIGPIPE) == 0)
        take_pending(pipe);
    (void)pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return written;
}

Result<Filestat> NativeFile::stat() noexcept {
    struct stat status{};
    if (::fstat(descriptor_.get(), &status) != 0)
        return last_error();
    Filestat result = to_filestat(status);
    result.type = type_;
    return result;
}

Result<size_t> NativeFile::read_at(std::span<uint8_t> into, uint64_t offset) noexcept {
    if (!is_offset(offset))
        return std::unexpected{Errno::inval};
    return moved(
        [&] { return ::pread(descriptor_.get(), into.data(), into.size(), static_cast<off_t>(offset)); });
}

Result<size_t> NativeFile::write_at(std::span<const uint8_t> bytes, uint64_t offset) noexcept {
    if (!is_offset(offset))
        return std::unexpected{Errno::inval};
    return moved(
        [&] { return ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
}

Result<size_t> NativeFile::append(std::span<const uint8_t> bytes) noexcept {
    // The position is the program's affair, so that of the descriptor is free to use. With O_APPEND, the
    // operating system finds the end and writes there in one step.
    const int flags = ::fcntl(descriptor_.get(), F_GETFL);
    if (flags < 0)
        return last_error();
    if ((flags & O_APPEND) == 0 && ::fcntl(descriptor_.get(), F_SETFL, flags | O_APPEND) != 0)
        return last_error();
    const Result<size_t> written =
        moved([&] { return ::write(descriptor_.get(), bytes.data(), bytes.size()); });
    if ((flags & O_APPEND) == 0) // or `write_at` would append
        (void)::fcntl(descriptor_.get(), F_SETFL, flags);
    return written;
}

Result<> NativeFile::set_size(uint64_t size) noexcept {
    if (!is_offset(size))
        return std::unexpected{Errno::fbig};
    return done([&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size)); });
}

Result<> NativeFile::allocate(uint64_t offset, uint64_t size) noexcept {
    if (!is_offset(offset) || !is_offset(size))
        return std::unexpected{Errno::fbig};
    return done([&] {
        const int error =
            allocate_range(descriptor_.get(), static_cast<off_t>(offset), static_cast<off_t>(size));
        errno = error;
        return error == 0 ? 0 : -1;
    });
}

Result<> NativeFile::set_times(const NewTimes& times) noexcept {
    const NativeTimes native{times};
    return done([&] { return ::futimens(descriptor_.get(), native.values); });
}

Result<> NativeFile::sync(bool data_only) noexcept {
    const auto synced =
        done([&] { return data_only ? sync_data(descriptor_.get()) : ::fsync(descriptor_.get()); });
    // Pipes and the like have nothing to be written.
    return !synced && synced.error() == Errno::inval ? Result<>{} : synced;
}

Result<size_t> NativeFile::read(std::span<uint8_t> into) noexcept {
    return moved([&] { return ::read(descriptor_.get(), into.data(), into.size()); });
}

Result<size_t> NativeFile::write(std::span<const uint8_t> bytes) noexcept {
    if (is_socket() && no_signal != 0)
        return moved([&] { return ::send(descriptor_.get(), bytes.data(), bytes.size(), no_signal); });
    if (is_pipe_ || is_socket())
        return write_without_signal(descriptor_.get(), bytes);
    return moved([&] { return ::write(descriptor_.get(), bytes.data(), bytes.size()); });
}

Result<Ready> NativeFile::ready(Readiness which) noexcept { return native_ready(descriptor_.get(), which); }

Result<Ref<File>> NativeFile::accept() noexcept {
    if (!is_socket())
        return std::unexpected{Errno::notsock};
    // First of all, or a connection would be lost when there is no memory.
    const Ref<NativeFile> file =
        create_file<NativeFile>(allocator_, NativeDescriptor{-1}, type_, false, allocator_);
    if (!file)
        return std::unexpected{Errno::nomem};
    const int accepted = retried([&] { return accept_connection(descriptor_.get()); });
    if (accepted < 0)
        return last_error();
    file->descriptor_.take(accepted);
    return Ref<File>::share(file.get());
}

Result<File::Received> NativeFile::receive(std::span<uint8_t> into, bool peek) noexcept {
    if (!is_socket())
        return std::unexpected{Errno::notsock};
    iovec buffer{into.data(), into.size()};
    msghdr message{};
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    const auto size = moved([&] { return ::recvmsg(descriptor_.get(), &message, peek ? MSG_PEEK : 0); });
    if (!size)
        return std::unexpected{size.error()};
    return Received{*size, (message.msg_flags & MSG_TRUNC) != 0};
}

Result<> NativeFile::shut_down(bool reading, bool writing) noexcept {
    if (!is_socket())
        return std::unexpected{Errno::notsock};
    const int how = reading && writing ? SHUT_RDWR : reading ? SHUT_RD : SHUT_WR;
    return done([&] { return ::shutdown(descriptor_.get(), how); });
}

Result<Ref<File>> adopt_descriptor(NativeDescriptor descriptor, const struct stat& status,
                                   Allocator& allocator) noexcept {
    const FileType type =
        S_ISSOCK(status.st_mode) ? socket_type(descriptor.get()) : file_type(status.st_mode);
    const Ref<NativeFile> file =
        create_file<NativeFile>(allocator, std::move(descriptor), type, S_ISFIFO(status.st_mode), allocator);
    if (!file)
        return std::unexpected{Errno::nomem};
    return Ref<File>::share(file.get());
}

} // namespace warpbeam::wasi

#endif
