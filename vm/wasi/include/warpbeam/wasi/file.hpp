#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/wasi/errno.hpp>
#include <warpbeam/wasi/types.hpp>

#include <cstddef>
#include <expected>
#include <span>
#include <string_view>

/// @file
/// Files and directories as WASI's functions see them. The library has those of the operating system and
/// those in memory (file_systems.hpp); derive from these classes to give a program others.
///
/// An operation that a class does not override fails with an error that says so (`notsup`, `notdir`, ...).
/// They are called in the middle of a program's call: a class must not change the program's Context, or run
/// code of its store. Thread-safety: that of the program that uses the file; one thread at a time unless a
/// class says otherwise. The count of owners is atomic.

namespace warpbeam {
class SnapshotSink;
class SnapshotSource;
} // namespace warpbeam

namespace warpbeam::wasi {

class Directory;

/// The outcome of an operation.
template <typename T = void>
using Result = std::expected<T, Errno>;

/// What a stream is asked to wait for.
enum class Readiness : uint8_t { read, write };

/// Whether a stream is ready, and what is known then.
struct Ready {
    bool now = true;     ///< it is
    bool hangup = false; ///< the other side is gone
    uint64_t bytes = 0;  ///< that can be read at least; 0 if that is not known
};

/// An open file, stream or socket; counted by `Ref`. Make one with `create_file`.
class WARPBEAM_API File {
public:
    File() noexcept = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    virtual ~File();

    /// What it is; does not change.
    [[nodiscard]] virtual FileType type() const noexcept = 0;
    /// Its attributes.
    [[nodiscard]] virtual Result<Filestat> stat() noexcept;
    /// The same object if it is a directory; otherwise null.
    [[nodiscard]] virtual Directory* as_directory() noexcept { return nullptr; }

    // ---- Files with positions ----

    /// Whether it has positions: `read_at` and `write_at` work, and `read` and `write` are not used.
    [[nodiscard]] virtual bool is_seekable() const noexcept { return type() == FileType::regular_file; }
    /// Reads at an offset in bytes; 0 at the end.
    [[nodiscard]] virtual Result<size_t> read_at(std::span<uint8_t> into, uint64_t offset) noexcept;
    /// Writes at an offset; returns how many bytes.
    [[nodiscard]] virtual Result<size_t> write_at(std::span<const uint8_t> bytes, uint64_t offset) noexcept;
    /// Writes at the end, wherever that is now; returns how many bytes.
    [[nodiscard]] virtual Result<size_t> append(std::span<const uint8_t> bytes) noexcept;
    /// Makes it shorter, or longer by zeros.
    [[nodiscard]] virtual Result<> set_size(uint64_t size) noexcept;
    /// Makes room for that range; the file becomes longer if it ends before.
    [[nodiscard]] virtual Result<> allocate(uint64_t offset, uint64_t size) noexcept;
    /// Sets its times.
    [[nodiscard]] virtual Result<> set_times(const NewTimes& times) noexcept;
    /// Waits until the contents are on the medium, and unless `data_only`, the attributes too.
    [[nodiscard]] virtual Result<> sync(bool data_only) noexcept;

    // ---- Streams ----

    /// Reads at least a byte; 0 at the end. Errors: `again` if there is nothing yet.
    [[nodiscard]] virtual Result<size_t> read(std::span<uint8_t> into) noexcept;
    /// Writes; returns how many bytes. Errors: `again` if nothing can be written yet; `pipe` if nobody will
    /// read it.
    [[nodiscard]] virtual Result<size_t> write(std::span<const uint8_t> bytes) noexcept;
    /// Whether `read` or `write` would do something, be it to fail.
    [[nodiscard]] virtual Result<Ready> ready(Readiness which) noexcept;
    /// A descriptor of the operating system (on Windows, of the C library) with which one can wait until it
    /// is ready; -1 if there is none: then it is always ready.
    [[nodiscard]] virtual int native_descriptor() const noexcept { return -1; }

    // ---- Sockets ----

    /// Accepts a connection. Errors: `again` if there is none yet.
    [[nodiscard]] virtual Result<Ref<File>> accept() noexcept;
    /// What `receive` returns.
    struct Received {
        size_t size = 0;        ///< in bytes
        bool truncated = false; ///< the message was longer
    };
    /// As `read`; with `peek`, the bytes stay.
    [[nodiscard]] virtual Result<Received> receive(std::span<uint8_t> into, bool peek) noexcept;
    /// Ends one or both directions.
    [[nodiscard]] virtual Result<> shut_down(bool reading, bool writing) noexcept;

    // ---- Counting ----

