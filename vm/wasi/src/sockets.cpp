#include "buffers.hpp"
#include "functions.hpp"

/// Sockets that a program was given, and those that it accepts.

namespace warpbeam::wasi {

namespace {

bool is_socket(const File& file) noexcept {
    return file.type() == FileType::socket_dgram || file.type() == FileType::socket_stream;
}

/// Fills all buffers, unless the connection ends. The first part has come, or is said to have come.
template <typename Receive>
Result<uint64_t> receive_all(Call& call, OpenFd& fd, const Buffers& buffers, Receive receive) noexcept {
    // What has come is not lost by an interrupt: the call ends with it.
    const auto keep = [&](uint64_t size) {
        call.stopped.reset();
        call.context.forget_waits();
        return size;
    };
    uint64_t sum = 0;
    for (uint64_t i = 0; i < buffers.count() && sum < max_transfer; ++i) {
        std::span<uint8_t> into = buffers.at(i);
        while (!into.empty()) {
            Errno why{};
            if (sum != 0 && !call.wait_for(fd, Readiness::read, why))
                return keep(sum);
            const Result<size_t> size = receive(into);
            if (!size && size.error() == Errno::again && sum != 0) {
                if (call.wait_again(fd, Readiness::read, why))
                    continue;
                return keep(sum);
            }
            if (!size && sum == 0)
                return size;
            if (size.value_or(0) == 0)
                return sum;
            buffers.note_output(into.first(*size));
            sum += *size;
            into = into.subspan(*size);
        }
    }
    return sum;
}

/// Makes sure that there is a number for another descriptor; this may move the table.
Result<> make_room(Call& call, OpenFd& fd) noexcept {
    const Result<> room = call.context.descriptors().reserve();
    fd.descriptor = call.context.descriptors().find(fd.number);
    return room;
}

} // namespace

Errno sock_accept(Call& call, Fd<rights::sock_accept> fd, uint32_t flags, Ptr result) noexcept {
    if (!is_socket(fd.file()))
        return Errno::notsock;
    if ((flags & ~uint32_t{fdflags::nonblock}) != 0)
        return Errno::inval;
    if (!call.has(result, sizeof(uint32_t)))
        return Errno::fault;
    if (const Result<> room = make_room(call, fd); !room)
        return room.error(); // before there is a connection that would be lost
    for (;;) {
        Errno why{};
        if (!call.wait_for(fd, Readiness::read, why))
            return why;
        // Other threads may have taken the room meanwhile.
        if (const Result<> room = make_room(call, fd); !room)
            return room.error();
        auto accepted = fd.file().accept();
        if (!accepted && accepted.error() == Errno::again) { // another one has taken the connection
            if (!call.wait_again(fd, Readiness::read, why))
                return why;
            continue;
        }
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
    if (const Errno wrong = Buffers::check(call, list, count, result, buffers); wrong != Errno::success)
        return wrong;
    if (!call.has(result_flags, sizeof(uint16_t)))
        return Errno::fault;
    bool truncated = false;
    const auto receive = [&](std::span<uint8_t> into) -> Result<size_t> {
        const auto received = fd.file().receive(into, (flags & peek) != 0);
        if (!received)
            return std::unexpected{received.error()};
        truncated = received->truncated;
        return received->size;
    };
    const bool is_empty = buffers.size() == 0;
    const bool is_message = fd.file().type() == FileType::socket_dgram;
    const Pieces pieces = is_message ? Pieces::message : Pieces::one;
    const bool waits_for_all = (flags & wait_all) != 0 && (flags & peek) == 0 && !is_message;
    Result<uint64_t> done = 0;
    Errno why{};
    for (bool is_first = true; !is_empty; is_first = false) {
        if (!(is_first ? call.wait_for(fd, Readiness::read, why) : call.wait_again(fd, Readiness::read, why)))
            return why;
        // Only once, since a socket may wait by itself when nothing more has come.
        done = waits_for_all ? receive_all(call, fd, buffers, receive)
                             : read_into(buffers, pieces, call.context.allocator(), receive);
        if (done || done.error() != Errno::again)
            break;
    }
    if (!done)
        return done.error();
    call.take_fuel(*done);
    (void)call.put(result_flags, static_cast<uint16_t>(truncated ? 1 : 0));
    return call.put_pointer(result, *done);
}

Errno sock_send(Call& call, Fd<rights::fd_write> fd, Ptr list, Size count, uint32_t flags,
                Ptr result) noexcept {
    if (!is_socket(fd.file()))
        return Errno::notsock;
    return flags == 0 ? fd_write(call, Fd<0>{{fd.number, fd.descriptor}}, list, count, result) : Errno::inval;
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
