#include "win32_handle.hpp"

#ifdef _WIN32

#include <algorithm>
#include <cstdlib>
#include <io.h>

#ifdef _UCRT // not all headers have it
extern "C" _invalid_parameter_handler
_set_thread_local_invalid_parameter_handler(_invalid_parameter_handler handler);
#endif

namespace warpbeam::wasi {

namespace {

/// The beginning of 1970, in units of 100 nanoseconds since 1601.
constexpr uint64_t year_1970 = 116'444'736'000'000'000;
constexpr uint64_t unit = 100;

/// What one call takes at most.
DWORD limited(size_t size) noexcept { return static_cast<DWORD>(std::min<size_t>(size, 1 << 30)); }

/// What SetFileInformationByHandle takes: 0 leaves a time as it is.
int64_t new_time(NewTimes::Change change, uint64_t time) noexcept {
    FILETIME now{};
    switch (change) {
    case NewTimes::Change::keep:
        return 0;
    case NewTimes::Change::now:
        GetSystemTimePreciseAsFileTime(&now);
        return static_cast<int64_t>(to_number(now));
    case NewTimes::Change::set:
        break;
    }
    return static_cast<int64_t>(time / unit + year_1970);
}

} // namespace

Handle::~Handle() {
    if (descriptor_ >= 0)
        (void)_close(descriptor_);
    else if (handle_ != INVALID_HANDLE_VALUE)
        (void)CloseHandle(handle_);
}

Errno to_errno(DWORD error) noexcept {
    struct Row {
        DWORD native;
        Errno errno_;
    };
    static constexpr Row rows[] = {
        {ERROR_ACCESS_DENIED, Errno::acces},
        {ERROR_ALREADY_EXISTS, Errno::exist},
        {ERROR_BROKEN_PIPE, Errno::pipe},
        {ERROR_BUFFER_OVERFLOW, Errno::nametoolong},
        {ERROR_CANT_RESOLVE_FILENAME, Errno::loop},
        {ERROR_COMMITMENT_LIMIT, Errno::nomem},
        {ERROR_DIRECTORY, Errno::notdir},
        {ERROR_DIR_NOT_EMPTY, Errno::notempty},
        {ERROR_DISK_FULL, Errno::nospc},
        {1295, Errno::dquot}, // ERROR_DISK_QUOTA_EXCEEDED
        {ERROR_FILE_EXISTS, Errno::exist},
        {ERROR_FILE_NOT_FOUND, Errno::noent},
        {ERROR_FILE_TOO_LARGE, Errno::fbig},
        {ERROR_FILENAME_EXCED_RANGE, Errno::nametoolong},
        {ERROR_HANDLE_DISK_FULL, Errno::nospc},
        {ERROR_INVALID_FUNCTION, Errno::notsup},
        {ERROR_INVALID_HANDLE, Errno::badf},
        {ERROR_INVALID_NAME, Errno::inval},
        {ERROR_INVALID_PARAMETER, Errno::inval},
        {ERROR_LOCK_VIOLATION, Errno::busy},
        {ERROR_NEGATIVE_SEEK, Errno::inval},
        {ERROR_NOT_ENOUGH_MEMORY, Errno::nomem},
        {ERROR_NOT_SAME_DEVICE, Errno::xdev},
        {ERROR_NOT_SUPPORTED, Errno::notsup},
        {ERROR_NO_DATA, Errno::pipe},
        {ERROR_NO_SYSTEM_RESOURCES, Errno::nomem},
        {ERROR_OUTOFMEMORY, Errno::nomem},
        {ERROR_PATH_NOT_FOUND, Errno::noent},
        {ERROR_PRIVILEGE_NOT_HELD, Errno::perm},
        {ERROR_SHARING_VIOLATION, Errno::busy},
        {ERROR_TOO_MANY_LINKS, Errno::mlink},
        {ERROR_TOO_MANY_OPEN_FILES, Errno::mfile},
        {ERROR_USER_MAPPED_FILE, Errno::txtbsy},
        {ERROR_WRITE_PROTECT, Errno::rofs},
    };
    for (const Row& row : rows)
        if (row.native == error)
            return row.errno_;
    return Errno::io;
}

uint64_t from_filetime(uint64_t time) noexcept { return time > year_1970 ? (time - year_1970) * unit : 0; }

HANDLE handle_of(int descriptor) noexcept {
#ifdef _UCRT
    // This runtime would end the process if the descriptor isn't open.
    const auto before = _set_thread_local_invalid_parameter_handler(
        [](const wchar_t*, const wchar_t*, const wchar_t*, unsigned, uintptr_t) {});
#endif
    const intptr_t handle = descriptor >= 0 ? _get_osfhandle(descriptor) : -1;
#ifdef _UCRT
    (void)_set_thread_local_invalid_parameter_handler(before);
#endif
    // -2: one of the first three, in a process without streams
    return handle != -2 ? reinterpret_cast<HANDLE>(handle) : INVALID_HANDLE_VALUE; // NOLINT
}

Result<Filestat> stat_of(HANDLE handle) noexcept {
    SetLastError(NO_ERROR);
    switch (GetFileType(handle)) {
    case FILE_TYPE_CHAR:
        return Filestat{.type = FileType::character_device};
    case FILE_TYPE_PIPE:
        return Filestat{}; // WASI has no type for it
    case FILE_TYPE_UNKNOWN:
        if (GetLastError() != NO_ERROR)
            return last_error();
        break;
    default:
        break;
    }
    BY_HANDLE_FILE_INFORMATION info{};
    FILE_BASIC_INFO basic{};
    if (GetFileInformationByHandle(handle, &info) == 0 ||
        GetFileInformationByHandleEx(handle, FileBasicInfo, &basic, sizeof basic) == 0)
        return last_error();
    const FileType type = (info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0
                              ? FileType::symbolic_link
                          : (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? FileType::directory
                                                                                    : FileType::regular_file;
    return Filestat{.device = info.dwVolumeSerialNumber,
                    .inode = uint64_t{info.nFileIndexHigh} << 32 | info.nFileIndexLow,
                    .type = type,
                    .links = info.nNumberOfLinks,
                    .size = uint64_t{info.nFileSizeHigh} << 32 | info.nFileSizeLow,
                    .accessed = from_filetime(static_cast<uint64_t>(basic.LastAccessTime.QuadPart)),
                    .modified = from_filetime(static_cast<uint64_t>(basic.LastWriteTime.QuadPart)),
                    .changed = from_filetime(static_cast<uint64_t>(basic.ChangeTime.QuadPart))};
}

Result<> set_times_of(HANDLE handle, const NewTimes& times) noexcept {
    FILE_BASIC_INFO info{};
    info.LastAccessTime.QuadPart = new_time(times.access, times.accessed);
    info.LastWriteTime.QuadPart = new_time(times.modification, times.modified);
    return done(SetFileInformationByHandle(handle, FileBasicInfo, &info, sizeof info));
}

Result<> sync_of(HANDLE handle) noexcept {
    const auto synced = done(FlushFileBuffers(handle));
    const bool has_nothing =
        !synced && (synced.error() == Errno::acces || GetFileType(handle) != FILE_TYPE_DISK);
    return has_nothing ? Result<>{} : synced;
}

Result<size_t> read_from(HANDLE handle, std::span<uint8_t> into) noexcept {
    DWORD count = 0;
    if (ReadFile(handle, into.data(), limited(into.size()), &count, nullptr) != 0)
        return count;
    if (const DWORD error = GetLastError(); error != ERROR_BROKEN_PIPE && error != ERROR_HANDLE_EOF)
        return std::unexpected{to_errno(error)};
    return 0;
}

Result<size_t> write_to(HANDLE handle, std::span<const uint8_t> bytes) noexcept {
    DWORD count = 0;
    if (WriteFile(handle, bytes.data(), limited(bytes.size()), &count, nullptr) == 0)
        return last_error();
    return count;
}

Result<Ready> ready_of(HANDLE handle, Readiness which) noexcept {
    const auto status = stat_of(handle);
    if (!status)
        return std::unexpected{status.error()};
    DWORD number = 0;
    if (which == Readiness::write)
        return Ready{};
    if (GetFileType(handle) == FILE_TYPE_PIPE) {
        if (PeekNamedPipe(handle, nullptr, 0, nullptr, &number, nullptr) != 0)
            return Ready{number != 0, false, number};
        return GetLastError() == ERROR_BROKEN_PIPE ? Result<Ready>{Ready{.hangup = true}} : last_error();
    }
    // A console is ready when a key was pressed or let go; a read may then wait for the end of the line.
    if (GetConsoleMode(handle, &number) != 0)
        return Ready{.now = WaitForSingleObject(handle, 0) == WAIT_OBJECT_0};
    return Ready{};
}

namespace {

/// The position of an access to a file.
OVERLAPPED position(uint64_t offset) noexcept {
    OVERLAPPED result{};
    result.Offset = static_cast<DWORD>(offset);
    result.OffsetHigh = static_cast<DWORD>(offset >> 32);
    return result;
}
/// The one that stands for the end, wherever that is.
constexpr uint64_t end_of_file = UINT64_MAX;

/// Anything but a directory.
class NativeFile final : public File {
public:
    NativeFile(Handle handle, FileType type) noexcept : handle_{std::move(handle)}, type_{type} {}

    FileType type() const noexcept override { return type_; }
    Result<Filestat> stat() noexcept override { return stat_of(handle_.get()); }
    Result<size_t> read_at(std::span<uint8_t> into, uint64_t offset) noexcept override {
        if (offset > INT64_MAX)
            return std::unexpected{Errno::inval};
        DWORD count = 0;
        OVERLAPPED at = position(offset);
        if (ReadFile(handle_.get(), into.data(), limited(into.size()), &count, &at) != 0)
            return count;
        return GetLastError() == ERROR_HANDLE_EOF ? Result<size_t>{0} : last_error();
    }
    Result<size_t> write_at(std::span<const uint8_t> bytes, uint64_t offset) noexcept override {
        return offset > INT64_MAX ? std::unexpected{Errno::inval} : write_bytes(bytes, offset);
    }
    Result<size_t> append(std::span<const uint8_t> bytes) noexcept override {
        return write_bytes(bytes, end_of_file);
    }
    Result<> set_size(uint64_t size) noexcept override {
        if (size > INT64_MAX)
            return std::unexpected{Errno::fbig};
        FILE_END_OF_FILE_INFO info{};
        info.EndOfFile.QuadPart = static_cast<int64_t>(size);
        return done(SetFileInformationByHandle(handle_.get(), FileEndOfFileInfo, &info, sizeof info));
    }
    Result<> allocate(uint64_t offset, uint64_t size) noexcept override {
        if (offset > INT64_MAX || size > INT64_MAX - offset)
            return std::unexpected{Errno::fbig};
        const auto status = stat();
        if (!status)
            return std::unexpected{status.error()};
        return status->size < offset + size ? set_size(offset + size) : Result<>{};
    }
    Result<> set_times(const NewTimes& times) noexcept override {
        // A file that was opened for reading may not write attributes.
        const Handle again{ReOpenFile(handle_.get(), FILE_WRITE_ATTRIBUTES,
                                      FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, 0)};
        return again.get() != INVALID_HANDLE_VALUE ? set_times_of(again.get(), times) : last_error();
    }
    Result<> sync(bool) noexcept override { return sync_of(handle_.get()); }
    Result<size_t> read(std::span<uint8_t> into) noexcept override { return read_from(handle_.get(), into); }
    Result<size_t> write(std::span<const uint8_t> bytes) noexcept override {
        return write_to(handle_.get(), bytes);
    }
    Result<Ready> ready(Readiness which) noexcept override { return ready_of(handle_.get(), which); }
    int native_descriptor() const noexcept override { return handle_.descriptor(); }

private:
    Result<size_t> write_bytes(std::span<const uint8_t> bytes, uint64_t offset) noexcept {
        DWORD count = 0;
        OVERLAPPED at = position(offset);
        if (WriteFile(handle_.get(), bytes.data(), limited(bytes.size()), &count, &at) == 0)
            return last_error();
        return count;
    }

    Handle handle_;
    FileType type_;
};

} // namespace

Result<Ref<File>> adopt_handle(Handle handle, Allocator& allocator) noexcept {
    const auto status = stat_of(handle.get());
    if (!status)
        return std::unexpected{status.error()};
    const auto file = create_file<NativeFile>(allocator, std::move(handle), status->type);
    if (!file)
        return std::unexpected{Errno::nomem};
    return Ref<File>::share(file.get());
}

} // namespace warpbeam::wasi

#endif
