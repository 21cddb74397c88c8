#include <warpbeam/vm/linker.hpp>

#include <string>
#include <string_view>

/// Signatures that have no WebAssembly counterpart. Each one gives a single error, with the text in its
/// comment. The Caller does not count as a parameter. wrong_signatures_test.py compiles this file.

namespace {

using namespace warpbeam;

enum class Colour : uint32_t { red };
struct Plain {};
struct Method {
    int32_t twice(int32_t number) { return 2 * number; }
};
struct Overloaded {
    void operator()(int32_t) const {}
    void operator()(int64_t) const {}
};

// clang-format off: each text on the line of its error

void host_functions(Linker& linker) {
    (void)linker.func("m", "n", [](bool) {}); // error: parameter 1 is a bool: use int32_t
    (void)linker.func("m", "n", [](int32_t, Colour) {}); // error: parameter 2 is an enumeration: use int32_t or int64_t
    (void)linker.func("m", "n", [](int32_t, float, uint8_t) {}); // error: parameter 3 is an 8-bit or 16-bit integer: use int32_t or uint32_t
    (void)linker.func("m", "n", [](int, int, int, char16_t) {}); // error: parameter 4 is an 8-bit or 16-bit integer: use int32_t or uint32_t
    (void)linker.func("m", "n", [](int*) {}); // error: parameter 1 is a pointer: use uint32_t for a memory address, or ExternRef
    (void)linker.func("m", "n", [](int, const char*) {}); // error: parameter 2 is a pointer: use uint32_t for a memory address, or ExternRef
    (void)linker.func("m", "n", [](std::string_view) {}); // error: parameter 1 is a string: use two uint32_t, for its memory address and its length
    (void)linker.func("m", "n", [](int, const std::string&) {}); // error: parameter 2 is a string: use two uint32_t, for its memory address and its length
    (void)linker.func("m", "n", [](int32_t&) {}); // error: parameter 1 is a reference: use the type itself
    (void)linker.func("m", "n", [](int, const int64_t&) {}); // error: parameter 2 is a reference: use the type itself
    (void)linker.func("m", "n", [](int, int, float&&) {}); // error: parameter 3 is a reference: use the type itself
    (void)linker.func("m", "n", [](int, Caller&) {}); // error: parameter 2 is a Caller: a host function must take it as Caller&, as its first parameter
    (void)linker.func("m", "n", [](Caller) {}); // error: parameter 1 is a Caller: a host function must take it as Caller&, as its first parameter
    (void)linker.func("m", "n", [](Caller&, int, const Caller&) {}); // error: parameter 2 is a Caller: a host function must take it as Caller&, as its first parameter
    (void)linker.func("m", "n", [](int, int, long double) {}); // error: parameter 3 is a long double: use double
    (void)linker.func("m", "n", [](Caller&, int, int, int, Plain) {}); // error: parameter 4 does not correspond to a WebAssembly type: see WasmType
    (void)linker.func("m", "n", [](int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, bool) {}); // error: a parameter after the 16th is a bool: use int32_t
    (void)linker.func("m", "n", [](wchar_t) {}); // error: parameter 1 does not correspond to a WebAssembly type: see WasmType
    (void)linker.func("m", "n", [](int32_t) { return true; }); // error: the result is a bool: use int32_t
    (void)linker.func("m", "n", []() -> std::expected<uint8_t, Trap> { return 1; }); // error: the result is an 8-bit or 16-bit integer: use int32_t or uint32_t
    (void)linker.func("m", "n", []() -> std::expected<int, std::string> { return 1; }); // error: the result is a std::expected: only a host function may return one, and its error must be a Trap
    (void)linker.func("m", "n", []() -> Colour { return Colour::red; }); // error: the result is an enumeration: use int32_t or int64_t
    (void)linker.func("m", "n", [] { return std::tuple{1, 2.5, false}; }); // error: result 3 is a bool: use int32_t
    (void)linker.func("m", "n", [] { return std::pair{1, 2}; }); // error: the result does not correspond to a WebAssembly type: see WasmType
    (void)linker.func("m", "n", &Method::twice); // error: a host function can't be a pointer to a member: use a lambda that calls the member
    (void)linker.func("m", "n", [](auto) {}); // error: a host function has one operator(), whose parameter types are written out: this has none, several, or that of a generic lambda
    (void)linker.func("m", "n", 5); // error: a host function is a lambda, a functor or a pointer to a function whose number of parameters is fixed
    (void)linker.func("m", "n", FuncType{}, [](Caller&) {}); // error: an untyped host function takes (Caller&, std::span<const Value>, std::span<Value>) and returns std::expected<void, Trap>
}

void wraps(Store& store) {
    (void)Func::wrap(store, [](int, int, bool) {}); // error: parameter 3 is a bool: use int32_t
    (void)Func::wrap(store, Overloaded{}); // error: a host function has one operator(), whose parameter types are written out: this has none, several, or that of a generic lambda
}

void calls(Instance instance) {
    (void)instance.func<void(int, int, int, bool)>("f"); // error: parameter 4 is a bool: use int32_t
    if (const auto func = instance.func<std::tuple<int, bool>(int)>("f")) // error: result 2 is a bool: use int32_t
        (void)(*func)(1);
    (void)instance.func<void(int, int, int, Caller&)>("f"); // error: parameter 4 is a Caller: a host function must take it as Caller&, as its first parameter
    (void)instance.func<const char*(int)>("f"); // error: the result is a pointer: use uint32_t for a memory address, or ExternRef
    (void)instance.func<int>("f"); // error: the argument of TypedFunc must be a function type, such as int32_t(int32_t)
}

// clang-format on

} // namespace