    /// Adds an owner.
    void retain() noexcept { owners_.add(); }
    /// Removes an owner; without owners the object is destroyed.
    void release() noexcept {
        if (owners_.drop())
            drop_(this);
    }

private:
    template <typename T, typename... A>
    friend Ref<T> create_file(Allocator& allocator, A&&... args) noexcept;
    RefCount owners_;
    void (*drop_)(File*) noexcept = nullptr;
    Allocator* allocator_ = nullptr;
};

/// Makes a file of the class T from the arguments; null if memory runs out.
template <typename T, typename... A>
[[nodiscard]] Ref<T> create_file(Allocator& allocator, A&&... args) noexcept {
    T* const file = create<T>(allocator, std::forward<A>(args)...);
    if (file == nullptr)
        return nullptr;
    File& base = *file;
    base.allocator_ = &allocator;
    base.drop_ = [](File* object) noexcept { destroy(*object->allocator_, static_cast<T*>(object)); };
    return Ref<T>::adopt(file);
}

/// How `Directory::open` opens.
struct OpenMode {
    bool read = false;      ///< for reading
    bool write = false;     ///< for writing
    bool create = false;    ///< if there is no such file
    bool exclusive = false; ///< it must not be there
    bool truncate = false;  ///< make it empty
    bool directory = false; ///< it must be one
    uint16_t flags = 0;     ///< fdflags
};

/// An entry of a directory.
struct DirectoryEntry {
    Vec<char> name;                    ///< not `.` or `..`
    uint64_t inode = 0;                ///< as in Filestat
    FileType type = FileType::unknown; ///< `unknown` if only `stat_entry` can tell
};

/// A directory. `name` is always that of an entry: not empty, not `.` or `..`, without a slash or NUL. No
/// operation follows a symbolic link, or reaches beyond this directory: paths are resolved by the library.
class WARPBEAM_API Directory : public File {
public:
    [[nodiscard]] FileType type() const noexcept override { return FileType::directory; }
    [[nodiscard]] Directory* as_directory() noexcept override { return this; }

    /// Opens an entry. Errors: `loop` for a symbolic link; `isdir` for a directory that is to be written.
    [[nodiscard]] virtual Result<Ref<File>> open(std::string_view name, const OpenMode& mode) noexcept = 0;
    /// The directory of that name, only in order to go on from there. Errors: `notdir`; `loop` for a symbolic
    /// link.
    [[nodiscard]] virtual Result<Ref<Directory>> enter(std::string_view name) noexcept = 0;
    /// Enters several directories at once, if it can do that without leaving itself: `path` has no leading
    /// or trailing slash. Error: `nosys` if it can't, then `enter` is used.
    [[nodiscard]] virtual Result<Ref<Directory>> descend(std::string_view path) noexcept;
    /// The attributes of an entry, or of the symbolic link itself.
    [[nodiscard]] virtual Result<Filestat> stat_entry(std::string_view name) noexcept = 0;
    /// The target of a symbolic link. Errors: `inval` if it is none.
    [[nodiscard]] virtual Result<Vec<char>> read_link(std::string_view name) noexcept = 0;
    /// Opens this directory itself, in order to list it; unless overridden, it is the same object.
    [[nodiscard]] virtual Result<Ref<File>> reopen() noexcept;
    /// All entries but `.` and `..`, in any order.
    [[nodiscard]] virtual Result<> list(Vec<DirectoryEntry>& entries) noexcept = 0;

    /// Makes a directory.
    [[nodiscard]] virtual Result<> make_directory(std::string_view name) noexcept;
    /// Removes an empty directory.
    [[nodiscard]] virtual Result<> remove_directory(std::string_view name) noexcept;
    /// Removes anything else.
    [[nodiscard]] virtual Result<> unlink(std::string_view name) noexcept;
    /// Makes a symbolic link.
    [[nodiscard]] virtual Result<> symlink(std::string_view target, std::string_view name) noexcept;
    /// Gives an entry another name in a directory of the same class. Errors: `xdev` for other classes.
    [[nodiscard]] virtual Result<> link(std::string_view name, Directory& to,
                                        std::string_view to_name) noexcept;
    /// Moves an entry to a directory of the same class, and replaces what has that name. Errors: `xdev` for
    /// other classes.
    [[nodiscard]] virtual Result<> rename(std::string_view name, Directory& to,
                                          std::string_view to_name) noexcept;
    /// Sets the times of an entry, or of the symbolic link itself.
    [[nodiscard]] virtual Result<> set_entry_times(std::string_view name, const NewTimes& times) noexcept;

    // ---- Saving (saved_files.hpp) ----

    /// Whether what is in it is saved with the program, since it is nowhere else.
    [[nodiscard]] virtual bool is_saved() const noexcept { return false; }
    /// Writes what is in it. Errors: `io` if the sink takes nothing more; `nomem`.
    [[nodiscard]] virtual Result<> save(SnapshotSink& sink) noexcept;
    /// Reads that, in place of what is in it. Errors: `inval` if the bytes are damaged; `nospc`, `nomem`.
    [[nodiscard]] virtual Result<> restore(SnapshotSource& source) noexcept;

    /// Tells classes apart: each returns an address of its own.
    [[nodiscard]] virtual const void* kind() const noexcept = 0;
};

} // namespace warpbeam::wasi
