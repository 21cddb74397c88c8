#!/usr/bin/env python3
"""Names of templates with every kind of expression are printed as llvm-cxxfilt prints them, but for spaces and parentheses:
demangle_test.py PRINT_DEMANGLED C++-COMPILER

The compiler makes the names, of functions whose results are decltypes of the expressions. Skipped if there is no llvm-cxxfilt or
no clang.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

print_demangled = sys.argv[1]
compiler = next((each for each in (sys.argv[2], "clang++-19", "clang++") if "clang" in os.path.basename(each) and shutil.which(each)), None)
cxxfilt = next(filter(None, map(shutil.which, ("llvm-cxxfilt-19", "llvm-cxxfilt"))), None)
nm = next(filter(None, map(shutil.which, ("llvm-nm-19", "nm"))), None)
if None in (cxxfilt, nm, compiler):
    print("skipped: there is no llvm-cxxfilt, no nm, or no clang")
    sys.exit(77)

BINARY = "+ - * / % ^ & | < > <= >= == != && || << >> = += -= *= /= %= ^= &= |= <<= >>= ->* <=>".split()
UNARY = "+ - * & ! ~ ++ --".split()

HEAD = """#include <compare>
#include <new>
#include <typeinfo>
#include <cstddef>
enum Plain { one, two };
enum class Scoped : char { a = 3 };
struct Any {
    Any(); Any(int); Any(int, int); Any(const Any&); virtual ~Any();
    int m; static int s;
    template <class X> X member(X);
    template <class X> static X fixed(X);
    template <class X> struct In { typedef X type; static X value; template <class Y> static Y both(X, Y); };
    int operator()(auto...) const; int operator[](auto) const; int operator->*(auto) const; Any* operator->() const;
    operator int() const; void* operator new(std::size_t, int, Any); void* operator new(std::size_t); void* operator new[](std::size_t);
    void operator delete(void*);
%s
};
template <class X> X plain(X);
template <class X, class Y> Y plain(X, Y);
template <class... X> int many(X...);
""" % "\n".join([f"    int operator{op}(auto) const;" for op in BINARY if op not in ("->*", "&&", "||", "=")] +
               [f"    int operator{op}() const;" for op in UNARY] + ["    int operator++(int) const; int operator--(int) const;"])

EXPRESSIONS = [f"t {op} u" for op in BINARY if op != "->*"] + [f"{op}t" for op in UNARY] + [
    "t++", "t--", "(t, u)", "t->*u", "t[u]", "t(u, t)", "t()", "t ? t : t", "(T)t", "T(u)", "T(1, u)", "T()", "T{u}", "T{1, u}", "T{}",
    "static_cast<T>(u)", "const_cast<const T&>(t)", "dynamic_cast<const T&>(t)", "reinterpret_cast<T*>(&t)", "sizeof(T)", "sizeof t",
    "sizeof(t + u)", "alignof(T)", "__alignof__(t + u)", "typeid(T)", "typeid(t + u)", "noexcept(t + u)", "new T", "new T()",
    "new T(u)", "new T(1, u)", "new T{u}", "new (1, t) T", "new (1, t) T(u)", "new T[3]", "::new T", "::new T(u)", "delete &t", "delete[] &t",
    "::delete &t", "::delete[] &t", "throw t", "t ? throw : t", "t.m", "(&t)->m", "t.T::m", "t.template member<U>(u)",
    "t.template member<U>", "T::s", "T::fixed(u)", "T::template fixed<U>(u)", "T::template fixed<U>", "T::template In<U>::value",
    "T::template In<U>::both(u, t)", "T::template In<U>::template both<T>(u, t)", "t.~T()", "t.T::~T()", "(&t)->~T()", "t.operator+()",
    "t.operator+(u)", "t.operator()(u)", "&T::m", "&T::s", "t.*(&T::m)", "(&t)->*(&T::m)", "plain(t)", "plain<T>(t)", "plain<T, int>(t, 1)",
    "many(t, u, 1, 2u, 3l, 4ul, 5ll, 6ull, true, false, 'a', 1.5, 2.5f)", "t + nullptr", "t + Plain::two", "t + Scoped::a", "t + (char)1",
    "t + (short)-1", "t + (unsigned char)200", "t + -7", "t + 0x7fffffffffffffff", "t + L'a'", "t + u'a'",
    "(void)t", "(const T* volatile)&t", "(int T::*)nullptr", "(int (T::*)(U))nullptr", "(int (*)(T, U...))nullptr", "(T (&)[3])t",
    "T(t)(T(u))", "sizeof(typename T::template In<U>::type)", "static_cast<typename T::template In<U>::type>(u)",
    "[]() { return 1; }() + t", "int(t)", "int{t.m}"]
PACKS = [f"(ts {op} ...)" for op in BINARY if op not in ("<=>",)] + [f"(... {op} ts)" for op in BINARY if op not in ("<=>",)] + [
    "(ts + ... + 1)", "(1 + ... + ts)", "(ts && ... && (N > 1))", "((N > 1) || ... || ts)", "(ts, ...)", "(..., ts)", "(ts.*... .* ts)",
    "sizeof...(ts)", "sizeof...(Ts)", "many(ts...)", "many((ts + 1)...)", "many(Ts(ts)...)", "many(sizeof(Ts)...)", "many<Ts...>(ts...)",
    "Any(ts...)", "Any{ts...}", "new Any(ts...)", "many(many(ts..., 1)...)", "many(static_cast<Ts>(ts)..., N)"]
MEMBERS = ["this->m + t", "m + t", "(*this)(t)", "this->template member<T>(t)"]
TYPES = ["T (*)(int, ...)", "T (&)[N]", "T (Any::*)() const volatile &", "T (Any::*)() && noexcept", "T Any::*", "const volatile T* const&",
         "T&&", "T (*(*)(int))[2]", "Any::In<T>", "Any::In<Any::In<T>>*", "std::nullptr_t", "__int128", "unsigned __int128", "_Float16", "char8_t",
         "char16_t", "char32_t", "signed char", "long double", "wchar_t", "T __attribute__((vector_size(16)))", "_Complex float",
         "decltype(nullptr)", "T (*)() noexcept", "auto (*)(T) -> int"]

# Each line declares a template, and the next one takes the address of an instance, so that its name is in the object.
lines = []
for i, expression in enumerate(EXPRESSIONS):
    lines.append(f"template <class T, class U> auto e{i}(T t, U u) -> Any::In<decltype({expression})>;")
    lines.append(f"auto* use_e{i} = &e{i}<Any, Any>;")
for i, expression in enumerate(PACKS):
    lines.append(f"template <int N, class... Ts> auto p{i}(Ts... ts) -> Any::In<decltype({expression})>;")
    lines.append(f"auto* use_p{i} = &p{i}<3, Any, Any>;")
for i, expression in enumerate(MEMBERS):
    lines.append(f"struct Own{i} : Any {{ template <class T> auto f(T t) -> Any::In<decltype({expression})>; }};")
    lines.append(f"auto use_m{i} = &Own{i}::f<Any>;")
for i, kind in enumerate(TYPES):
    lines.append(f"template <class T, int N> void t{i}(Any::In<{kind}>, {kind.replace('(*)', '(*x)')}*);")
    lines.append(f"auto* use_t{i} = &t{i}<float, 5>;")

# What this version of the compiler refuses is left out.
refused = 0
with tempfile.TemporaryDirectory() as folder:
    for _ in range(5):
        with open(os.path.join(folder, "names.cpp"), "w", encoding="utf-8") as file:
            file.write(HEAD + "#line 1\n" + "\n".join(lines) + "\n")
        made = subprocess.run([compiler, "-std=c++20", "-w", "-O0", "-ferror-limit=0", "-c", "-o", "names.o", "names.cpp"],
                              cwd=folder, capture_output=True, text=True)
        if made.returncode == 0:
            break
        for number in {int(found) for found in re.findall(r"^names\.cpp:(\d+):\d+: (?:fatal )?error", made.stderr, re.M)}:
            both = (number - 1) // 2 * 2
            refused += lines[both] != ""
            lines[both:both + 2] = ["", ""]
    else:
        sys.exit(made.stderr[:3000])
    symbols = subprocess.run([nm, os.path.join(folder, "names.o")], capture_output=True, text=True, check=True).stdout
names = sorted({line.split()[-1] for line in symbols.splitlines() if line.split()[-1].startswith("_Z")})

# What those templates are not: special names, structured bindings, types of functions, qualifiers, local and old names.
NAMES = """
_ZDC1a1bE _ZN1SDC1a1bEE _ZTchn16_h32_N1B1fEv _ZTcv0_n24_v0_n32_N1D1fEv _ZGR1x_ _ZGRN1A1xE0_ _ZGTt1fv
_ZTAXtl1ALi1EEE _Z1fDB7_ _Z1fDU32_ _Z1fPDoFvvE _Z1fPDOLb1EEFvvE _Z1fPDwiEFvvE _Z1fPDwicEFvvE _Z1fM1AFvvOE
_Z1fM1AFvvRE _Z1fM1AKFvvE _Z1fTs1A _Z1fTu1A _Z1fTe1A _Z1fGf _Z1fCf _Z1fPri _Z1fPVrKi _Z1fU5AS001i
_Z1fU3fooIiEi _Z1fIiEDTpp_fp_ET_ _Z1fIiEDTppfp_ET_ _Z1fIiEDTmm_fp_ET_ _Z1fPA3_i _Z1fRA_i _Z1fPFPFivEvE
_Z1fM1AA3_i _Z1fMM1AFvvEi _Z1fDn _Z1fDv4_f _Z1fDv4_u6__bf16 _ZN1A1BILi1EE1CIS0_EE _ZNK1AcvT_IiEEv _ZN1AC1ERKS_
_ZN1AC2IiEET_ _ZN1AD0Ev _ZN1ACI21BEi
_ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEC2B7v160006ERKS5_ _Z1fB3abcv _ZN1AIiE1fEv.cold
_Z1fDpT_ _Z1fIJicEEvDpT_ _Z1fIiEDaT_ _Z1fIiEDcT_ _Z1fITyTnT_EvS0_ _Z1fITkT_EvS0_ _ZZ1fvENKUlT_E_clIiEEDaS_
_ZZ1fvEUt_ _ZZ1fvEUt0_ _ZZ1fvEs _ZZ1fvEs_0 _ZZ1fiEd0_1x _ZGVZ1fvE1x _ZTW1x _ZTH1x _ZTIPKc _ZTSN1AE _ZTC1A0_1B
_ZTT1A _ZThn8_N1A1fEv _ZTv0_n24_N1A1fEv _Z1fDF16_ _Z1fDF16b _Z1fDF32x _Z1fDh _Z1fDu _Z1fDi _Z1fDd _Z1fz _Z1fg
_Z1fnno _Z1fw _Z1fIXadL_Z1gvEEEvv _Z1fIXadL_ZN1A1xEEEEvv _Z1fIXsrSt9is_same_vIT_iEEEvv
_Z1fIiEvN9enable_ifIXsr3stdE7is_voidIT_EE4typeE
""".split()
names += NAMES

text = "\n".join(names) + "\n"
ours, theirs = (subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.splitlines()
                for command in ([print_demangled], [cxxfilt]))
passed = failed = 0
for name, mine, other in zip(names, ours, theirs, strict=True):
    # They differ in spaces, and in parentheses that change nothing.
    # What it can't print remains.
    if other == name or re.sub("[ ()]", "", mine) == re.sub("[ ()]", "", other):
        passed += 1
    else:
        failed += 1
        print(f"{name}:\n  {mine}\ninstead of\n  {other}")
print(f"{len(lines) // 2 - refused} templates, {refused} refused by the compiler")
if len(lines) // 2 - refused < 180:
    failed += 1
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
