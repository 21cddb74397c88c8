// Cache-Status (RFC 9211): a list with one member per cache, with parameters. Every cache adds a member at
// the end.

#include "example.hpp"

#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/serialize.hpp>

#include <string>

namespace sfv = warpbeam::sfv;

// [readme
/// The field with our own member added; unchanged if it can't be read.
std::string add_hit(std::string_view field, std::string_view cache, int ttl) {
    auto caches = sfv::List::parse(field);
    if (!caches)
        return std::string(field);
    const auto own = caches->add(cache); // a string item
    if (!own || !(*own)->parameters.set("hit") || !(*own)->parameters.set("ttl", ttl))
        return std::string(field);
    return to_string(*caches);
}

/// Whether any cache had stored the response.
bool was_hit(std::string_view field) {
    const auto caches = sfv::List::parse(field);
    if (!caches)
        return false;
    for (const sfv::Member& cache : *caches) {
        const sfv::BareItem* const hit = cache.parameters().find("hit");
        if (hit != nullptr && hit->is(sfv::Type::boolean) && hit->boolean())
            return true;
    }
    return false;
}
// readme]

int main() {
    EXPECT(add_hit("OriginCache; hit; ttl=1100", "CDN Company Here", 545) ==
           "OriginCache;hit;ttl=1100, \"CDN Company Here\";hit;ttl=545");
    EXPECT(add_hit("", "cache", -1) == "\"cache\";hit;ttl=-1");
    EXPECT(add_hit("a b", "cache", 1) == "a b");
    EXPECT(add_hit("a", "no\r\nInjection: here", 1) == "a");
    EXPECT(was_hit("ExampleCache; fwd=miss; stored, CDN; hit"));
    EXPECT(!was_hit("ExampleCache; fwd=uri-miss; hit=?0"));
}
