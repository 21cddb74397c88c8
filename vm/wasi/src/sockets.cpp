#include "buffers.hpp"
#include "functions.hpp"

/// Sockets that a program was given, and those that it accepts.

namespace warpbeam::wasi {

namespace {

bool is_socket(const File& file) noexcept {
    return file.type() == FileType::socket_dgram || file.type() == FileType::socket_stream;
}

} // namespace

Errno sock_accept(Call& call, Fd<rights::sock_accept> fd, uint32_t flags, Ptr result) noexcept {
    if (!is_socket(fd.file()))
        return Errno::notsock;
    if ((flags & ~uint32_t{fdflags::nonblock}) != 0)
        return Errno::inval;
    if (!call.has(result, sizeof(uint32_t)))
        return Errno::fault;
    for (;;) {
        Errno why{};
        if (!call.wait_for(*fd, Readiness::read, why))
            return why;
        auto accepted = fd.file().accept();
        if (!accepted && accepted.error() == Errno::again && (fd->flags & fdflags::nonblock) == 0)
            continue; // another one has taken the connection
        if (!accepted)
            return accepted.error();
        Descriptor connection{call.context.allocator()};
        connection.rights = fd->rights & rights::socket;
        connection.flags = static_cast<uint16_t>(flags);
        connection.file = std::move(*accepted);
        const Result<uint32_t> number = call.context.descriptors().add(std::move(connection));
        return number ? call.put(result, *number) : number.error();
    }
}

Errno sock_recv(Call& call, Fd<rights::fd_read> fd, Ptr list, Size count, uint32_t flags, Ptr result,
                Ptr result_flags) noexcept {
    constexpr uint32_t peek = 1;
    constexpr uint32_t wait_all = 2;
    if (!is_socket(fd.file()))
        return Errno::notsock;
    if ((flags & ~(peek | wait_all)) != 0)
        return Errno::inval;
    Buffers buffers;
    if (const Errno wrong = Buffers::check(call, list, count, buffers); wrong != Errno::success)
        return wrong;
    if (!call.has_pointer(result) || !call.has(result_flags, sizeof(uint16_t)))
        return Errno::fault;
    uint64_t sum = 0;
    bool truncated = false;
    const bool waits_for_all = (flags & wait_all) != 0 && (flags & peek) == 0;
    for (uint64_t i = 0; i < buffers.count() && sum < max_transfer; ++i) {
        std::span<uint8_t> into = buffers.at(i);
        while (!into.empty()) {
            // What has come is not lost by an interrupt: the call ends with it.
            Errno why{};
            if ((sum == 0 || waits_for_all) && !call.wait_for(*fd, Readiness::read, why)) {
                if (sum == 0)
                    return why;
                call.stopped.reset();
                into = {};
                i = buffers.count() - 1;
                break;
            }
            const auto received = fd.file().receive(into, (flags & peek) != 0);
            if (!received && sum == 0)
                return received.error();
            const size_t size = received ? received->size : 0;
            truncated = received && received->truncated;
            sum += size;
            into = into.subspan(size);
            if (size == 0 || !waits_for_all) {
                i = size == 0 || !into.empty() || (flags & peek) != 0 ? buffers.count() - 1 : i;
                break;
            }
        }
    }
    call.caller.take_fuel(sum);
    (void)call.put(result_flags, static_cast<uint16_t>(truncated ? 1 : 0));
    return call.put_pointer(result, sum);
}

Errno sock_send(Call& call, Fd<rights::fd_write> fd, Ptr list, Size count, uint32_t flags,
                Ptr result) noexcept {
    if (!is_socket(fd.file()))
        return Errno::notsock;
    return flags == 0 ? fd_write(call, Fd<0>{fd.number, fd.descriptor}, list, count, result) : Errno::inval;
}

Errno sock_shutdown(Call&, Fd<0> fd, uint32_t how) noexcept {
    constexpr uint32_t reading = 1;
    constexpr uint32_t writing = 2;
    if (!is_socket(fd.file()))
        return Errno::notsock;
    if (!fd->allows(rights::sock_shutdown))
        return Errno::notcapable;
    if (how == 0 || (how & ~(reading | writing)) != 0)
        return Errno::inval;
    return errno_of(fd.file().shut_down((how & reading) != 0, (how & writing) != 0));
}

} // namespace warpbeam::wasi
