#pragma once

#include <cstdint>

/// @file
/// What WASI preview 1 says of files, as numbers with names. Thread-safety: constants and values only.
/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#types

namespace warpbeam::wasi {

/// The kind of a file.
enum class FileType : uint8_t {
    unknown,
    block_device,
    character_device,
    directory,
    regular_file,
    socket_dgram,
    socket_stream,
    symbolic_link,
};

/// What a file descriptor may be used for: a set of bits.
using Rights = uint64_t;
namespace rights {
inline constexpr Rights fd_datasync = 1 << 0;              ///< call `fd_datasync`
inline constexpr Rights fd_read = 1 << 1;                  ///< read
inline constexpr Rights fd_seek = 1 << 2;                  ///< move the position
inline constexpr Rights fd_fdstat_set_flags = 1 << 3;      ///< call `fd_fdstat_set_flags`
inline constexpr Rights fd_sync = 1 << 4;                  ///< call `fd_sync`
inline constexpr Rights fd_tell = 1 << 5;                  ///< ask for the position
inline constexpr Rights fd_write = 1 << 6;                 ///< write
inline constexpr Rights fd_advise = 1 << 7;                ///< call `fd_advise`
inline constexpr Rights fd_allocate = 1 << 8;              ///< call `fd_allocate`
inline constexpr Rights path_create_directory = 1 << 9;    ///< make directories
inline constexpr Rights path_create_file = 1 << 10;        ///< make files
inline constexpr Rights path_link_source = 1 << 11;        ///< give its files another name
inline constexpr Rights path_link_target = 1 << 12;        ///< get new names of files
inline constexpr Rights path_open = 1 << 13;               ///< open what is in it
inline constexpr Rights fd_readdir = 1 << 14;              ///< list it
inline constexpr Rights path_readlink = 1 << 15;           ///< read symbolic links
inline constexpr Rights path_rename_source = 1 << 16;      ///< move its entries
inline constexpr Rights path_rename_target = 1 << 17;      ///< get entries that are moved
inline constexpr Rights path_filestat_get = 1 << 18;       ///< ask for attributes of its entries
inline constexpr Rights path_filestat_set_size = 1 << 19;  ///< open files with `trunc`
inline constexpr Rights path_filestat_set_times = 1 << 20; ///< set the times of its entries
inline constexpr Rights fd_filestat_get = 1 << 21;         ///< ask for its attributes
inline constexpr Rights fd_filestat_set_size = 1 << 22;    ///< set its size
inline constexpr Rights fd_filestat_set_times = 1 << 23;   ///< set its times
inline constexpr Rights path_symlink = 1 << 24;            ///< make symbolic links
inline constexpr Rights path_remove_directory = 1 << 25;   ///< remove directories
inline constexpr Rights path_unlink_file = 1 << 26;        ///< remove files
inline constexpr Rights poll_fd_readwrite = 1 << 27;       ///< wait for it in `poll_oneoff`
inline constexpr Rights sock_shutdown = 1 << 28;           ///< call `sock_shutdown`
inline constexpr Rights sock_accept = 1 << 29;             ///< accept connections
inline constexpr Rights all = (1 << 30) - 1;               ///< all of these

/// What makes sense for a stream.
inline constexpr Rights stream =
    fd_read | fd_fdstat_set_flags | fd_write | fd_filestat_get | fd_datasync | fd_sync | poll_fd_readwrite;
/// What makes sense for a socket.
inline constexpr Rights socket = stream | sock_shutdown | sock_accept;
/// What makes sense for a file that has positions.
inline constexpr Rights regular_file =
    stream | fd_seek | fd_tell | fd_advise | fd_allocate | fd_filestat_set_size | fd_filestat_set_times;
/// What makes sense for a directory.
inline constexpr Rights directory =
    fd_fdstat_set_flags | fd_sync | fd_datasync | fd_advise | path_create_directory | path_create_file |
    path_link_source | path_link_target | path_open | fd_readdir | path_readlink | path_rename_source |
    path_rename_target | path_filestat_get | path_filestat_set_size | path_filestat_set_times |
    fd_filestat_get | fd_filestat_set_times | path_symlink | path_remove_directory | path_unlink_file |
    poll_fd_readwrite;
/// What changes nothing. A link to a file is not among them: through it, the file could be changed.
inline constexpr Rights read_only = fd_read | fd_seek | fd_tell | fd_advise | fd_fdstat_set_flags |
                                    path_open | fd_readdir | path_readlink | path_filestat_get |
                                    fd_filestat_get | poll_fd_readwrite;
} // namespace rights

/// How a file is read and written (`fdflags`).
namespace fdflags {
inline constexpr uint16_t append = 1 << 0;    ///< write at the end
inline constexpr uint16_t dsync = 1 << 1;     ///< a write waits until the contents are on the medium
inline constexpr uint16_t nonblock = 1 << 2;  ///< never wait: fail with `again`
inline constexpr uint16_t rsync = 1 << 3;     ///< reads wait like writes
inline constexpr uint16_t sync = 1 << 4;      ///< a write waits for contents and attributes
inline constexpr uint16_t all = (1 << 5) - 1; ///< all of these
} // namespace fdflags

/// How a file is opened (`oflags`).
namespace oflags {
inline constexpr uint16_t creat = 1 << 0;     ///< make the file if it is missing
inline constexpr uint16_t directory = 1 << 1; ///< it must be a directory
inline constexpr uint16_t excl = 1 << 2;      ///< it must be missing
inline constexpr uint16_t trunc = 1 << 3;     ///< make it empty
inline constexpr uint16_t all = (1 << 4) - 1; ///< all of these
} // namespace oflags

/// What is known about a file. Times are in nanoseconds since 1970.
struct Filestat {
    uint64_t device = 0;               ///< the file system
    uint64_t inode = 0;                ///< the number of the file there
    FileType type = FileType::unknown; ///< what it is
    uint64_t links = 1;                ///< how many names it has
    uint64_t size = 0;                 ///< in bytes
    uint64_t accessed = 0;             ///< when it was read last
    uint64_t modified = 0;             ///< when its contents were changed last
    uint64_t changed = 0;              ///< when its contents or attributes were changed last
};

/// Which of a file's times are set, and how (`fstflags`).
struct NewTimes {
    /// What happens to a time.
    enum class Change : uint8_t { keep, set, now };
    Change access = Change::keep;       ///< to the time of access
    Change modification = Change::keep; ///< to that of modification
    uint64_t accessed = 0;              ///< with `set`; nanoseconds since 1970
    uint64_t modified = 0;              ///< likewise
};

} // namespace warpbeam::wasi
