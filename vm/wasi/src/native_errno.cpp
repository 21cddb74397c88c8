#include "native_errno.hpp"

#ifndef _WIN32

namespace warpbeam::wasi {

Errno to_errno(int error) noexcept {
    struct Row {
        int native;
        Errno errno_;
    };
    static constexpr Row rows[] = {
        {E2BIG, Errno::toobig},
        {EACCES, Errno::acces},
        {EADDRINUSE, Errno::addrinuse},
        {EADDRNOTAVAIL, Errno::addrnotavail},
        {EAFNOSUPPORT, Errno::afnosupport},
        {EAGAIN, Errno::again},
        {EALREADY, Errno::already},
        {EBADF, Errno::badf},
        {EBADMSG, Errno::badmsg},
        {EBUSY, Errno::busy},
        {ECANCELED, Errno::canceled},
        {ECONNABORTED, Errno::connaborted},
        {ECONNREFUSED, Errno::connrefused},
        {ECONNRESET, Errno::connreset},
        {EDEADLK, Errno::deadlk},
        {EDQUOT, Errno::dquot},
        {EEXIST, Errno::exist},
        {EFAULT, Errno::fault},
        {EFBIG, Errno::fbig},
        {EHOSTUNREACH, Errno::hostunreach},
        {EILSEQ, Errno::ilseq},
        {EINPROGRESS, Errno::inprogress},
        {EINTR, Errno::intr},
        {EINVAL, Errno::inval},
        {EISCONN, Errno::isconn},
        {EISDIR, Errno::isdir},
        {ELOOP, Errno::loop},
        {EMFILE, Errno::mfile},
        {EMLINK, Errno::mlink},
        {EMSGSIZE, Errno::msgsize},
        {ENAMETOOLONG, Errno::nametoolong},
        {ENETDOWN, Errno::netdown},
        {ENETRESET, Errno::netreset},
        {ENETUNREACH, Errno::netunreach},
        {ENFILE, Errno::nfile},
        {ENOBUFS, Errno::nobufs},
        {ENODEV, Errno::nodev},
        {ENOENT, Errno::noent},
        {ENOLCK, Errno::nolck},
        {ENOMEM, Errno::nomem},
        {ENOSPC, Errno::nospc},
        {ENOSYS, Errno::nosys},
        {ENOTCONN, Errno::notconn},
        {ENOTDIR, Errno::notdir},
        {ENOTEMPTY, Errno::notempty},
        {ENOTSOCK, Errno::notsock},
        {ENOTTY, Errno::notty},
        {ENXIO, Errno::nxio},
        {EOPNOTSUPP, Errno::notsup},
        {EOVERFLOW, Errno::overflow},
        {EPERM, Errno::perm},
        {EPIPE, Errno::pipe},
        {EPROTO, Errno::proto},
        {ERANGE, Errno::range},
        {EROFS, Errno::rofs},
        {ESPIPE, Errno::spipe},
        {ESTALE, Errno::stale},
        {ETIMEDOUT, Errno::timedout},
        {ETXTBSY, Errno::txtbsy},
        {EXDEV, Errno::xdev},
    };
    for (const Row& row : rows)
        if (row.native == error)
            return row.errno_;
    return Errno::io;
}

} // namespace warpbeam::wasi

#endif
