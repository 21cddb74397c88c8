#pragma once

#include <warpbeam/wasi/file.hpp>

/// @file
/// Streams of the embedder's, for `Context::set_stream`: buffers and callbacks. Make them with
/// `create_file<OutputBuffer>(allocator, allocator)`, and keep a Ref to look at them.

namespace warpbeam::wasi {

/// Collects what a program writes. Thread-safety: one thread at a time.
class WARPBEAM_API OutputBuffer final : public File {
public:
    /// Holds up to `max_size` bytes; writing more fails with `nospc`.
    explicit OutputBuffer(Allocator& allocator, size_t max_size = SIZE_MAX) noexcept
        : bytes_{allocator}, max_size_{max_size} {}
    ~OutputBuffer() override;

    /// What has been written.
    [[nodiscard]] std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
    }
    /// Empties it.
    void clear() noexcept { bytes_.clear(); }

    [[nodiscard]] FileType type() const noexcept override { return FileType::unknown; }
    [[nodiscard]] Result<size_t> write(std::span<const uint8_t> bytes) noexcept override;

private:
    Vec<uint8_t> bytes_;
    size_t max_size_;
};

/// Gives a program bytes to read. When there are none, and it is not closed, a program is told `again`; an
/// Execution waits if Context::set_suspends says so. Thread-safety: one thread at a time.
class WARPBEAM_API InputBuffer final : public File {
public:
    /// Empty.
    explicit InputBuffer(Allocator& allocator) noexcept : bytes_{allocator} {}
    ~InputBuffer() override;

    /// Adds bytes to its end. Errors: `nomem`.
    [[nodiscard]] Result<> add(std::span<const uint8_t> bytes) noexcept;
    /// @{ Adds text.
    [[nodiscard]] Result<> add(std::string_view text) noexcept {
        return add({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    }
    /// @}
    /// After what is there, the stream ends.
    void close() noexcept { is_closed_ = true; }

    [[nodiscard]] FileType type() const noexcept override { return FileType::unknown; }
    [[nodiscard]] Result<size_t> read(std::span<uint8_t> into) noexcept override;
    [[nodiscard]] Result<Ready> ready(Readiness which) noexcept override;

private:
    Vec<uint8_t> bytes_;
    size_t taken_ = 0; ///< how many of them were read
    bool is_closed_ = false;
};

/// A stream that calls functions. A null function fails with `badf`.
class WARPBEAM_API CallbackStream final : public File {
public:
    /// See File::read.
    using Read = Result<size_t> (*)(void* data, std::span<uint8_t> into) noexcept;
    /// See File::write.
    using Write = Result<size_t> (*)(void* data, std::span<const uint8_t> bytes) noexcept;
    /// The functions do what File::read and File::write say; `data` is passed to them.
    CallbackStream(Read reader, Write writer, void* data) noexcept
        : read_{reader}, write_{writer}, data_{data} {}
    ~CallbackStream() override;

    [[nodiscard]] FileType type() const noexcept override { return FileType::unknown; }
    [[nodiscard]] Result<size_t> read(std::span<uint8_t> into) noexcept override;
    [[nodiscard]] Result<size_t> write(std::span<const uint8_t> bytes) noexcept override;

private:
    Read read_;
    Write write_;
    void* data_;
};

} // namespace warpbeam::wasi
