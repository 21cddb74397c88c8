// The README's example, whole and as a test: the lines between the marks are those that the README shows.

#include <warpbeam/vm/linker.hpp>

#include <cstdint>
#include <cstdio>
#include <string_view>

namespace {

// (module
//   (import "env" "log" (func $log (param i32)))
//   (func (export "add") (param i32 i32) (result i32)
//     (call $log (local.get 0))
//     (i32.add (local.get 0) (local.get 1))))
constexpr uint8_t bytes[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0b, 0x02, 0x60, 0x01, 0x7f, 0x00, 0x60,
    0x02, 0x7f, 0x7f, 0x01, 0x7f, 0x02, 0x0b, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x03, 0x6c, 0x6f, 0x67,
    0x00, 0x00, 0x03, 0x02, 0x01, 0x01, 0x07, 0x07, 0x01, 0x03, 0x61, 0x64, 0x64, 0x00, 0x01, 0x0a,
    0x0d, 0x01, 0x0b, 0x00, 0x20, 0x00, 0x10, 0x00, 0x20, 0x00, 0x20, 0x01, 0x6a, 0x0b,
};

int32_t logged = 0;

/// Whether something failed; prints the first failure.
bool failed(const auto&... results) {
    std::string_view why;
    const auto look = [&](const auto& result) {
        if (!result && why.empty())
            why = result.error().message();
    };
    (look(results), ...);
    if (!why.empty())
        std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
    return !why.empty();
}

int embed() {
    // [readme
    warpbeam::Engine engine;
    warpbeam::Linker linker{engine};
    warpbeam::Store store{engine};
    auto defined = linker.func("env", "log", [](int32_t n) { logged = n; });
    auto module = engine.load(bytes); // decodes and validates; every result is a std::expected
    auto instance = linker.instantiate(store, module.value_or(warpbeam::Module{}));
    auto add = instance.value_or(warpbeam::Instance{}).func<int32_t(int32_t, int32_t)>("add");
    if (failed(defined, module, instance, add)) // with an empty handle, the next step fails too
        return 1;
    auto sum = (*add)(2, 40); // 42, or a trap with its backtrace
    // readme]
    return !failed(sum) && *sum == 42 && logged == 2 ? 0 : 1;
}

} // namespace

int main() { return embed(); }
