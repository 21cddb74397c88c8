// Content-Digest (RFC 9530): a dictionary that maps algorithms to byte sequences, read here without
// allocating.

#include "example.hpp"

#include <warpbeam/sfv/parser.hpp>
#include <warpbeam/sfv/writer.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace sfv = warpbeam::sfv;

using Sha256 = std::array<uint8_t, 32>;

/// The SHA-256 in the field, if any. The last of several counts.
std::optional<Sha256> sha256_of(std::string_view field) {
    std::optional<Sha256> digest;
    sfv::Parser parser{sfv::FieldType::dictionary, field};
    while (parser.next_member()) {
        if (parser.key() != "sha-256")
            continue;
        digest.reset();
        char buffer[48]; // room for a little more than the digest
        if (!parser.value().is(sfv::Type::byte_sequence))
            continue;
        const auto bytes = parser.value().decode(buffer);
        if (bytes && bytes->size() == Sha256{}.size()) {
            digest.emplace();
            for (size_t i = 0; i < bytes->size(); ++i)
                (*digest)[i] = static_cast<uint8_t>((*bytes)[i]);
        }
    }
    return parser.finish() ? digest : std::nullopt;
}

int main() {
    Sha256 digest{};
    for (size_t i = 0; i < digest.size(); ++i)
        digest[i] = static_cast<uint8_t>(i * 8);
    char buffer[128];
    sfv::Writer writer{sfv::FieldType::dictionary, buffer};
    const auto field = writer.key("sha-256").value(digest).finish();
    EXPECT(field && *field == "sha-256=:AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg=:");
    EXPECT(sha256_of(*field) == digest);
    EXPECT(sha256_of("sha-512=:AAAA:, sha-256=:AAAA:") == std::nullopt);
    EXPECT(sha256_of("sha-256=abc") == std::nullopt);
    EXPECT(sha256_of("") == std::nullopt);
}
