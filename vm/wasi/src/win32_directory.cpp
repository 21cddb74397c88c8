#include "win32_handle.hpp"

#ifdef _WIN32

#include <warpbeam/wasi/file_systems.hpp>

#include <winternl.h>

/// Directories of Windows. Every system call gets the handle of a directory and the name of an entry, and
/// opens a reparse point (a symbolic link, a junction) as itself, so nothing outside can be reached, even if
/// the tree changes at the same time. Reparse points are listed, but neither followed nor made.

namespace warpbeam::wasi {

namespace {

constexpr char native_kind = 0;

constexpr ULONG shared_by_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
constexpr ACCESS_MASK for_directory =
    FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
constexpr ACCESS_MASK for_attributes = FILE_READ_ATTRIBUTES | SYNCHRONIZE;

/// The system's error for calls of ntdll. Some of its errors become one and the same in Win32.
Errno to_errno(NTSTATUS status) noexcept {
    constexpr auto delete_pending = static_cast<NTSTATUS>(0xC0000056);
    constexpr auto file_is_a_directory = static_cast<NTSTATUS>(0xC00000BA);
    constexpr auto not_a_directory = static_cast<NTSTATUS>(0xC0000103);
    return status == delete_pending        ? Errno::busy
           : status == file_is_a_directory ? Errno::isdir
           : status == not_a_directory     ? Errno::notdir
                                           : wasi::to_errno(DWORD{RtlNtStatusToDosError(status)});
}
Result<> done(NTSTATUS status) noexcept {
    return status >= 0 ? Result<>{} : std::unexpected{to_errno(status)};
}

/// Whether Windows means something else by this name, or it could lead elsewhere: the stream of a file, a
/// device, or a name that other programs can't use.
bool is_special(std::wstring_view name) noexcept {
    for (const wchar_t c : name)
        if (c < L' ' || std::wstring_view{L"\\/:*?\"<>|"}.contains(c))
            return true;
    if (name.back() == L'.' || name.back() == L' ')
        return true;
    const std::wstring_view stem = name.substr(0, name.find(L'.'));
    const auto is = [&](std::wstring_view device) {
        for (size_t i = 0; i < device.size(); ++i)
            if ((stem[i] & ~0x20) != device[i])
                return false;
        return true;
    };
    return (stem.size() == 3 && (is(L"CON") || is(L"PRN") || is(L"AUX") || is(L"NUL"))) ||
           (stem.size() == 4 && (is(L"COM") || is(L"LPT")) && stem[3] >= L'1' && stem[3] <= L'9');
}

/// A name in UTF-16, without an allocation.
class Name {
public:
    /// The directory itself.
    Name() noexcept = default;
    explicit Name(std::string_view name) noexcept {
        if (name.size() > max_bytes) {
            error_ = Errno::nametoolong;
            return;
        }
        size_ = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name.data(), static_cast<int>(name.size()),
                                    text_, static_cast<int>(std::size(text_)));
        if (size_ == 0)
            error_ = GetLastError() == ERROR_INSUFFICIENT_BUFFER ? Errno::nametoolong : Errno::ilseq;
        else if (is_special(get()))
            error_ = Errno::inval;
    }
    /// `success` if it may be used.
    [[nodiscard]] Errno error() const noexcept { return error_; }
    [[nodiscard]] std::wstring_view get() const noexcept { return {text_, static_cast<size_t>(size_)}; }

private:
    static constexpr size_t max_bytes = 3 * 255; // of as many UTF-16 units as a name may have
    wchar_t text_[255];
    int size_ = 0;
    Errno error_ = Errno::success;
};

/// Opens an entry, never what a reparse point refers to.
Result<Handle> open_entry(HANDLE directory, const Name& name, ACCESS_MASK access, ULONG options,
                          ULONG disposition = FILE_OPEN) noexcept {
    if (name.error() != Errno::success)
        return std::unexpected{name.error()};
    const std::wstring_view text = name.get();
    const auto bytes = static_cast<USHORT>(text.size() * sizeof(wchar_t));
    UNICODE_STRING native{bytes, bytes, const_cast<wchar_t*>(text.data())};
    OBJECT_ATTRIBUTES attributes{};
    InitializeObjectAttributes(&attributes, &native, OBJ_CASE_INSENSITIVE, directory, nullptr);
    IO_STATUS_BLOCK block{};
    HANDLE opened = INVALID_HANDLE_VALUE;
    const NTSTATUS status = NtCreateFile(
        &opened, access, &attributes, &block, nullptr, FILE_ATTRIBUTE_NORMAL, shared_by_all, disposition,
        FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_REPARSE_POINT | options, nullptr, 0);
    if (status < 0)
        return std::unexpected{to_errno(status)};
    return Handle{opened};
}

/// Where an entry goes: the argument of a rename or of a new link, also of the extended forms of these.
struct Destination {
    ULONG flags;
    HANDLE directory;
    ULONG bytes;
    wchar_t name[255];
};
constexpr ULONG replaces = 1;
constexpr ULONG as_posix = 2; ///< what was open under the name stays open, and the name is free at once

/// Classes of NtSetInformationFile; those that the headers lack are Windows 10's.
constexpr int rename_class = 10;
constexpr int link_class = 11;
constexpr int delete_class = 13;
constexpr int extended_delete_class = 64;
constexpr int extended_rename_class = 65;

template <typename T>
NTSTATUS set_information(HANDLE handle, T& value, int what) noexcept {
    IO_STATUS_BLOCK block{};
    return NtSetInformationFile(handle, &block, &value, sizeof value,
                                static_cast<FILE_INFORMATION_CLASS>(what));
}

Result<> move_to(HANDLE entry, HANDLE directory, const Name& name, ULONG flags, int what) noexcept {
    if (name.error() != Errno::success)
        return std::unexpected{name.error()};
    Destination destination{flags, directory, static_cast<ULONG>(name.get().size() * sizeof(wchar_t)), {}};
    name.get().copy(destination.name, std::size(destination.name));
    return done(set_information(entry, destination, what));
}

/// Removes an entry that was opened for that.
Result<> remove_entry(HANDLE entry) noexcept {
    ULONG flags = replaces | as_posix; // here the first one means: delete
    if (set_information(entry, flags, extended_delete_class) >= 0)
        return {};
    // An older system, or a file system without that; or it fails for another reason, and fails again.
    BOOLEAN deletes = 1;
    return done(set_information(entry, deletes, delete_class));
}

class NativeDirectory final : public Directory {
public:
    NativeDirectory(Handle handle, Allocator& allocator) noexcept
        : handle_{std::move(handle)}, allocator_{allocator} {}

