#include <gtest/gtest.h>
#include <warpbeam/loader/utf8.hpp>

#include <string_view>

namespace warpbeam {
namespace {

bool good(std::string_view text) {
    return is_utf8({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

TEST(Utf8, accepts_every_length) {
    EXPECT_TRUE(good(""));
    EXPECT_TRUE(good("plain text that is longer than eight bytes"));
    EXPECT_TRUE(
        good("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
}

TEST(Utf8, refuses_overlong_forms_surrogates_and_large_values) {
    for (const std::string_view text : {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
                                        "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
        EXPECT_FALSE(good(text)) << text;
}

TEST(Utf8, refuses_truncated_and_stray_bytes) {
    for (const std::string_view text :
         {"\x80", "\xc2", "\xe1\x80", "\xf1\x80\x80", "\xc2 ", "\xe1\x80 ", "12345678\x80"})
        EXPECT_FALSE(good(text)) << text;
}

} // namespace
} // namespace warpbeam
