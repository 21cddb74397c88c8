#include <warpbeam/memory/crc32.hpp>

#include <array>
#include <cstddef>

/// Eight bytes at a time, each with a table of its own ("slicing by 8").
/// https://doi.org/10.1109/ISCC.2005.18

namespace warpbeam {

namespace {

constexpr size_t slices = 8;
using Tables = std::array<std::array<uint32_t, 256>, slices>;

/// Entry `byte` of table `n`: what this byte does to the sum when `n` zero bytes follow it.
constexpr Tables tables = [] {
    constexpr uint32_t polynomial = 0xedb8'8320; // bits reversed: the lowest one is the highest power
    Tables made{};
    for (uint32_t byte = 0; byte < 256; ++byte) {
        uint32_t sum = byte;
        for (int bit = 0; bit < 8; ++bit)
            sum = sum >> 1 ^ ((sum & 1) != 0 ? polynomial : 0);
        made[0][byte] = sum;
    }
    for (size_t n = 1; n < slices; ++n)
        for (size_t byte = 0; byte < 256; ++byte) {
            const uint32_t sum = made[n - 1][byte];
            made[n][byte] = sum >> 8 ^ made[0][sum & 0xff];
        }
    return made;
}();

} // namespace

uint32_t crc32(std::span<const uint8_t> bytes, uint32_t before) noexcept {
    uint32_t sum = ~before;
    while (bytes.size() >= slices) {
        uint32_t next = 0;
        for (size_t i = 0; i < slices; ++i) {
            const uint32_t byte = bytes[i] ^ (i < 4 ? sum >> (8 * i) & 0xff : 0);
            next ^= tables[slices - 1 - i][byte];
        }
        sum = next;
        bytes = bytes.subspan(slices);
    }
    for (const uint8_t byte : bytes)
        sum = sum >> 8 ^ tables[0][(sum ^ byte) & 0xff];
    return ~sum;
}

} // namespace warpbeam