    const void* kind() const noexcept override { return &native_kind; }

    Result<Filestat> stat() noexcept override { return stat_of(handle_.get()); }
    Result<> set_times(const NewTimes& times) noexcept override { return set_times_by(Name{}, times); }
    Result<> sync(bool) noexcept override { return sync_of(handle_.get()); }

    Result<Ref<File>> open(std::string_view name, const OpenMode& mode) noexcept override {
        ACCESS_MASK access = for_attributes;
        access |= mode.read ? FILE_GENERIC_READ : 0;
        access |= mode.write ? FILE_GENERIC_WRITE : 0;
        access |= mode.truncate ? FILE_WRITE_DATA : 0;
        ULONG options = mode.directory ? FILE_DIRECTORY_FILE : 0;
        options |=
            (mode.flags & (fdflags::dsync | fdflags::sync | fdflags::rsync)) != 0 ? FILE_WRITE_THROUGH : 0;
        const ULONG disposition = !mode.create ? FILE_OPEN : mode.exclusive ? FILE_CREATE : FILE_OPEN_IF;
        auto opened = open_entry(handle_.get(), Name{name}, access, options, disposition);
        if (!opened)
            return std::unexpected{opened.error()};
        const auto status = stat_of(opened->get());
        if (!status)
            return std::unexpected{status.error()};
        if (status->type == FileType::symbolic_link)
            return std::unexpected{Errno::loop};
        if (status->type == FileType::directory) {
            if (mode.write || mode.truncate || (mode.create && !mode.directory))
                return std::unexpected{Errno::isdir};
            return enter_itself(name);
        }
        auto file = adopt_handle(std::move(*opened), allocator_);
        // Only now, since a reparse point must not be made empty.
        if (file && mode.truncate)
            if (const auto truncated = (*file)->set_size(0); !truncated)
                return std::unexpected{truncated.error()};
        return file;
    }

    Result<Ref<File>> reopen() noexcept override { return as_file(enter_by(Name{})); }
    Result<Ref<Directory>> enter(std::string_view name) noexcept override { return enter_by(Name{name}); }

    Result<Filestat> stat_entry(std::string_view name) noexcept override {
        const auto opened = open_entry(handle_.get(), Name{name}, for_attributes, 0);
        return opened ? stat_of(opened->get()) : std::unexpected{opened.error()};
    }

