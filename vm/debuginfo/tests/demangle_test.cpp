#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/debuginfo/demangle.hpp>

#include <chrono>
#include <random>
#include <string>

namespace warpbeam {
namespace {

std::string demangled(std::string_view name) {
    const auto readable = demangle(name);
    return readable ? std::string{readable->data(), readable->size()} : "out of memory";
}

struct Case {
    std::string_view mangled;
    std::string_view readable;
};

void check(std::initializer_list<Case> cases) {
    for (const Case& each : cases)
        EXPECT_EQ(demangled(each.mangled), each.readable) << each.mangled;
}

TEST(Demangle, names_of_c_plus_plus) {
    check({
        {"_Z4sinki", "sink(int)"},
        {"_Z1fv", "f()"},
        {"__Z1fv", "f()"},
        {"_Z8variable", "variable"},
        {"_ZN3foo3barEv", "foo::bar()"},
        {"_ZNK3foo3barEv", "foo::bar() const"},
        {"_ZNKR3foo3barEv", "foo::bar() const &"},
        {"_ZNVO3foo3barEv", "foo::bar() volatile &&"},
        {"_ZN3fooC1Ev", "foo::foo()"},
        {"_ZN3fooD0Ev", "foo::~foo()"},
        {"_ZN3fooIiEC2ERKS0_", "foo<int>::foo(foo<int> const&)"},
        {"_ZN12_GLOBAL__N_11fEv", "(anonymous namespace)::f()"},
        {"_ZNSsC1EPKc",
         "std::basic_string<char, std::char_traits<char>, std::allocator<char>>::basic_string(char const*)"},
        {"_Z1fSsSi", "f(std::string, std::istream)"},
        {"_ZSt4moveIRiEvOT_", "void std::move<int&>(int&)"},
        {"_ZN3fooB5cxx113barB1xEv", "foo[abi:cxx11]::bar[abi:x]()"},
        {"_ZN3fooC1B1xEv", "foo::foo[abi:x]()"},
        {"_ZNSt6vectorIiSaIiEE9push_backERKi",
         "std::vector<int, std::allocator<int>>::push_back(int const&)"},
        {"_ZL6hiddeni", "hidden(int)"},
        {"_Z1fi.cold", "f(int) (.cold)"},
        {"_Z1fi.llvm.123", "f(int) (.llvm.123)"},
    });
}

TEST(Demangle, operators) {
    check({
        {"_ZplRK1AS1_", "operator+(A const&, A const&)"},
        {"_ZN1AaSERKS_", "A::operator=(A const&)"},
        {"_ZN1AclEi", "A::operator()(int)"},
        {"_ZN1AcvbEv", "A::operator bool()"},
        {"_ZN1AcvT_IiEEv", "A::operator int<int>()"},
        {"_ZltIiEbT_S0_", "bool operator< <int>(int, int)"},
        {"_ZnwmPv", "operator new(unsigned long, void*)"},
        {"_ZdaPv", "operator delete[](void*)"},
        {"_Zli2_xy", "operator\"\" _x(unsigned long long)"},
        {"_ZssRK1AS1_", "operator<=>(A const&, A const&)"},
    });
}

TEST(Demangle, types) {
    check({
        {"_Z1fPFviE", "f(void (*)(int))"},
        {"_Z1fPFPFivEvE", "f(int (* (*)())())"},
        {"_Z1fRA3_i", "f(int (&) [3])"},
        {"_Z1fPA2_A3_Ki", "f(int const (*) [2][3])"},
        {"_Z1fM1AKFivE", "f(int (A::*)() const)"},
        {"_Z1fM1Ai", "f(int A::*)"},
        {"_Z1fPKcz", "f(char const*, ...)"},
        {"_Z1fDnDiDsDu", "f(std::nullptr_t, char32_t, char16_t, char8_t)"},
        {"_Z1fDv4_f", "f(float vector[4])"},
        {"_Z1fPDoFvvE", "f(void (*)() noexcept)"},
        {"_Z1fPU3AS1i", "f(int AS1*)"},
        {"_Z1fCd", "f(double complex)"},
        {"_Z1fIJidEEvDpT_", "void f<int, double>(int, double)"},
        {"_Z1fIJEEvDpT_", "void f<>()"},
        {"_Z1fIJRiOdEEvDpOT_", "void f<int&, double&&>(int&, double&&)"},
        {"_Z1fIiE3BoxIT_ES1_S2_", "Box<int> f<int>(int, Box<int>)"},
    });
}

TEST(Demangle, arguments_and_expressions) {
    check({
        {"_Z1fILi5EEvv", "void f<5>()"},
        {"_Z1fILin5ELj6ELm7ELb1ELc65EEvv", "void f<-5, 6u, 7ul, true, (char)65>()"},
        {"_Z1fIL1E3EEvv", "void f<(E)3>()"},
        {"_Z1fIXadL_Z1gvEEEvv", "void f<&g()>()"},
        {"_Z1fIiEDTplfp_Li1EET_", "decltype(fp + 1) f<int>(int)"},
        {"_Z1fIiEDTmlplfp_Li1ELi2EET_", "decltype((fp + 1) * 2) f<int>(int)"},
        {"_Z1fIiENSt9enable_ifIXsr3stdE13is_integral_vIT_EEiE4typeES1_",
         "std::enable_if<std::is_integral_v<int>, int>::type f<int>(int)"},
        {"_Z1fIJidEEvv", "void f<int, double>()"},
        {"_Z1fIiEvDTcl1gspT_EE", "void f<int>(decltype(g(int...)))"},
        {"_Z1fIJicEEiRAsZT__i", "int f<int, char>(int (&) [sizeof...(int, char)])"},
        {"_Z1fI1AEDTsrNT_2InIiE4Deep4BothIiS1_EE5valueES1_",
         "decltype(A::In<int>::Deep::Both<int, A>::value) f<A>(A)"},
    });
}

TEST(Demangle, local_and_special_names) {
    check({
        {"_ZZ1fvE1x", "f()::x"},
        {"_ZZ1fvE1x_0", "f()::x"},
        {"_ZZ1fvEs", "f()::string literal"},
        {"_ZZ1fvENKUliE_clEi", "f()::'lambda'(int)::operator()(int) const"},
        {"_ZZ1fvENKUlT_E0_clIiEEDaS_", "auto f()::'lambda0'(auto)::operator()<int>(auto) const"},
        {"_ZN1AUt_D1Ev", "A::'unnamed'::~'unnamed'()"},
        {"_ZTV3foo", "vtable for foo"},
        {"_ZTI3foo", "typeinfo for foo"},
        {"_ZTSPi", "typeinfo name for int*"},
        {"_ZThn8_N3foo3barEv", "non-virtual thunk to foo::bar()"},
        {"_ZTv0_n24_N3foo3barEv", "virtual thunk to foo::bar()"},
        {"_ZTC3foo0_3bar", "construction vtable for bar-in-foo"},
        {"_ZGVZ1fvE1x", "guard variable for f()::x"},
        {"_ZTW1x", "thread-local wrapper routine for x"},
    });
}

TEST(Demangle, rust_legacy) {
    check({
        {"_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic"},
        {"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE.llvm.42", "core::fmt::Formatter::pad"},
        {"_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$"
         "3bar17h930b740aa94f1d3aE",
         "<Test + 'static as foo::Bar<Test>>::bar"},
        {"_ZN3foo17h05af221e174051e9E", "foo"},
        {"_ZN3foo17h05af221e174051e9E.cold", "foo.cold"}, // a part of the function
        {"_ZN14test$RF$$LP$$C3foo17h05af221e174051e9E", "test&($C::foo"},
        // One of C++ with the same form.
        {"_ZN3foo3barE", "foo::bar"},
        {"_ZN3foo17h05af221e174051egE", "foo::h05af221e174051eg"},
    });
}

// An operator applies to no less than its operand; and `::` is that of `new`, `delete` and names alone.
TEST(Demangle, parentheses_in_expressions) {
    check({
        {"_ZN4Own11fI3AnyEEN1AIDTpldtdefpT1mfp_EEET_", "A<decltype((*this).m + fp)> Own1::f<Any>(Any)"},
        {"_Z1fI1AEDTcldefp_fp_EET_", "decltype((*fp)(fp)) f<A>(A)"},
        {"_Z1fI1AEDTixplfp_fp_fp_ET_", "decltype((fp + fp)[fp]) f<A>(A)"},
        {"_Z1fI1AEDTptnw_T_E1mES1_", "decltype((new A)->m) f<A>(A)"},
        {"_Z1fI1AEDTdtdlfp_1mET_", "decltype((delete fp).m) f<A>(A)"},
        {"_Z1fI1AEDTdttwfp_1mET_", "decltype((throw fp).m) f<A>(A)"},
        {"_Z1fI1AEDTgsnw_T_EES1_", "decltype(::new A) f<A>(A)"},
        {"_Z1fI1AEDTgsdafp_ET_", "decltype(::delete[] fp) f<A>(A)"},
        {"_Z1fIXgspl1a1bEEvv", "void f<a + b>()"},
        {"_Z1fI1AEDTclgsonplfp_fp_EET_", "decltype(::operator+(fp, fp)) f<A>(A)"},
    });
}

TEST(Demangle, rust_v0) {
    check({
        {"_RNvC7mycrate3foo", "mycrate::foo"},
        {"_RNvCskwGfYPst2Cb_3foo16example_function", "foo::example_function"},
        {"_RNCNvC5crate4main0", "crate::main::{closure#0}"},
        {"_RNCNvC5crate4mains_0", "crate::main::{closure#1}"},
        // All letters are namespaces: the small ones are not shown.
        {"_RNaC1c1f", "c::f"},
        {"_RNzC1c1f", "c::f"},
        {"_RNAC1c1f", "c::{A:f#0}"},
        {"_RNZC1c1f", "c::{Z:f#0}"},
        {"_RINvC5crate3foolmE", "crate::foo::<i32, u32>"},
        {"_RNvMC5crateNtB2_3Foo3bar", "<crate::Foo>::bar"},
        {"_RNvXC5crateNtB2_3FooNtB2_3Bar3baz", "<crate::Foo as crate::Bar>::baz"},
        {"_RINvC1c1fKj3_E", "c::f::<3>"},
        {"_RINvC1c1fKan5_Kb1_Kc41_E", "c::f::<-5, true, 'A'>"},
        {"_RINvC1c1fRShTlmEFUKCcEuE", "c::f::<&[u8], (i32, u32), unsafe extern \"C\" fn(char)>"},
        {"_RINvC1c1fDNtB2_1Tp1AlEL_E", "c::f::<dyn c::T<A = i32>>"},
        {"_RINvC1c1fAhj4_E", "c::f::<[u8; 4]>"},
        {"_RNvCs1234_7mycrateu8gdel_5qa", "mycrate::gödel"},
        {"_RNvCs_1cu30____7hkackfecea1cbdathfdh9hlq6y", "c::საჭმელად_გემრიელი_სადილი"},
        {"_RNvC1cu3A_b", "c::punycode{A-b}"},
        {"_RNvC1cu3ABC", "c::punycode{ABC}"},
        {"_RNvC1cu4ib9b", "c::punycode{ib9b}"}, // a surrogate
        {"_RNvC1cu6x_qo7g", "c::punycode{x-qo7g}"},
        {"_RNvC1cu9_999999999", "c::punycode{999999999}"},
        {"_RNvC7mycrate3foo.llvm.123", "mycrate::foo"},
        {"_RINvC1c1fFG_RL0_hEuE", "c::f::<for<'a> fn(&'a u8)>"},
    });
}

TEST(Demangle, what_is_not_a_mangled_name_stays) {
    for (const std::string_view name : {"",
                                        "_",
                                        "main",
                                        "_Z",
                                        "_ZN",
                                        "_ZN3fooE3",
                                        "_Z3fo",
                                        "_Zi",
                                        "_ZNE",
                                        "_ZS0_",
                                        "_ZS_IiE",
                                        "_Z1fS_",
                                        "_Z1fT_",
                                        "_Z99999999999999999999a",
                                        "_Z1fILE",
                                        "_Z1fDTE",
                                        "_ZC1Ev",
                                        "_ZTVi_",
                                        "_R",
                                        "_RN",
                                        "_RNvC3f",
                                        "_RB_",
                                        "_RNvB_1a",
                                        "_R1NvC1c1f",
                                        "_RINvC1c1fKz_E",
                                        "_RINvC1c1fKjg_E",
                                        "_RN`C1c1f",
                                        "_RN{C1c1f",
                                        "_RN@C1c1f",
                                        "_RN[C1c1f",
                                        "_RNvC1c1f~",
                                        "_ZN3foo3barEv$junk",
                                        "$s4main3fooyyF",
                                        "?f@@YAXH@Z",
                                        "_Z1fLi"})
        EXPECT_EQ(demangled(name), name);
    const std::string_view zero{"_Z1f\0i", 6};
    EXPECT_EQ(demangled(zero), zero);
}

std::string repeated(std::string_view text, size_t count) {
    std::string all;
    for (size_t i = 0; i < count; ++i)
        all += text;
    return all;
}

TEST(Demangle, nesting_is_limited) {
    EXPECT_EQ(demangled("_Z1f" + repeated("P", 100) + "i"), "f(int" + repeated("*", 100) + ")");
    for (const std::string_view part :
         {"P", "K", "F", "A_", "1AI", "DTng", "Z1f", "N1AI", "M1A", "J", "XngL"}) {
        const std::string name = "_Z1f" + repeated(part, 8000) + "i";
        EXPECT_EQ(demangled(name), name);
    }
    for (const std::string_view part : {"R", "T", "S", "FG_", "INvC1c1f", "NvNv", "MC1c", "KR"}) {
        const std::string name = "_RINvC1c1f" + repeated(part, 8000) + "lE";
        EXPECT_EQ(demangled(name), name);
    }
}

TEST(Demangle, numbers_are_limited) {
    EXPECT_EQ(demangled("_ZZ1fvENKUlT1000000_E_clEi"), "f()::'lambda'(auto)::operator()(int) const");
    EXPECT_EQ(demangled("_ZZ1fvENKUlT1000001_E_clEi"), "_ZZ1fvENKUlT1000001_E_clEi");
}

// The parameter of the template, which the conversion names before its argument is known, is what contains
// it.
TEST(Demangle, types_that_contain_themselves_end) {
    for (const std::string_view name :
         {"_ZN1AcvT_IS0_EEv", "_ZN1AcvPT_IS1_EEv", "_ZN1AcvRT_IS1_EEv", "_ZN1AcvOT_IS1_EEv",
          "_ZN1AcvKT_IS1_EEv", "_ZN1AcvPKT_IS1_EEv", "_ZN1AcvPKT_IS2_EEv", "_ZN1AcvM1AT_IS1_EEv",
          "_ZN1AcvA2_T_IS1_EEv",
          // As the result of another function.
          "_Z1fIXadL_ZN1AcvPT_IS2_EEvEEES2_v", "_Z1fIXadL_ZN1AcvPT_IS2_EEvEEES3_v"})
        EXPECT_EQ(demangled(name), name);
}

TEST(Demangle, short_names_of_endless_ones_are_limited) {
    // Each pair has twice the length of the one before.
    std::string name = "_Z1f1PIiiE";
    const char* const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int i = 0; i < 30; ++i) {
        const std::string last = i == 0 ? "S0_" : std::string{"S"} + digits[i] + "_";
        name += "S_I" + last + last + "E";
    }
    EXPECT_EQ(demangled(name), name);
    // The same, without printing anything: packs of nothing.
    std::string empty = "_Z1fIJEEvDp1PIT_E";
    EXPECT_EQ(demangled(empty), "void f<>()");
    // References in Rust's names.
    std::string rust = "_RINvC1c1fTllE";
    size_t last = rust.size() - 2 - 4;
    for (int i = 0; i < 30; ++i) {
        const size_t here = rust.size() - 3;
        std::string number = "_";
        if (last > 0) {
            number.clear();
            for (size_t value = last - 1; value > 0 || number.empty(); value /= 62)
                number.insert(0, 1,
                              "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % 62]);
            number += '_';
        }
        rust.pop_back();
        rust += "TB" + number + "B" + number + "EE";
        last = here;
    }
    EXPECT_EQ(demangled(rust), rust);
}

TEST(Demangle, readable_names_are_limited) {
    const auto pointers = [](size_t names) { return "_Z1f" + repeated("4abcd", names); };
    EXPECT_EQ(demangled(pointers(1000)).substr(0, 14), "f(abcd, abcd, ");
    EXPECT_EQ(demangled(pointers(2000)), pointers(2000));
    const std::string plain(100'000, 'x');
    EXPECT_EQ(demangled(plain), plain);
    EXPECT_EQ(demangled("_Z" + plain), "_Z" + plain);
}

TEST(Demangle, damaged_names_do_no_harm) {
    const std::string_view names[] = {
        "_ZNSt6vectorIN4demo3BoxIJiPFvRKT_EEEESaIiEE9push_backILi5EXadL_Z1gvEEEEDTplfp_Li1EEOT_DpT0_",
        "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$"
        "3bar17h930b740aa94f1d3aE",
        "_RINvXs5_NtC5crate3fooINtB4_3FooDNtB2_1Tp1AlEL_KhFF_ENtB2_3Bar3bazFG_RL0_hEuNCNvB2_4mains_0E",
    };
    std::mt19937 random{7};
    const std::string_view alphabet = "_ZRNITSDLXJEFPAMK0123456789abcdiuvpst$.";
    for (const std::string_view name : names)
        for (int i = 0; i < 20'000; ++i) {
            std::string changed{name};
            for (size_t n = random() % 4 + 1; n > 0; --n)
                changed[2 + random() % (changed.size() - 2)] = alphabet[random() % alphabet.size()];
            if (random() % 4 == 0)
                changed.resize(random() % changed.size());
            const std::string readable = demangled(changed);
            EXPECT_LE(readable.size(), max_demangled);
        }
}

TEST(Demangle, reports_that_memory_runs_out) {
    for (const std::string_view name : {"_ZNSt6vectorIiSaIiEE9push_backERKi", "_RNvC7mycrate3foo",
                                        "_ZN3foo17h05af221e174051e9E", "plain"}) {
        size_t successes = 0;
        for (bool done = false; !done; ++successes) {
            test::ScarceAllocator allocator{successes};
            {
                const auto readable = demangle(name, allocator);
                done = readable.has_value();
                EXPECT_TRUE(done || readable.error().code() == ErrorCode::out_of_memory);
                if (done) {
                    EXPECT_EQ((std::string{readable->data(), readable->size()}), demangled(name));
                }
            }
            EXPECT_EQ(allocator.live, 0);
        }
        EXPECT_GT(successes, 1u);
    }
}

} // namespace
} // namespace warpbeam
