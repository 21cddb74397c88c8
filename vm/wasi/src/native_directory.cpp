#include "native_calls.hpp"
#include "native_file.hpp"

#ifndef _WIN32

#include <warpbeam/wasi/file_systems.hpp>

#include <climits>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

/// Directories of the operating system. Every system call gets a descriptor and the name of an entry, and
/// follows no link, so nothing outside can be reached, whoever changes the tree at the same time.

namespace warpbeam::wasi {

namespace {

constexpr char native_kind = 0;

/// A name as C wants it, without an allocation.
class Name {
public:
    explicit Name(std::string_view name) noexcept {
        fits_ = name.size() < sizeof text_ && name.find('\0') == std::string_view::npos;
        text_[fits_ ? name.copy(text_, sizeof text_ - 1) : 0] = '\0';
    }
    [[nodiscard]] bool fits() const noexcept { return fits_; }
    [[nodiscard]] const char* get() const noexcept { return text_; }

private:
    char text_[NAME_MAX + 1];
    bool fits_;
};

constexpr std::unexpected<Errno> too_long{Errno::nametoolong};

int native_flags(const OpenMode& mode) noexcept {
    int flags = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK; // opening a pipe must not wait
    flags |= mode.read && mode.write ? O_RDWR : mode.write ? O_WRONLY : O_RDONLY;
    flags |= mode.create ? O_CREAT : 0;
    flags |= mode.exclusive ? O_EXCL : 0;
    flags |= mode.truncate ? O_TRUNC : 0;
    flags |= mode.directory ? O_DIRECTORY : 0;
    flags |= (mode.flags & fdflags::dsync) != 0 ? O_DSYNC : 0;
    flags |= (mode.flags & (fdflags::sync | fdflags::rsync)) != 0 ? O_SYNC : 0;
    return flags;
}

class NativeDirectory final : public Directory {
public:
    NativeDirectory(NativeDescriptor descriptor, Allocator& allocator) noexcept
        : descriptor_{std::move(descriptor)}, allocator_{allocator} {}

    static Result<Ref<Directory>> make(NativeDescriptor descriptor, Allocator& allocator) noexcept {
        const Ref<NativeDirectory> directory =
            create_file<NativeDirectory>(allocator, std::move(descriptor), allocator);
        if (!directory)
            return std::unexpected{Errno::nomem};
        return Ref<Directory>::share(directory.get());
    }

    const void* kind() const noexcept override { return &native_kind; }
    int native_descriptor() const noexcept override { return descriptor_.get(); }

    Result<Filestat> stat() noexcept override {
        struct stat status{};
        if (::fstat(descriptor_.get(), &status) != 0)
            return last_error();
        return to_filestat(status);
    }
    Result<> set_times(const NewTimes& times) noexcept override {
        const NativeTimes native{times};
        return done([&] { return ::utimensat(descriptor_.get(), ".", native.values, 0); });
    }
    Result<> sync(bool data_only) noexcept override {
        return done([&] { return data_only ? sync_data(descriptor_.get()) : ::fsync(descriptor_.get()); });
    }

    Result<Ref<File>> open(std::string_view name, const OpenMode& mode) noexcept override {
        const Name entry{name};
        if (!entry.fits())
            return too_long;
        NativeDescriptor opened{
            retried([&] { return ::openat(descriptor_.get(), entry.get(), native_flags(mode), 0666); })};
        if (opened.get() < 0)
            return refused(entry, mode);
        struct stat status{};
        if (::fstat(opened.get(), &status) != 0)
            return last_error();
        if (!S_ISDIR(status.st_mode))
            return adopt_descriptor(std::move(opened), status, allocator_);
        const auto directory = make(std::move(opened), allocator_);
        if (!directory)
            return std::unexpected{directory.error()};
        return Ref<File>::share(directory->get());
    }

    Result<Ref<File>> reopen() noexcept override { return open(".", {.read = true, .directory = true}); }

