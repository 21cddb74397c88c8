#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/leb128.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace warpbeam::text {

/// Reads the binary format, of which nothing is taken for granted. After the first fault, whoever reported
/// it, every number is zero and nothing is left, so that only the end result has to be checked; every loop is
/// bounded by a `count` or ends with the input.
class ByteReader {
public:
    ByteReader(std::span<const uint8_t> module, std::optional<Error>& fault) noexcept
        : base_{module.data()}, pos_{base_}, end_{base_ + module.size()}, fault_{&fault} {}

    [[nodiscard]] bool at_end() const noexcept { return pos_ == end_ || fault_->has_value(); }
    [[nodiscard]] size_t offset() const noexcept { return static_cast<size_t>(pos_ - base_); }
    [[nodiscard]] size_t remaining() const noexcept {
        return at_end() ? 0 : static_cast<size_t>(end_ - pos_);
    }
    [[nodiscard]] uint8_t peek() const noexcept { return at_end() ? uint8_t{0} : *pos_; }
    /// Whether all numbers so far were written in as few bytes as possible.
    [[nodiscard]] bool minimal() const noexcept { return minimal_; }

    uint8_t byte() noexcept {
        if (at_end()) {
            fail("unexpected end");
            return 0;
        }
        return *pos_++;
    }
    bool accept(uint8_t value) noexcept {
        if (at_end() || *pos_ != value)
            return false;
        ++pos_;
        return true;
    }
    uint32_t u32() noexcept { return number<uint32_t>(); }
    uint64_t u64() noexcept { return number<uint64_t>(); }
    int32_t s32() noexcept { return number<int32_t>(); }
    int64_t s64() noexcept { return number<int64_t>(); }
    int64_t s33() noexcept { return number<int64_t, 33>(); }
    /// The length of a vector, whose elements take at least a byte each.
    uint32_t count() noexcept {
        const uint32_t value = u32();
        if (value <= remaining())
            return value;
        fail("length out of bounds");
        return 0;
    }
    std::span<const uint8_t> bytes(size_t size) noexcept {
        if (size > remaining()) {
            fail("unexpected end");
            return {};
        }
        pos_ += size;
        return {pos_ - size, size};
    }
    std::span<const uint8_t> sized_bytes() noexcept { return bytes(u32()); }
    std::string_view string() noexcept {
        const std::span<const uint8_t> raw = sized_bytes();
        return {reinterpret_cast<const char*>(raw.data()), raw.size()};
    }
    /// The low-endian number in so many bytes.
    uint64_t fixed(unsigned size) noexcept {
        uint64_t value = 0;
        for (unsigned i = 0; i < size; ++i)
            value |= uint64_t{byte()} << (8 * i);
        return value;
    }
    /// A reader of the next bytes alone; this one moves behind them.
    ByteReader part(size_t size) noexcept {
        ByteReader inner = *this;
        inner.end_ = inner.pos_ + bytes(size).size();
        return inner;
    }

    void fail(const char* problem) noexcept {
        if (!fault_->has_value())
            fault_->emplace(ErrorCode::malformed, "%s", problem).at(offset());
    }

private:
    template <typename T, unsigned bits = std::numeric_limits<std::make_unsigned_t<T>>::digits>
    T number() noexcept {
        T value = 0;
        if (at_end()) {
            fail("unexpected end");
            return 0;
        }
        const uint8_t* const begin = pos_;
        const LebFault problem = decode_leb128<T, bits>(pos_, end_, value);
        if (problem != LebFault::none) {
            fail(problem == LebFault::unexpected_end ? "unexpected end"
                 : problem == LebFault::too_long     ? "integer representation too long"
                                                     : "integer too large");
            return 0;
        }
        // Only unsigned numbers are ever asked about.
        minimal_ &= pos_ - begin == 1 || pos_[-1] != 0;
        return value;
    }

    const uint8_t* base_;
    const uint8_t* pos_;
    const uint8_t* end_;
    std::optional<Error>* fault_;
    bool minimal_ = true;
};

} // namespace warpbeam::text
