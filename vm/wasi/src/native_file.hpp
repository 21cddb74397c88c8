#pragma once

#ifndef _WIN32

#include "native_errno.hpp"

#include <warpbeam/wasi/file.hpp>

#include <sys/stat.h>
#include <utility>

namespace warpbeam::wasi {

inline constexpr uint64_t nanoseconds_per_second = 1'000'000'000;

/// Owns a descriptor of the operating system.
class NativeDescriptor {
public:
    explicit NativeDescriptor(int number) noexcept : number_{number} {}
    NativeDescriptor(NativeDescriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    NativeDescriptor& operator=(NativeDescriptor&&) = delete;
    ~NativeDescriptor();
    [[nodiscard]] int get() const noexcept { return number_; }
    /// Takes a descriptor. Precondition: it has none.
    void take(int number) noexcept { number_ = number; }
    /// Gives the descriptor up, without closing it.
    int release() noexcept { return std::exchange(number_, -1); }

private:
    int number_;
};

[[nodiscard]] FileType file_type(mode_t mode) noexcept;
[[nodiscard]] Filestat to_filestat(const struct stat& from) noexcept;
/// The two times that utimensat takes.
struct NativeTimes {
    explicit NativeTimes(const NewTimes& times) noexcept;
    timespec values[2];
};

/// Whether a descriptor can be read or written without waiting.
[[nodiscard]] Result<Ready> native_ready(int descriptor, Readiness which) noexcept;
/// Writes to a pipe that nobody reads: without the signal that would end the process.
[[nodiscard]] Result<size_t> write_without_signal(int descriptor, std::span<const uint8_t> bytes) noexcept;

/// Anything but a directory.
class NativeFile final : public File {
public:
    /// `type` is what the descriptor refers to; `is_pipe` for one that may raise SIGPIPE.
    NativeFile(NativeDescriptor descriptor, FileType type, bool is_pipe, Allocator& allocator) noexcept
        : descriptor_{std::move(descriptor)}, allocator_{allocator}, type_{type}, is_pipe_{is_pipe} {}

    [[nodiscard]] FileType type() const noexcept override { return type_; }
    [[nodiscard]] Result<Filestat> stat() noexcept override;
    [[nodiscard]] Result<size_t> read_at(std::span<uint8_t> into, uint64_t offset) noexcept override;
    [[nodiscard]] Result<size_t> write_at(std::span<const uint8_t> bytes, uint64_t offset) noexcept override;
    [[nodiscard]] Result<size_t> append(std::span<const uint8_t> bytes) noexcept override;
    [[nodiscard]] Result<> set_size(uint64_t size) noexcept override;
    [[nodiscard]] Result<> allocate(uint64_t offset, uint64_t size) noexcept override;
    [[nodiscard]] Result<> set_times(const NewTimes& times) noexcept override;
    [[nodiscard]] Result<> sync(bool data_only) noexcept override;
    [[nodiscard]] Result<size_t> read(std::span<uint8_t> into) noexcept override;
    [[nodiscard]] Result<size_t> write(std::span<const uint8_t> bytes) noexcept override;
    [[nodiscard]] Result<Ready> ready(Readiness which) noexcept override;
    [[nodiscard]] int native_descriptor() const noexcept override { return descriptor_.get(); }
    [[nodiscard]] Result<Ref<File>> accept() noexcept override;
    [[nodiscard]] Result<Received> receive(std::span<uint8_t> into, bool peek) noexcept override;
    [[nodiscard]] Result<> shut_down(bool reading, bool writing) noexcept override;

private:
    [[nodiscard]] bool is_socket() const noexcept {
        return type_ == FileType::socket_dgram || type_ == FileType::socket_stream;
    }
    NativeDescriptor descriptor_;
    Allocator& allocator_; ///< for the connections that it accepts
    FileType type_;
    bool is_pipe_;
};

/// A file for a descriptor of which `status` says what it is. Error: `nomem`.
[[nodiscard]] Result<Ref<File>> adopt_descriptor(NativeDescriptor descriptor, const struct stat& status,
                                                 Allocator& allocator) noexcept;

} // namespace warpbeam::wasi

#endif