    Result<Ref<Directory>> enter(std::string_view name) noexcept override {
        const Name entry{name};
        if (!entry.fits())
            return too_long;
        NativeDescriptor opened{retried([&] {
            return ::openat(descriptor_.get(), entry.get(),
                            search_only | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        })};
        if (opened.get() < 0)
            return refused(entry, {.directory = true});
        return make(std::move(opened), allocator_);
    }

#ifdef __linux__
    Result<Ref<Directory>> descend(std::string_view path) noexcept override {
        char text[PATH_MAX];
        if (path.size() >= sizeof text)
            return std::unexpected{Errno::nosys};
        text[path.copy(text, sizeof text - 1)] = '\0';
        open_how how{};
        how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
        NativeDescriptor opened{static_cast<int>(
            retried([&] { return ::syscall(SYS_openat2, descriptor_.get(), text, &how, sizeof how); }))};
        if (opened.get() >= 0)
            return make(std::move(opened), allocator_);
        // The walk finds the errors again, in its own words; and works where this call is missing or
        // forbidden, or the tree changes all the time.
        return std::unexpected{Errno::nosys};
    }
#endif

    Result<Filestat> stat_entry(std::string_view name) noexcept override {
        const Name entry{name};
        if (!entry.fits())
            return too_long;
        struct stat status{};
        if (::fstatat(descriptor_.get(), entry.get(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            return last_error();
        return to_filestat(status);
    }

    Result<Vec<char>> read_link(std::string_view name) noexcept override {
        const Name entry{name};
        if (!entry.fits())
            return too_long;
        char target[PATH_MAX];
        const ssize_t size = ::readlinkat(descriptor_.get(), entry.get(), target, sizeof target);
        if (size < 0)
            return last_error();
        Vec<char> result{allocator_};
        if (!result.append({target, static_cast<size_t>(size)}))
            return std::unexpected{Errno::nomem};
        return result;
    }

    Result<> list(Vec<DirectoryEntry>& entries) noexcept override {
        // A descriptor of its own: this one may be without the right to read, and its position is shared.
        NativeDescriptor opened{
            retried([&] { return ::openat(descriptor_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); })};
        if (opened.get() < 0)
            return last_error();
        DIR* const stream = ::fdopendir(opened.get());
        if (stream == nullptr)
            return last_error();
        (void)opened.release();
        const Result<> result = read_all(stream, entries);
        (void)::closedir(stream);
        return result;
    }

    Result<> make_directory(std::string_view name) noexcept override {
        return at(name, [](int directory, const char* entry) { return ::mkdirat(directory, entry, 0777); });
    }
    Result<> remove_directory(std::string_view name) noexcept override {
        return at(name, [](int directory, const char* entry) {
            return ::unlinkat(directory, entry, AT_REMOVEDIR);
        });
    }
    Result<> unlink(std::string_view name) noexcept override {
        return at(name, [](int directory, const char* entry) { return ::unlinkat(directory, entry, 0); });
    }
    Result<> symlink(std::string_view target, std::string_view name) noexcept override {
        char text[PATH_MAX];
        if (target.size() >= sizeof text)
            return too_long;
        text[target.copy(text, sizeof text - 1)] = '\0';
        return at(name,
                  [&](int directory, const char* entry) { return ::symlinkat(text, directory, entry); });
    }
    Result<> link(std::string_view name, Directory& to, std::string_view to_name) noexcept override {
        return between(name, to, to_name, [](int from, const char* entry, int into, const char* other) {
            return ::linkat(from, entry, into, other, 0);
        });
    }
    Result<> rename(std::string_view name, Directory& to, std::string_view to_name) noexcept override {
        return between(name, to, to_name, [](int from, const char* entry, int into, const char* other) {
            return ::renameat(from, entry, into, other);
        });
    }
    Result<> set_entry_times(std::string_view name, const NewTimes& times) noexcept override {
        const NativeTimes native{times};
        return at(name, [&](int directory, const char* entry) {
            return ::utimensat(directory, entry, native.values, AT_SYMLINK_NOFOLLOW);
        });
    }

private:
    template <typename Call>
    Result<> at(std::string_view name, Call call) noexcept {
        const Name entry{name};
        if (!entry.fits())
            return too_long;
        return done([&] { return call(descriptor_.get(), entry.get()); });
    }
    template <typename Call>
    Result<> between(std::string_view name, Directory& to, std::string_view to_name, Call call) noexcept {
        if (to.kind() != kind())
            return std::unexpected{Errno::xdev};
        const Name entry{name};
        const Name other{to_name};
        if (!entry.fits() || !other.fits())
            return too_long;
        const int into = static_cast<NativeDirectory&>(to).descriptor_.get();
        return done([&] { return call(descriptor_.get(), entry.get(), into, other.get()); });
    }

    /// Why an entry could not be opened: for a symbolic link, the system's error depends on the flags.
    std::unexpected<Errno> refused(const Name& entry, const OpenMode& mode) const noexcept {
        const int error = errno;
        if (error == ENOTDIR && mode.directory) {
            struct stat status{};
            if (::fstatat(descriptor_.get(), entry.get(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISLNK(status.st_mode))
                return std::unexpected{Errno::loop};
        }
        return std::unexpected{to_errno(error)};
    }

    Result<> read_all(DIR* stream, Vec<DirectoryEntry>& entries) noexcept {
        for (;;) {
            errno = 0;
            const dirent* const entry = ::readdir(stream);
            if (entry == nullptr) {
                if (errno != 0)
                    return last_error();
                return {};
            }
            const std::string_view name{entry->d_name};
            if (name == "." || name == "..")
                continue;
            DirectoryEntry* const added = entries.emplace(DirectoryEntry{
                Vec<char>{allocator_}, entry->d_ino, file_type(static_cast<mode_t>(DTTOIF(entry->d_type)))});
            if (added == nullptr || !added->name.append({name.data(), name.size()}))
                return std::unexpected{Errno::nomem};
        }
    }

    NativeDescriptor descriptor_;
    Allocator& allocator_;
};

} // namespace

Result<Ref<Directory>> native_directory(std::string_view path, Allocator& allocator) noexcept {
    char text[PATH_MAX];
    if (path.size() >= sizeof text || path.find('\0') != std::string_view::npos)
        return too_long;
    text[path.copy(text, sizeof text - 1)] = '\0';
    NativeDescriptor opened{retried([&] { return ::open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC); })};
    if (opened.get() < 0)
        return last_error();
    return NativeDirectory::make(std::move(opened), allocator);
}

Result<Ref<File>> native_file(int descriptor, Allocator& allocator) noexcept {
    struct stat status{};
    if (::fstat(descriptor, &status) != 0)
        return last_error();
    NativeDescriptor owned{descriptor};
    if (S_ISDIR(status.st_mode)) {
        const auto directory = NativeDirectory::make(std::move(owned), allocator);
        if (!directory)
            return std::unexpected{directory.error()};
        return Ref<File>::share(directory->get());
    }
    return adopt_descriptor(std::move(owned), status, allocator);
}

} // namespace warpbeam::wasi

#endif