    Result<Vec<char>> read_link(std::string_view name) noexcept override {
        const auto status = stat_entry(name);
        if (!status)
            return std::unexpected{status.error()};
        // What it says is for Windows, with drives and backslashes.
        return std::unexpected{status->type == FileType::symbolic_link ? Errno::notsup : Errno::inval};
    }

    Result<> list(Vec<DirectoryEntry>& entries) noexcept override {
        // A handle of its own, since its position is shared.
        const auto opened = open_entry(handle_.get(), Name{}, for_directory, FILE_DIRECTORY_FILE);
        if (!opened)
            return std::unexpected{opened.error()};
        alignas(FILE_ID_BOTH_DIR_INFO) uint8_t buffer[16 << 10];
        while (GetFileInformationByHandleEx(opened->get(), FileIdBothDirectoryInfo, buffer, sizeof buffer) !=
               0) {
            const uint8_t* at = buffer;
            for (;;) {
                const auto& info = *reinterpret_cast<const FILE_ID_BOTH_DIR_INFO*>(at);
                if (const auto added = add_entry(info, entries); !added)
                    return added;
                if (info.NextEntryOffset == 0)
                    break;
                at += info.NextEntryOffset;
            }
        }
        return GetLastError() == ERROR_NO_MORE_FILES ? Result<>{} : last_error();
    }

    Result<> make_directory(std::string_view name) noexcept override {
        const auto made =
            open_entry(handle_.get(), Name{name}, for_attributes, FILE_DIRECTORY_FILE, FILE_CREATE);
        return made ? Result<>{} : std::unexpected{made.error()};
    }
    Result<> remove_directory(std::string_view name) noexcept override {
        return remove(name, FILE_DIRECTORY_FILE);
    }
    Result<> unlink(std::string_view name) noexcept override { return remove(name, FILE_NON_DIRECTORY_FILE); }

    Result<> link(std::string_view name, Directory& to, std::string_view to_name) noexcept override {
        if (to.kind() != kind())
            return std::unexpected{Errno::xdev};
        const auto opened = open_entry(handle_.get(), Name{name}, FILE_WRITE_ATTRIBUTES | SYNCHRONIZE,
                                       FILE_NON_DIRECTORY_FILE);
        if (!opened)
            return std::unexpected{opened.error() == Errno::isdir ? Errno::perm : opened.error()};
        return move_to(opened->get(), static_cast<NativeDirectory&>(to).handle_.get(), Name{to_name}, 0,
                       link_class);
    }

    Result<> rename(std::string_view name, Directory& to, std::string_view to_name) noexcept override {
        if (to.kind() != kind())
            return std::unexpected{Errno::xdev};
        auto& target = static_cast<NativeDirectory&>(to);
        const auto opened = open_entry(handle_.get(), Name{name}, DELETE | for_attributes, 0);
        if (!opened)
            return std::unexpected{opened.error()};
        const auto removed = target.make_room(to_name, opened->get());
        if (!removed)
            return removed.error() == Errno::success ? Result<>{} : std::unexpected{removed.error()};
        const HANDLE into = target.handle_.get();
        const Name new_name{to_name};
        if (move_to(opened->get(), into, new_name, replaces | as_posix, extended_rename_class))
            return {};
        const auto moved =
            move_to(opened->get(), into, new_name, replaces, rename_class); // as in remove_entry
        if (!moved && *removed)
            (void)target.make_directory(to_name);
        return moved;
    }

    Result<> set_entry_times(std::string_view name, const NewTimes& times) noexcept override {
        return set_times_by(Name{name}, times);
    }

private:
    static Result<Ref<File>> as_file(const Result<Ref<Directory>>& directory) noexcept {
        if (!directory)
            return std::unexpected{directory.error()};
        return Ref<File>::share(directory->get());
    }
    /// Opens an entry that was a directory, with the access that this class needs.
    Result<Ref<File>> enter_itself(std::string_view name) noexcept { return as_file(enter_by(Name{name})); }

    Result<Ref<Directory>> enter_by(const Name& name) noexcept {
        auto opened = open_entry(handle_.get(), name, for_directory, FILE_DIRECTORY_FILE);
        if (!opened)
            return std::unexpected{opened.error()};
        const auto status = stat_of(opened->get());
        if (!status)
            return std::unexpected{status.error()};
        if (status->type != FileType::directory)
            return std::unexpected{Errno::loop};
        return adopt_directory(std::move(*opened), allocator_);
    }

