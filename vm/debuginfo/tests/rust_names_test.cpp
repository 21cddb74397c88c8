#include <gtest/gtest.h>
#include <warpbeam/debuginfo/demangle.hpp>

#include <vector>

/// Names that rustc makes of types and constants in generic arguments. rustfilt says the same of them, but
/// that it prints letters beyond ASCII.

namespace warpbeam {
namespace {

struct Name {
    std::string_view mangled;
    std::string_view readable;
};

// A crate `k`, with `struct W<T>` and functions that have a constant as their parameter.
constexpr Name names[] = {
    {"_RINvCsatdfoCJcp2e_1k1aKAh1_h2_h3_EEB2_", "k::a::<{[1, 2, 3]}>"},
    {"_RINvCsatdfoCJcp2e_1k1bKb0_EB2_", "k::b::<false>"},
    {"_RINvCsatdfoCJcp2e_1k1cKc0_EB2_", "k::c::<'\\0'>"},
    {"_RINvCsatdfoCJcp2e_1k1cKc10ffff_EB2_", "k::c::<'\\u{10ffff}'>"},
    {"_RINvCsatdfoCJcp2e_1k1cKc22_EB2_", "k::c::<'\"'>"},
    {"_RINvCsatdfoCJcp2e_1k1cKc27_EB2_", "k::c::<'\\''>"},
    {"_RINvCsatdfoCJcp2e_1k1cKc61_EB2_", "k::c::<'a'>"},
    {"_RINvCsatdfoCJcp2e_1k1cKca_EB2_", "k::c::<'\\n'>"},
    {"_RINvCsatdfoCJcp2e_1k1cKc00e9_EB2_", "k::c::<'\\u{e9}'>"},
    {"_RINvCsatdfoCJcp2e_1k1cKce9_EB2_", "k::c::<'\\u{e9}'>"},
    {"_RINvCsatdfoCJcp2e_1k1eKVNtNtB2_1E4NoneUEB2_", "k::e::<{k::E::None}>"},
    {"_RINvCsatdfoCJcp2e_1k1eKVNtNtB2_1E4PairS1xan1_1ya2_EEB2_", "k::e::<{k::E::Pair { x: -1, y: 2 }}>"},
    {"_RINvCsatdfoCJcp2e_1k1eKVNtNtB2_1E4SomeTt9_EEB2_", "k::e::<{k::E::Some(9)}>"},
    {"_RINvCsatdfoCJcp2e_1k1kKxn8000000000000000_EB2_", "k::k::<-9223372036854775808>"},
    {"_RINvCsatdfoCJcp2e_1k1mKo0_EB2_", "k::m::<0>"},
    {"_RINvCsatdfoCJcp2e_1k1mKoffffffffffffffffffffffffffffffff_EB2_",
     "k::m::<0xffffffffffffffffffffffffffffffff>"},
    {"_RINvCsatdfoCJcp2e_1k1nKn7fffffffffffffffffffffffffffffff_EB2_",
     "k::n::<0x7fffffffffffffffffffffffffffffff>"},
    {"_RINvCsatdfoCJcp2e_1k1nKnn1_EB2_", "k::n::<-1>"},
    {"_RINvCsatdfoCJcp2e_1k1nKnn80000000000000000000000000000000_EB2_",
     "k::n::<-0x80000000000000000000000000000000>"},
    {"_RINvCsatdfoCJcp2e_1k1pKVNtB2_1PS1ah1_1bb1_EEB2_", "k::p::<{k::P { a: 1, b: true }}>"},
    {"_RINvCsatdfoCJcp2e_1k1qKVNtB2_1QTln5_c78_EEB2_", "k::q::<{k::Q(-5, 'x')}>"},
    {"_RINvCsatdfoCJcp2e_1k1rKRAh1_hff_EEB2_", "k::r::<{&[1, 255]}>"},
    {"_RINvCsatdfoCJcp2e_1k1sKRe6122625c0a_EB2_", "k::s::<\"a\\\"b\\\\\\n\">"},
    {"_RINvCsatdfoCJcp2e_1k1sKRe_EB2_", "k::s::<\"\">"},
    {"_RINvCsatdfoCJcp2e_1k1sKe6162_EB2_", "k::s::<{*\"ab\"}>"}, // a str itself
    {"_RINvCsatdfoCJcp2e_1k1sKRec3a9e28692_EB2_", "k::s::<\"é→\">"},
    {"_RINvCsatdfoCJcp2e_1k1tKTh1_an2_EEB2_", "k::t::<{(1, -2)}>"},
    {"_RINvCsatdfoCJcp2e_1k1uKVNtB2_1UUEB2_", "k::u::<{k::U}>"},
    {"_RINvCsatdfoCJcp2e_1k2t1KTh1_EEB2_", "k::t1::<{(1,)}>"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WAmj7_E2goB2_", "<k::W<[u32; 7]>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WDG0_INtNtNtCsgEmfK2I1SDS_4core3ops8function2FnTRL1_eQL0_SIBj_"
     "hEEEp6OutputINtNtBB_6option6OptionINtNtCslNYArtu3iFV_5alloc5boxed3BoxDNtNtBB_6marker4SendEL_EEEL_"
     "E2goB2_",
     "<k::W<dyn for<'a, 'b> core::ops::function::Fn<(&'a str, &'b mut [k::W<u8>]), Output = "
     "core::option::Option<alloc::boxed::Box<dyn core::marker::Send>>>>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WDG_INtNtNtCsgEmfK2I1SDS_4core3ops8function2FnTRL0_hEEp6OutputRL0_hEL_"
     "E2goB2_",
     "<k::W<dyn for<'a> core::ops::function::Fn<(&'a u8,), Output = &'a u8>>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WDNtNtCsgEmfK2I1SDS_4core6marker4SendEL_E2goB2_",
     "<k::W<dyn core::marker::Send>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WDNtNtNtNtCsgEmfK2I1SDS_4core4iter6traits8iterator8Iteratorp4ItemhNtNtBz_"
     "6marker4SyncNtB1v_4SendEL_E2goB2_",
     "<k::W<dyn core::iter::traits::iterator::Iterator<Item = u8> + core::marker::Sync + "
     "core::marker::Send>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WFEuE2goB2_", "<k::W<fn()>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WFG0_RL1_hRL0_hFRL1_hERL0_hEuE2goB2_",
     "<k::W<for<'a, 'b> fn(&'a u8, &'b u8, fn(&'a u8) -> &'b u8)>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WFG_RL0_hERL0_hE2goB2_", "<k::W<for<'a> fn(&'a u8) -> &'a u8>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WFK13sysv64_unwindEuE2goB2_", "<k::W<extern \"sysv64-unwind\" fn()>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WFK6systemEuE2goB2_", "<k::W<extern \"system\" fn()>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WFK8C_unwindEuE2goB2_", "<k::W<extern \"C-unwind\" fn()>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WFKChEuE2goB2_", "<k::W<extern \"C\" fn(u8)>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WFUKChEzE2goB2_", "<k::W<unsafe extern \"C\" fn(u8) -> !>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WFUhEuE2goB2_", "<k::W<unsafe fn(u8)>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WFhEaE2goB2_", "<k::W<fn(u8) -> i8>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WIBj_IBj_TIBj_hEBz_EEEE2goB2_",
     "<k::W<k::W<k::W<(k::W<u8>, k::W<u8>)>>>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WOhE2goB2_", "<k::W<*mut u8>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WPhE2goB2_", "<k::W<*const u8>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WQsE2goB2_", "<k::W<&mut i16>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WRDNtNtCsgEmfK2I1SDS_4core3fmt5DebugEL_E2goB2_",
     "<k::W<&dyn core::fmt::Debug>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WRtE2goB2_", "<k::W<&u16>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WSmE2goB2_", "<k::W<[u32]>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WTdcbEE2goB2_", "<k::W<(f64, char, bool)>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WTfEE2goB2_", "<k::W<(f32,)>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WeE2goB2_", "<k::W<str>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WiE2goB2_", "<k::W<isize>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WjE2goB2_", "<k::W<usize>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WnE2goB2_", "<k::W<i128>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WoE2goB2_", "<k::W<u128>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WuE2goB2_", "<k::W<()>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WxE2goB2_", "<k::W<i64>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WyE2goB2_", "<k::W<u64>>::go"},
    {"_RNvMCsatdfoCJcp2e_1kINtB2_1WzE2goB2_", "<k::W<!>>::go"},
};

TEST(RustNames, of_types_and_constants) {
    for (const Name& each : names) {
        const auto found = demangle(each.mangled);
        ASSERT_TRUE(found) << each.mangled;
        EXPECT_EQ(std::string_view(found->data(), found->size()), each.readable) << each.mangled;
    }
}

// Without its last character no name is whole. With less of it, it may be a whole one again, of a function
// without the crate that made the instance: then only a sanitizer notices what is read beyond the copy's end.
TEST(RustNames, that_are_cut_short) {
    for (const Name& each : names) {
        for (size_t size = 2; size < each.mangled.size(); ++size) {
            const std::vector<char> part(each.mangled.begin(),
                                         each.mangled.begin() + static_cast<ptrdiff_t>(size));
            EXPECT_TRUE(demangle({part.data(), part.size()})) << std::string_view{part.data(), part.size()};
        }
        const std::string_view part = each.mangled.substr(0, each.mangled.size() - 1);
        const auto found = demangle(part);
        ASSERT_TRUE(found);
        EXPECT_EQ(std::string_view(found->data(), found->size()), part);
    }
}

TEST(RustNames, whose_strings_would_control_a_terminal) {
    const auto text = [](std::string_view name) {
        const auto found = demangle(name);
        return std::string(found->data(), found->size());
    };
    EXPECT_EQ(text("_RINvC1k1sKRe1b5b_E"), R"(k::s::<"\u{1b}[">)");
    EXPECT_EQ(text("_RINvC1k1sKRe7f_E"), R"(k::s::<"\u{7f}">)");
    EXPECT_EQ(text("_RINvC1k1sKRec29b_E"), R"(k::s::<"\u{9b}">)");
    EXPECT_EQ(text("_RINvC1k1sKRec2a0_E"), "k::s::<\"\u00a0\">");
    EXPECT_EQ(text("_RINvC1k1sKRef09f9880_E"), "k::s::<\"\U0001f600\">");
    // Bytes that are not UTF-8 are no string.
    for (const std::string_view name :
         {"_RINvC1k1sKRe80_E", "_RINvC1k1sKRec2_E", "_RINvC1k1sKRec241_E", "_RINvC1k1sKReeda080_E",
          "_RINvC1k1sKRef5808080_E", "_RINvC1k1sKRe4_E"})
        EXPECT_EQ(text(name), name);
}

} // namespace
} // namespace warpbeam
