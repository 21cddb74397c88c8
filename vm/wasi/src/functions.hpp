#pragma once

#include "call.hpp"

/// The functions of WASI preview 1. The types of their parameters say what is checked before: that a file
/// descriptor is open and has the rights that are named. The table in define.cpp has all of them.
/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#functions

namespace warpbeam::wasi {

Errno args_get(Call&, Ptr argv, Ptr buffer) noexcept;
Errno args_sizes_get(Call&, Ptr count, Ptr size) noexcept;
Errno environ_get(Call&, Ptr variables, Ptr buffer) noexcept;
Errno environ_sizes_get(Call&, Ptr count, Ptr size) noexcept;

Errno clock_res_get(Call&, uint32_t clock, Ptr result) noexcept;
Errno clock_time_get(Call&, uint32_t clock, uint64_t precision, Ptr result) noexcept;
Errno poll_oneoff(Call&, Ptr subscriptions, Ptr events, Size count, Ptr result) noexcept;

Errno fd_advise(Call&, Fd<0> fd, uint64_t offset, uint64_t size, uint32_t advice) noexcept;
Errno fd_allocate(Call&, Fd<0> fd, uint64_t offset, uint64_t size) noexcept;
Errno fd_close(Call&, Fd<0> fd) noexcept;
Errno fd_datasync(Call&, Fd<rights::fd_datasync> fd) noexcept;
Errno fd_fdstat_get(Call&, Fd<0> fd, Ptr result) noexcept;
Errno fd_fdstat_set_flags(Call&, Fd<rights::fd_fdstat_set_flags> fd, uint32_t flags) noexcept;
Errno fd_fdstat_set_rights(Call&, Fd<0> fd, uint64_t rights, uint64_t inheriting) noexcept;
Errno fd_filestat_get(Call&, Fd<rights::fd_filestat_get> fd, Ptr result) noexcept;
Errno fd_filestat_set_size(Call&, Fd<0> fd, uint64_t size) noexcept;
Errno fd_filestat_set_times(Call&, Fd<rights::fd_filestat_set_times> fd, uint64_t accessed, uint64_t modified,
                            uint32_t flags) noexcept;
Errno fd_prestat_get(Call&, Fd<0> fd, Ptr result) noexcept;
Errno fd_prestat_dir_name(Call&, Fd<0> fd, Ptr path, Size size) noexcept;
Errno fd_renumber(Call&, Fd<0> from, Fd<0> to) noexcept;
Errno fd_seek(Call&, Fd<0> fd, int64_t offset, uint32_t whence, Ptr result) noexcept;
Errno fd_sync(Call&, Fd<rights::fd_sync> fd) noexcept;
Errno fd_tell(Call&, Fd<0> fd, Ptr result) noexcept;

Errno fd_pread(Call&, Fd<0> fd, Ptr buffers, Size count, uint64_t offset, Ptr result) noexcept;
Errno fd_pwrite(Call&, Fd<0> fd, Ptr buffers, Size count, uint64_t offset, Ptr result) noexcept;
Errno fd_read(Call&, Fd<0> fd, Ptr buffers, Size count, Ptr result) noexcept;
Errno fd_write(Call&, Fd<0> fd, Ptr buffers, Size count, Ptr result) noexcept;
Errno fd_readdir(Call&, Fd<rights::fd_readdir> fd, Ptr buffer, Size size, uint64_t cookie,
                 Ptr result) noexcept;

Errno path_create_directory(Call&, Fd<rights::path_create_directory> fd, Ptr path, Size size) noexcept;
Errno path_filestat_get(Call&, Fd<rights::path_filestat_get> fd, uint32_t flags, Ptr path, Size size,
                        Ptr result) noexcept;
Errno path_filestat_set_times(Call&, Fd<rights::path_filestat_set_times> fd, uint32_t flags, Ptr path,
                              Size size, uint64_t accessed, uint64_t modified, uint32_t what) noexcept;
Errno path_link(Call&, Fd<rights::path_link_source> old_fd, uint32_t old_flags, Ptr old_path, Size old_size,
                Fd<rights::path_link_target> new_fd, Ptr new_path, Size new_size) noexcept;
Errno path_open(Call&, Fd<rights::path_open> fd, uint32_t lookup, Ptr path, Size size, uint32_t how,
                uint64_t base, uint64_t inheriting, uint32_t flags, Ptr result) noexcept;
Errno path_readlink(Call&, Fd<rights::path_readlink> fd, Ptr path, Size size, Ptr buffer, Size buffer_size,
                    Ptr result) noexcept;
Errno path_remove_directory(Call&, Fd<rights::path_remove_directory> fd, Ptr path, Size size) noexcept;
Errno path_rename(Call&, Fd<rights::path_rename_source> old_fd, Ptr old_path, Size old_size,
                  Fd<rights::path_rename_target> new_fd, Ptr new_path, Size new_size) noexcept;
Errno path_symlink(Call&, Ptr target, Size target_size, Fd<rights::path_symlink> fd, Ptr path,
                   Size size) noexcept;
Errno path_unlink_file(Call&, Fd<rights::path_unlink_file> fd, Ptr path, Size size) noexcept;

Errno proc_raise(Call&, uint32_t signal) noexcept;
Errno random_get(Call&, Ptr buffer, Size size) noexcept;
Errno sched_yield(Call&) noexcept;

Errno sock_accept(Call&, Fd<rights::sock_accept> fd, uint32_t flags, Ptr result) noexcept;
Errno sock_recv(Call&, Fd<rights::fd_read> fd, Ptr buffers, Size count, uint32_t flags, Ptr result,
                Ptr result_flags) noexcept;
Errno sock_send(Call&, Fd<rights::fd_write> fd, Ptr buffers, Size count, uint32_t flags, Ptr result) noexcept;
Errno sock_shutdown(Call&, Fd<0> fd, uint32_t how) noexcept;

// ---- Shared by them ----

/// The name of the function with that place in the table; what it is called in messages if there is none.
[[nodiscard]] std::string_view function_name(uint64_t place) noexcept;

/// The size of the structure `filestat`.
constexpr uint64_t filestat_size(const Abi& abi) noexcept { return abi.is_unstable ? 56 : 64; }
/// Writes a `filestat`.
[[nodiscard]] Errno put_filestat(const Call& call, Ptr result, const Filestat& stat) noexcept;
/// Which times are set; none if the flags contradict each other.
[[nodiscard]] std::optional<NewTimes> new_times(uint64_t accessed, uint64_t modified,
                                                uint32_t flags) noexcept;

} // namespace warpbeam::wasi
