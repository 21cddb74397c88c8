#include "base64.hpp"
#include "utf8.hpp"

#include <warpbeam/sfv/raw_item.hpp>
#include <warpbeam/sfv/scan.hpp>

#include <bit>
#include <cstring>

namespace warpbeam::sfv {

namespace {

/// Copies everything before the next `escape`. There must be room for all of the text.
template <char escape>
const char* copy_run(const char* p, const char* end, char*& out) noexcept {
#if WARPBEAM_SFV_SSE2
    while (end - p >= 16) {
        const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out), block);
        const auto escapes =
            static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(escape))));
        const int run = escapes == 0 ? 16 : std::countr_zero(escapes);
        p += run;
        out += run;
        if (escapes != 0)
            return p;
    }
#endif
    while (p != end && *p != escape)
        *out++ = *p++;
    return p;
}

size_t unescape(std::string_view text, char* out) noexcept {
    const char* const begin = out;
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); (p = copy_run<'\\'>(p, end, out)) != end; p += 2)
        *out++ = p[1];
    return static_cast<size_t>(out - begin);
}

size_t percent_decode(std::string_view text, char* out) noexcept {
    const char* const begin = out;
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); (p = copy_run<'%'>(p, end, out)) != end; p += 3)
        *out++ = static_cast<char>(lower_hex(p[1]) * 16 + lower_hex(p[2]));
    return static_cast<size_t>(out - begin);
}

} // namespace

size_t RawItem::decode_to(RawItem item, char* out) noexcept {
    if (item.type_ == Type::byte_sequence)
        return base64_decode({item.data_, item.size_}, out);
    const auto decode = item.type_ == Type::string ? unescape : percent_decode;
    const size_t first_size = item.first_size();
    size_t written = decode({item.data_, first_size}, out);
    // No escape spans the end of a line, so each part can be decoded separately.
    const std::string_view* line = item.line_;
    for (size_t done = first_size; done < item.size_;) {
        std::memcpy(out + written, ", ", 2);
        ++line;
        const std::string_view part = line->substr(0, item.size_ - done - 2);
        written += 2 + decode(part, out + written + 2);
        done += 2 + part.size();
    }
    return written;
}

} // namespace warpbeam::sfv
