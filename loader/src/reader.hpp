#pragma once

#include "diagnostics.hpp"

#include <warpbeam/loader/byte_reader.hpp>
#include <warpbeam/loader/instr_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace warpbeam {

/// Reads part of a module (a section, a function body) or all of it, and reports faults: every function
/// records its fault and then returns false.
class Reader : public ByteReader {
public:
    Reader(std::span<const uint8_t> module, Diagnostics& diagnostics) noexcept
        : ByteReader{module}, diagnostics_{&diagnostics} {}

    [[nodiscard]] Diagnostics& diagnostics() const noexcept { return *diagnostics_; }

    [[nodiscard]] bool byte(uint8_t& value) noexcept { return report(ByteReader::byte(value)); }
    [[nodiscard]] bool u32(uint32_t& value) noexcept { return report(number(value)); }
    [[nodiscard]] bool u64(uint64_t& value) noexcept { return report(number(value)); }
    [[nodiscard]] bool s32(int32_t& value) noexcept { return report(number(value)); }
    [[nodiscard]] bool s64(int64_t& value) noexcept { return report(number(value)); }
    [[nodiscard]] bool s33(int64_t& value) noexcept { return report(number<int64_t, 33>(value)); }
    [[nodiscard]] bool skip(size_t count) noexcept {
        if (count > remaining()) [[unlikely]]
            return unexpected_end();
        pos_ += count;
        return true;
    }

    /// The length of a vector whose elements take at least one byte each, which bounds the length.
    [[nodiscard]] bool count(uint32_t& value, const char* what, uint32_t limit = UINT32_MAX) noexcept;
    /// A vector; `one` reads each element.
    template <typename One>
    [[nodiscard]] bool each(const char* what, uint32_t limit, One&& one) noexcept {
        uint32_t left = 0;
        if (!count(left, what, limit))
            return false;
        for (; left != 0; --left)
            if (!one())
                return false;
        return true;
    }
    /// A byte that is at most `max`; a larger one is reported as a malformed `what`.
    [[nodiscard]] bool byte(uint8_t& value, uint8_t max, const char* what) noexcept;
    /// A vector of bytes.
    [[nodiscard]] bool bytes(std::span<const uint8_t>& value) noexcept;
    /// A vector of UTF-8 bytes.
    [[nodiscard]] bool name(std::string_view& value) noexcept;

    // What CodeReader composes of several numbers.
    [[nodiscard]] bool heap_code(HeapCode& code) noexcept {
        return read(code, [](Code& in) { return in.heap_code(); });
    }
    [[nodiscard]] bool type_code(TypeCode& code) noexcept {
        return read(code, [](Code& in) { return in.type_code(); });
    }
    [[nodiscard]] bool mem_arg(MemArg& arg) noexcept {
        return read(arg, [](Code& in) { return in.mem_arg(); });
    }
    [[nodiscard]] bool catch_clause(CatchCode& clause) noexcept {
        return read(clause, [](Code& in) { return in.catch_clause(); });
    }
    [[nodiscard]] bool handler_clause(HandlerCode& clause) noexcept {
        return read(clause, [](Code& in) { return in.handler_clause(); });
    }

    /// A reader of the next `size` bytes alone; this one moves past them. They must be there.
    [[nodiscard]] Reader part(size_t size) noexcept {
        Reader sub = *this;
        sub.narrow(size);
        pos_ += size;
        return sub;
    }

    bool unexpected_end() noexcept { return report(LebFault::unexpected_end); }

private:
    /// Reads numbers one after the other; they are zero after a fault. Inline, so that its state stays in
    /// registers.
    class Numbers {
    public:
        explicit Numbers(Reader& reader) noexcept : reader_{&reader} {}

        [[nodiscard]] bool good() const noexcept { return good_; }
        [[nodiscard]] uint8_t peek() noexcept {
            if (reader_->at_end()) [[unlikely]]
                good_ = good_ && reader_->unexpected_end();
            return good_ ? reader_->peek() : uint8_t{0};
        }
        void pass(size_t count) noexcept { good_ = good_ && reader_->skip(count); }
        uint8_t byte() noexcept { return next(&Reader::byte); }
        uint32_t u32() noexcept { return next(&Reader::u32); }
        uint64_t u64() noexcept { return next(&Reader::u64); }
        int64_t s33() noexcept { return next(&Reader::s33); }

    private:
        template <typename T>
        T next(bool (Reader::*read)(T&) noexcept) noexcept {
            T value = 0;
            good_ = good_ && (reader_->*read)(value);
            return value;
        }

        Reader* reader_;
        bool good_ = true;
    };
    using Code = CodeReader<Numbers>;

    template <typename T>
    [[nodiscard]] bool read(T& value, auto&& next) noexcept {
        Code in{Numbers{*this}};
        value = next(in);
        return in.good();
    }

    [[nodiscard]] bool report(LebFault fault) noexcept { return fault == LebFault::none || refuse(fault); }
    bool refuse(LebFault fault) noexcept;

    Diagnostics* diagnostics_;
};

} // namespace warpbeam
