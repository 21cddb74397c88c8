#pragma once

#include <warpbeam/loader/leb128.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/text/fault.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace warpbeam::text {

/// Output in the binary format, https://webassembly.github.io/spec/core/binary/values.html . If memory runs
/// out it reports that as the fault and stays unchanged.
class Bytes {
public:
    Bytes(Fault& fault, Allocator& allocator) noexcept : fault_{&fault}, bytes_{allocator} {}

    void byte(uint8_t value) noexcept { check(bytes_.push(value)); }
    void u32(uint32_t value) noexcept { u64(value); }
    void u64(uint64_t value) noexcept { leb128(value); }
    void s64(int64_t value) noexcept { leb128(value); }
    /// The low `count` bytes, little-endian.
    void fixed(uint64_t value, unsigned count) noexcept {
        for (; count > 0; --count, value >>= 8)
            byte(static_cast<uint8_t>(value));
    }
    void raw(std::span<const uint8_t> bytes) noexcept { check(bytes_.append(bytes)); }
    void raw(const Bytes& other) noexcept { raw(other.view()); }
    /// A vector of bytes: the length, then the bytes.
    void sized(std::span<const uint8_t> bytes) noexcept {
        u64(bytes.size());
        raw(bytes);
    }
    void sized(std::string_view text) noexcept {
        sized(std::span{reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    }

    [[nodiscard]] size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
    [[nodiscard]] std::span<const uint8_t> view(size_t from = 0) const noexcept {
        return std::span<const uint8_t>{bytes_}.subspan(from < bytes_.size() ? from : bytes_.size());
    }
    void truncate(size_t size) noexcept {
        if (size < bytes_.size())
            bytes_.truncate(size);
    }
    void clear() noexcept { bytes_.clear(); }
    /// For code that appends by itself; `check` its result.
    [[nodiscard]] Vec<uint8_t>& vec() noexcept { return bytes_; }
    void check(bool ok) noexcept {
        if (!ok)
            fault_->out_of_memory();
    }

private:
    template <typename T>
    void leb128(T value) noexcept {
        uint8_t encoded[max_leb128];
        raw(std::span{encoded, encode_leb128(value, encoded)});
    }
    Fault* fault_;
    Vec<uint8_t> bytes_;
};

/// A section under construction: a vector of entries.
struct Section {
    Bytes bytes;
    uint32_t count = 0;

    Section(Fault& fault, Allocator& allocator) noexcept : bytes{fault, allocator} {}
    /// Begins another entry.
    Bytes& add() noexcept {
        ++count;
        return bytes;
    }
};

} // namespace warpbeam::text
