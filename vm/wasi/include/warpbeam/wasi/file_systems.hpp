#pragma once

#include <warpbeam/wasi/file.hpp>

#include <string_view>

/// @file
/// The files that a program may be given: those of the operating system, and files in memory.

namespace warpbeam::wasi {

/// A directory of the operating system. What is below can be reached through it, and nothing else: symbolic
/// links and `..` never lead out, however the tree changes in the meantime. On Windows the path is in UTF-8,
/// and links are not followed at all. Errors: those of open(2). Thread-safe.
[[nodiscard]] WARPBEAM_API Result<Ref<Directory>>
native_directory(std::string_view path, Allocator& allocator = Allocator::standard()) noexcept;

/// A file, stream or socket of the operating system, whose descriptor is closed with it. On Windows it is a
/// descriptor of the C library, and no socket. Errors: `badf`; `nomem`, the descriptor is closed then, too.
/// Thread-safe.
[[nodiscard]] WARPBEAM_API Result<Ref<File>>
native_file(int descriptor, Allocator& allocator = Allocator::standard()) noexcept;

/// What the files of a file system in memory may use; writing more fails with `nospc`. A file takes its
/// contents' bytes and some 200 more.
struct MemoryQuota {
    uint64_t bytes = uint64_t{256} << 20; ///< of all together
};

/// An empty directory in memory, the root of a file system of its own. Times come from `now`, in nanoseconds
/// since 1970, or are 0 if that is null. Errors: `nomem`.
[[nodiscard]] WARPBEAM_API Result<Ref<Directory>>
memory_directory(const MemoryQuota& quota = {}, uint64_t (*now)() noexcept = nullptr,
                 Allocator& allocator = Allocator::standard()) noexcept;

/// A directory that shows `lower` and keeps every change in memory: `lower` is never written. Errors:
/// `nomem`.
[[nodiscard]] WARPBEAM_API Result<Ref<Directory>>
layered_directory(Ref<Directory> lower, const MemoryQuota& quota = {}, uint64_t (*now)() noexcept = nullptr,
                  Allocator& allocator = Allocator::standard()) noexcept;

} // namespace warpbeam::wasi
