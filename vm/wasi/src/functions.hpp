#pragma once

#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/wasi/wasi.hpp>

/// The WASI preview 1 functions that are implemented. Pointers into the guest's memory are never trusted: if
/// one is out of bounds, the function returns `fault` before it does anything.
/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#modules

namespace warpbeam::wasi {

Errno args_get(Context&, const MemoryView&, uint32_t argv, uint32_t buffer) noexcept;
Errno args_sizes_get(Context&, const MemoryView&, uint32_t count, uint32_t size) noexcept;
Errno environ_get(Context&, const MemoryView&, uint32_t environ, uint32_t buffer) noexcept;
Errno environ_sizes_get(Context&, const MemoryView&, uint32_t count, uint32_t size) noexcept;

Errno clock_res_get(Context&, const MemoryView&, uint32_t clock, uint32_t result) noexcept;
Errno clock_time_get(Context&, const MemoryView&, uint32_t clock, uint64_t precision,
                     uint32_t result) noexcept;
Errno poll_oneoff(Context&, const MemoryView&, uint32_t subscriptions, uint32_t events, uint32_t count,
                  uint32_t result) noexcept;

Errno fd_close(Context&, const MemoryView&, uint32_t fd) noexcept;
Errno fd_fdstat_get(Context&, const MemoryView&, uint32_t fd, uint32_t result) noexcept;
Errno fd_fdstat_set_flags(Context&, const MemoryView&, uint32_t fd, uint32_t flags) noexcept;
Errno fd_prestat_get(Context&, const MemoryView&, uint32_t fd, uint32_t result) noexcept;
Errno fd_prestat_dir_name(Context&, const MemoryView&, uint32_t fd, uint32_t path, uint32_t size) noexcept;
Errno fd_read(Context&, const MemoryView&, uint32_t fd, uint32_t buffers, uint32_t count,
              uint32_t result) noexcept;
Errno fd_seek(Context&, const MemoryView&, uint32_t fd, int64_t offset, uint32_t whence,
              uint32_t result) noexcept;
Errno fd_tell(Context&, const MemoryView&, uint32_t fd, uint32_t result) noexcept;
Errno fd_write(Context&, const MemoryView&, uint32_t fd, uint32_t buffers, uint32_t count,
               uint32_t result) noexcept;

Errno random_get(Context&, const MemoryView&, uint32_t buffer, uint32_t size) noexcept;
Errno sched_yield(Context&, const MemoryView&) noexcept;

/// Defines the others, which return `nosys`.
std::expected<void, Error> define_missing(Linker& linker) noexcept;

/// `success` or `fault`, for functions that end by writing a result.
template <typename T>
Errno write_result(const MemoryView& memory, uint32_t address, T value) noexcept {
    return memory.write(address, value) ? Errno::success : Errno::fault;
}

} // namespace warpbeam::wasi
