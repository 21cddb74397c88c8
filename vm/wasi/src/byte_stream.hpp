#pragma once

#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/vm/snapshot.hpp>
#include <warpbeam/wasi/errno.hpp>

/// Numbers and texts in the bytes of a saved program: little-endian, of fixed width, a text after its size.
/// The first error stays.

namespace warpbeam::wasi {

class ByteWriter {
public:
    explicit ByteWriter(SnapshotSink& sink) noexcept : sink_{sink} {}
    [[nodiscard]] bool ok() const noexcept { return ok_; }

    template <typename T>
    void number(T value) noexcept {
        uint8_t bytes[sizeof(T)];
        detail::store_number(bytes, value);
        raw(bytes);
    }
    void text(std::string_view value) noexcept {
        number(static_cast<uint32_t>(value.size()));
        raw({reinterpret_cast<const uint8_t*>(value.data()), value.size()});
    }
    void raw(std::span<const uint8_t> bytes) noexcept { ok_ = ok_ && (bytes.empty() || sink_.write(bytes)); }

private:
    SnapshotSink& sink_;
    bool ok_ = true;
};

class ByteReader {
public:
    explicit ByteReader(SnapshotSource& source) noexcept : source_{source} {}
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    /// What was read is not what was expected.
    void fail() noexcept { ok_ = false; }

    template <typename T>
    [[nodiscard]] T number() noexcept {
        uint8_t bytes[sizeof(T)] = {};
        raw(bytes);
        return ok_ ? detail::load_number<T>(bytes) : T{};
    }
    /// A text of at most that size. Without memory it fails, too: `out_of_memory` tells.
    [[nodiscard]] Vec<char> text(size_t max_size, Allocator& allocator) noexcept {
        Vec<char> result{allocator};
        const auto size = number<uint32_t>();
        if (size > max_size) {
            fail();
        } else if (!result.resize(size)) {
            fail();
            out_of_memory_ = true;
        } else {
            raw({reinterpret_cast<uint8_t*>(result.data()), result.size()});
        }
        return result;
    }
    void raw(std::span<uint8_t> to) noexcept {
        while (ok_ && !to.empty()) {
            const size_t count = source_.read(to);
            ok_ = count != 0;
            to = to.subspan(count);
        }
    }
    [[nodiscard]] bool out_of_memory() const noexcept { return out_of_memory_; }
    [[nodiscard]] Errno error() const noexcept { return out_of_memory_ ? Errno::nomem : Errno::inval; }

private:
    SnapshotSource& source_;
    bool ok_ = true;
    bool out_of_memory_ = false;
};

} // namespace warpbeam::wasi
