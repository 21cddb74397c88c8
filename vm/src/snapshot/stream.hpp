#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/memory/sha256.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/vm/snapshot.hpp>

#include <optional>
#include <string_view>

/// The bytes of a snapshot (docs/snapshot-format.md): little-endian numbers of fixed width. One part is in
/// chunks, so that a reader can skip it.

namespace warpbeam::vm {

/// The largest chunk, and what is buffered.
inline constexpr uint32_t max_chunk = 64 * 1024;

/// Writes to a sink. After a failure nothing more is written, and `ok` is false.
class Writer {
public:
    Writer(SnapshotSink& sink, Allocator& allocator) noexcept : sink_{sink}, buffer_{allocator} {
        ok_ = buffer_.reserve(max_chunk);
        has_memory_ = ok_;
    }

    void u8(uint8_t value) noexcept { number(value); }
    void u32(uint32_t value) noexcept { number(value); }
    void u64(uint64_t value) noexcept { number(value); }
    void bytes(std::span<const uint8_t> bytes) noexcept;
    /// Preceded by its length.
    void text(std::string_view text) noexcept;

    void begin_chunks() noexcept {
        flush();
        in_chunks_ = true;
    }
    void end_chunks() noexcept;
    /// Writes the digest of everything before it, and returns it.
    Digest end() noexcept;

    [[nodiscard]] bool ok() const noexcept { return ok_; }
    /// What failed.
    [[nodiscard]] Error error() const noexcept;

private:
    template <typename T>
    void number(T value) noexcept {
        uint8_t encoded[sizeof(T)];
        for (size_t i = 0; i < sizeof(T); ++i)
            encoded[i] = static_cast<uint8_t>(uint64_t{value} >> (8 * i));
        bytes(encoded);
    }
    void flush() noexcept;
    void put(std::span<const uint8_t> bytes) noexcept;

    SnapshotSink& sink_;
    Vec<uint8_t> buffer_;
    Sha256 hash_;
    bool in_chunks_ = false;
    bool has_memory_;
    bool ok_;
};

/// Reads from a source, without trusting it. After the first fault every number is zero, and the fault stays.
class Reader {
public:
    Reader(SnapshotSource& source, Allocator& allocator) noexcept : source_{source}, buffer_{allocator} {
        if (!buffer_.resize(max_chunk))
            fault(Error{ErrorCode::out_of_memory});
    }

    uint8_t u8() noexcept { return number<uint8_t>(); }
    uint32_t u32() noexcept { return number<uint32_t>(); }
    uint64_t u64() noexcept { return number<uint64_t>(); }
    /// A number that is less than `end`.
    uint32_t index(size_t end, const char* what) noexcept;
    /// False after a fault.
    bool bytes(std::span<uint8_t> to) noexcept;
    /// Bytes preceded by their length, which is at most `max`.
    bool text(Vec<uint8_t>& to, uint32_t max) noexcept;

    void begin_chunks() noexcept {
        in_chunks_ = true;
        chunk_ = 0;
    }
    /// Everything in the chunks must have been read.
    void end_chunks() noexcept;
    void skip_chunks() noexcept;
    /// Compares the digest, and that there is nothing after it.
    Digest end() noexcept;

    [[nodiscard]] bool ok() const noexcept { return !error_; }
    [[nodiscard]] const Error& error() const noexcept { return *error_; }
    /// Records a fault, unless there is one already; false.
    bool fault(Error error) noexcept;
    [[gnu::format(printf, 2, 3)]] bool malformed(const char* format, ...) noexcept;

private:
    template <typename T>
    T number() noexcept {
        uint8_t encoded[sizeof(T)];
        if (!bytes(encoded))
            return 0;
        uint64_t value = 0;
        for (size_t i = 0; i < sizeof(T); ++i)
            value |= uint64_t{encoded[i]} << (8 * i);
        return static_cast<T>(value);
    }
    bool raw(std::span<uint8_t> to) noexcept;
    bool refill() noexcept;
    bool next_chunk() noexcept;
    void hash_read() noexcept;

    SnapshotSource& source_;
    Vec<uint8_t> buffer_;
    size_t next_ = 0;
    size_t end_ = 0;
    size_t hashed_ = 0;     ///< up to here the buffer is in the digest
    uint64_t position_ = 0; ///< in the snapshot, of what comes next
    Sha256 hash_;
    bool in_chunks_ = false;
    uint32_t chunk_ = 0; ///< what is left of the chunk
    std::optional<Error> error_;
};

} // namespace warpbeam::vm
