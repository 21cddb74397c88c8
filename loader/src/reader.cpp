#include "reader.hpp"

#include <warpbeam/loader/utf8.hpp>

namespace warpbeam {

bool Reader::refuse(LebFault fault) noexcept {
    if (fault == LebFault::unexpected_end)
        return diagnostics_->malformed(static_cast<size_t>(end_ - base_),
                                       "unexpected end of section or function");
    return diagnostics_->malformed(offset() - 1, "%s", text_of(fault));
}

bool Reader::count(uint32_t& value, const char* what, uint32_t limit) noexcept {
    const size_t start = offset();
    if (!u32(value))
        return false;
    if (value > remaining())
        return diagnostics_->malformed(
            start, "unexpected end of section or function: %u %s, but only %zu byte%s left", value, what,
            remaining(), remaining() == 1 ? "" : "s");
    if (value > limit)
        return diagnostics_->limit(start, "too many %s: %u (the limit is %u)", what, value, limit);
    return true;
}

bool Reader::byte(uint8_t& value, uint8_t max, const char* what) noexcept {
    const size_t start = offset();
    return byte(value) &&
           (value <= max || diagnostics_->malformed(start, "malformed %s 0x%02x", what, unsigned{value}));
}

bool Reader::bytes(std::span<const uint8_t>& value) noexcept {
    const size_t start = offset();
    uint32_t size = 0;
    if (!u32(size))
        return false;
    return ByteReader::bytes(size, value) == LebFault::none ||
           diagnostics_->malformed(
               start, "length out of bounds: unexpected end, %u byte%s declared, but only %zu left", size,
               size == 1 ? "" : "s", remaining());
}

bool Reader::name(std::string_view& value) noexcept {
    const size_t start = offset();
    std::span<const uint8_t> raw;
    if (!bytes(raw))
        return false;
    if (!is_utf8(raw))
        return diagnostics_->malformed(start, "malformed UTF-8 encoding");
    value = {reinterpret_cast<const char*>(raw.data()), raw.size()};
    return true;
}

} // namespace warpbeam
