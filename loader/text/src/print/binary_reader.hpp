#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/instr_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace warpbeam::text {

/// Reads untrusted bytes. After the first fault, in whichever reader of the module, every number is zero and
/// nothing is left, so only the final result has to be checked; every loop is bounded by a `count` or ends
/// with the input.
class CheckedBytes : private ByteReader {
public:
    CheckedBytes(std::span<const uint8_t> module, std::optional<Error>& fault) noexcept
        : ByteReader{module}, fault_{&fault} {}

    using ByteReader::offset;
    [[nodiscard]] bool at_end() const noexcept { return ByteReader::at_end() || fault_->has_value(); }
    [[nodiscard]] size_t remaining() const noexcept { return at_end() ? 0 : ByteReader::remaining(); }
    [[nodiscard]] uint8_t peek() const noexcept { return at_end() ? uint8_t{0} : ByteReader::peek(); }

    uint8_t byte() noexcept {
        uint8_t value = 0;
        return check(at_end() ? LebFault::unexpected_end : ByteReader::byte(value)) ? value : uint8_t{0};
    }
    bool accept(uint8_t value) noexcept {
        if (at_end() || peek() != value)
            return false;
        pass(1);
        return true;
    }
    uint32_t u32() noexcept { return next<uint32_t>(); }
    uint64_t u64() noexcept { return next<uint64_t>(); }
    int32_t s32() noexcept { return next<int32_t>(); }
    int64_t s64() noexcept { return next<int64_t>(); }
    int64_t s33() noexcept { return next<int64_t, 33>(); }
    /// The length of a vector whose elements take at least one byte each.
    uint32_t count() noexcept {
        const uint32_t value = u32();
        if (value <= remaining())
            return value;
        fail("length out of bounds");
        return 0;
    }
    std::span<const uint8_t> bytes(size_t size) noexcept {
        std::span<const uint8_t> value;
        (void)check(size > remaining() ? LebFault::unexpected_end : ByteReader::bytes(size, value));
        return value;
    }
    void pass(size_t count) noexcept { (void)bytes(count); }
    std::string_view string() noexcept {
        const std::span<const uint8_t> raw = bytes(u32());
        return {reinterpret_cast<const char*>(raw.data()), raw.size()};
    }
    /// The little-endian number in `size` bytes.
    uint64_t fixed(unsigned size) noexcept {
        uint64_t value = 0;
        for (unsigned i = 0; i < size; ++i)
            value |= uint64_t{byte()} << (8 * i);
        return value;
    }
    /// A reader of the next bytes alone; this one moves past them.
    CheckedBytes part(size_t size) noexcept {
        CheckedBytes inner = *this;
        inner.narrow(bytes(size).size());
        return inner;
    }

    void fail(const char* problem) noexcept {
        if (!fault_->has_value())
            fault_->emplace(ErrorCode::malformed, "%s", problem).at(offset());
    }

private:
    template <typename T, unsigned bits = std::numeric_limits<std::make_unsigned_t<T>>::digits>
    T next() noexcept {
        T value = 0;
        return check(at_end() ? LebFault::unexpected_end : number<T, bits>(value)) ? value : T{0};
    }
    bool check(LebFault fault) noexcept {
        if (fault != LebFault::none)
            fail(text_of(fault));
        return fault == LebFault::none;
    }

    std::optional<Error>* fault_;
};

/// Reads a module that may be invalid.
using BinaryReader = CodeReader<CheckedBytes>;

} // namespace warpbeam::text
