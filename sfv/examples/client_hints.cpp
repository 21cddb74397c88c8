// Client Hints (RFC 8942 and User-Agent Client Hints): lists of strings with a version, booleans, and
// Accept-CH, which often comes in several field lines.

#include "example.hpp"

#include <warpbeam/sfv/convert.hpp>
#include <warpbeam/sfv/serialize.hpp>

#include <string>
#include <vector>

namespace sfv = warpbeam::sfv;

/// The version of a brand in Sec-CH-UA; empty if the brand is not listed.
std::string version_of(std::string_view field, std::string_view brand) {
    const auto brands = sfv::List::parse(field);
    if (!brands)
        return "";
    for (const sfv::Member& member : *brands) {
        const sfv::Item* const item = member.item();
        const sfv::BareItem* const version = member.parameters().find("v");
        if (item != nullptr && item->value.is(sfv::Type::string) && item->value.text() == brand &&
            version != nullptr && version->is(sfv::Type::string))
            return std::string(version->text());
    }
    return "";
}

int main() {
    const std::string_view sec_ch_ua = R"("Chromium";v="124", "Google Chrome";v="124", "Not-A.Brand";v="99")";
    EXPECT(version_of(sec_ch_ua, "Not-A.Brand") == "99");
    EXPECT(version_of(sec_ch_ua, "Other").empty());

    const auto mobile = sfv::Item::parse("?0"); // Sec-CH-UA-Mobile
    EXPECT(mobile && mobile->value.is(sfv::Type::boolean) && !mobile->value.boolean());

    const std::vector<std::string_view> lines{"Sec-CH-UA, Sec-CH-UA-Mobile", "DPR"};
    const auto accepted = sfv::List::parse(lines);
    EXPECT(accepted && accepted->size() == 3);
    const auto written = sfv::list_of(std::vector{sfv::Token{"Sec-CH-UA"}, sfv::Token{"DPR"}});
    EXPECT(written && to_string(*written) == "Sec-CH-UA, DPR");
}
