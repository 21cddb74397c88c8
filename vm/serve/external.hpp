#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// Erlang's external term format: the encoded bytes themselves are the terms. They are looked into only where
/// a request needs it, so what a client nests or counts costs no more than its bytes. No byte is trusted.

namespace warpbeam::serve::external {

using Bytes = std::span<const uint8_t>;

inline constexpr uint8_t version = 131; ///< before a term

/// How the first byte of a term says what it is.
enum class Tag : uint8_t {
    float_ = 70,
    bit_binary = 77,
    new_pid = 88,
    new_port = 89,
    newer_reference = 90,
    small_integer = 97,
    integer = 98,
    atom = 100,
    port = 102,
    pid = 103,
    small_tuple = 104,
    large_tuple = 105,
    nil = 106,
    string = 107, ///< a list of bytes
    list = 108,
    binary = 109,
    small_big = 110,
    large_big = 111,
    new_fun = 112,
    export_ = 113,
    new_reference = 114,
    small_atom = 115,
    map = 116,
    atom_utf8 = 118,
    small_atom_utf8 = 119,
    v4_port = 120,
};

/// The size of the term that begins here; none if it is malformed or ends too early. All other functions need
/// a term for which this is the whole size.
[[nodiscard]] std::optional<size_t> size_of(Bytes bytes) noexcept;

/// The number at an offset, whose bytes must be there; it is big-endian.
[[nodiscard]] uint64_t number_at(Bytes bytes, size_t offset, size_t size) noexcept;

/// An integer of at most 64 bits.
struct Integer {
    bool is_negative;
    uint64_t bits; ///< in two's complement
};
[[nodiscard]] std::optional<Integer> integer(Bytes term) noexcept;
[[nodiscard]] std::optional<double> number(Bytes term) noexcept;
[[nodiscard]] std::optional<std::string_view> atom(Bytes term) noexcept;
[[nodiscard]] std::optional<Bytes> binary(Bytes term) noexcept;

/// What a tuple, list or map consists of.
struct Elements {
    size_t count; ///< of a map, twice the pairs; of a list, without the tail
    size_t begin; ///< where the first one begins
};
[[nodiscard]] std::optional<Elements> tuple(Bytes term) noexcept;
[[nodiscard]] std::optional<Elements> list(Bytes term) noexcept; ///< not of Tag::string
[[nodiscard]] std::optional<Elements> map(Bytes term) noexcept;

/// The bytes of a binary or of a list of bytes, binaries and such lists, at any depth, appended to `to`.
/// False if it is none.
[[nodiscard]] bool flatten(Bytes term, std::vector<uint8_t>& to);

/// A reference as `write_handle` makes it: the number; none if it is another term.
[[nodiscard]] std::optional<uint64_t> handle(Bytes term, uint32_t creation) noexcept;

// ---- Writing ----

using Buffer = std::vector<uint8_t>;

void write(Buffer& to, uint64_t number, size_t size); ///< big-endian
void write_integer(Buffer& to, bool is_negative, uint64_t bits);
void write_float(Buffer& to, double value);
void write_atom(Buffer& to, std::string_view text); ///< of at most 255 bytes
void write_tag(Buffer& to, Tag tag);                ///< of Tag::nil, which is all of it
/// What comes before the bytes of a binary, or the elements of a list or a map.
void write_header(Buffer& to, Tag tag, uint32_t count);
void write_tuple_header(Buffer& to, uint32_t arity);
/// A reference of the node `warpbeam@serve`: no term of a client is equal to it.
void write_handle(Buffer& to, uint32_t creation, uint64_t number);

} // namespace warpbeam::serve::external
