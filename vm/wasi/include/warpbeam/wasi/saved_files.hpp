#pragma once

#include <warpbeam/vm/snapshot.hpp>
#include <warpbeam/wasi/wasi.hpp>

/// @file
/// The file descriptors of a program that is saved, and restored in another process: they stand beside the
/// store's snapshot (warpbeam/vm/snapshot.hpp).
///
/// For each descriptor there is what it may be used for, its flags, its position, and which entries of a
/// directory the program has seen; and of files in memory, what is in them (memory_directory, and the changes
/// of a layered_directory). A file of the operating system is not copied: it is opened again, by the path by
/// which it was opened, below a directory that the new context is given.
/// Thread-safety: that of the context.

namespace warpbeam::wasi {

/// A descriptor that can't be restored as it was.
struct LostFile {
    uint32_t number;       ///< the descriptor
    std::string_view path; ///< from the directory `root`; empty for what has no path
    uint32_t root;         ///< the number of the directory, see Context::roots
    Errno why;             ///< why it can't be opened; `stale` if it is another file, or was changed
    Ref<File> found;       ///< what is there now; may be null
};

/// What `restore_files` does about files that are missing, or were changed after the program was saved.
struct RestoreFiles {
    /// Returns the file to use; null if there is none, which is an error. Without this function, that is an
    /// error, too.
    Ref<File> (*replace)(void* data, const LostFile& lost) noexcept = nullptr;
    void* data = nullptr; ///< for `replace`
};

/// Writes the descriptors. Errors: `usage` for one that was not opened by a path, such as a socket, or whose
/// file was removed or renamed; `limit` if the sink takes nothing more; `out_of_memory`.
[[nodiscard]] WARPBEAM_API std::expected<void, Error> save_files(const Context& context,
                                                                 SnapshotSink& sink) noexcept;

/// Reads the descriptors into a context that was given as many directories as the one that was saved, in the
/// same order: those in memory empty, and over the same ones below. The bytes are not trusted: no descriptor
/// may do more than its directory allows. Errors: `malformed` for damaged bytes; `usage` for directories that
/// are missing, and for a descriptor that can't be restored; `out_of_memory`. After an error, no descriptor
/// is open.
[[nodiscard]] WARPBEAM_API std::expected<void, Error> restore_files(Context& context, SnapshotSource& source,
                                                                    const RestoreFiles& how = {}) noexcept;

} // namespace warpbeam::wasi