    Result<> set_times_by(const Name& name, const NewTimes& times) noexcept {
        const auto opened = open_entry(handle_.get(), name, FILE_WRITE_ATTRIBUTES | SYNCHRONIZE, 0);
        return opened ? set_times_of(opened->get(), times) : std::unexpected{opened.error()};
    }

    Result<> remove(std::string_view name, ULONG options) noexcept {
        const auto opened = open_entry(handle_.get(), Name{name}, DELETE | SYNCHRONIZE, options);
        return opened ? remove_entry(opened->get()) : std::unexpected{opened.error()};
    }

    /// Sees to it that an entry may get this name, as it may elsewhere: an empty directory is replaced by a
    /// directory. Whether one was removed; the error is `success` if the name is the entry's already.
    Result<bool> make_room(std::string_view name, HANDLE entry) noexcept {
        const auto moved = stat_of(entry);
        const auto there = stat_entry(name);
        if (!moved || (!there && there.error() != Errno::noent))
            return std::unexpected{moved ? there.error() : moved.error()};
        if (!there)
            return false;
        const bool is_directory = moved->type == FileType::directory;
        if (there->inode == moved->inode && there->device == moved->device)
            // Two names of one file stay. A directory has one, which may get other capitals.
            return is_directory || moved->links < 2 ? Result<bool>{false} : std::unexpected{Errno::success};
        if (is_directory != (there->type == FileType::directory))
            return std::unexpected{is_directory ? Errno::notdir : Errno::isdir};
        if (!is_directory)
            return false;
        const auto removed = remove_directory(name);
        return removed ? Result<bool>{true} : std::unexpected{removed.error()};
    }

    Result<> add_entry(const FILE_ID_BOTH_DIR_INFO& info, Vec<DirectoryEntry>& entries) noexcept {
        char name[3 * 255];
        const int size = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, info.FileName,
                                             static_cast<int>(info.FileNameLength / sizeof(wchar_t)), name,
                                             sizeof name, nullptr, nullptr);
        const std::string_view text{name, static_cast<size_t>(size)};
        // One that is not Unicode can't be opened either.
        if (text.empty() || text == "." || text == "..")
            return {};
        const FileType type =
            (info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 ? FileType::symbolic_link
            : (info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0   ? FileType::directory
                                                                      : FileType::regular_file;
        DirectoryEntry* const added = entries.emplace(
            DirectoryEntry{Vec<char>{allocator_}, static_cast<uint64_t>(info.FileId.QuadPart), type});
        if (added == nullptr || !added->name.append({text.data(), text.size()}))
            return std::unexpected{Errno::nomem};
        return {};
    }

    Handle handle_;
    Allocator& allocator_;
};

} // namespace

Result<Ref<Directory>> adopt_directory(Handle handle, Allocator& allocator) noexcept {
    const auto directory = create_file<NativeDirectory>(allocator, std::move(handle), allocator);
    if (!directory)
        return std::unexpected{Errno::nomem};
    return Ref<Directory>::share(directory.get());
}

Result<Ref<Directory>> native_directory(std::string_view path, Allocator& allocator) noexcept {
    wchar_t text[4096];
    if (path.empty())
        return std::unexpected{Errno::noent};
    if (path.size() >= std::size(text) || path.find('\0') != std::string_view::npos)
        return std::unexpected{Errno::nametoolong};
    const int size =
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path.data(), static_cast<int>(path.size()), text,
                            static_cast<int>(std::size(text) - 1));
    if (size == 0)
        return std::unexpected{Errno::ilseq};
    text[size] = L'\0';
    Handle opened{CreateFileW(text, for_directory, shared_by_all, nullptr, OPEN_EXISTING,
                              FILE_FLAG_BACKUP_SEMANTICS, nullptr)};
    if (opened.get() == INVALID_HANDLE_VALUE)
        return last_error();
    const auto status = stat_of(opened.get());
    if (!status)
        return std::unexpected{status.error()};
    if (status->type != FileType::directory)
        return std::unexpected{Errno::notdir};
    return adopt_directory(std::move(opened), allocator);
}

Result<Ref<File>> native_file(int descriptor, Allocator& allocator) noexcept {
    const HANDLE handle = handle_of(descriptor);
    if (handle == INVALID_HANDLE_VALUE)
        return std::unexpected{Errno::badf};
    return adopt_handle(Handle{handle, descriptor}, allocator);
}

} // namespace warpbeam::wasi

#endif
