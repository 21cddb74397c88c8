// A program like those of other projects: built in all the ways that the library can be used, and with a
// sanitizer that needs type information of objects made by the library.

#ifdef WITH_SFV
#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/sfv.h>
#endif
#include <warpbeam/debuginfo/debug_info.hpp>
#include <warpbeam/debuginfo/demangle.hpp>
#include <warpbeam/loader/type_printer.hpp>
#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/text/parse.hpp>
#include <warpbeam/text/print.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr std::string_view source = R"(
    (module
      (import "env" "twice" (func $twice (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "answer") (param i32) (result i32)
        (drop (memory.grow (i32.const 1)))
        (call $twice (local.get 0))))
)";

// The library calls the classes that this program derives.
class OwnAllocator final : public warpbeam::Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        ++allocations;
        return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    }
    void deallocate(void* block, size_t, size_t) noexcept override { std::free(block); }

    size_t allocations = 0;
};

class OwnPolicy final : public warpbeam::GrowthPolicy {
public:
    bool allow_memory(const warpbeam::Store&, const warpbeam::MemoryType&, uint64_t,
                      uint64_t to) noexcept override {
        largest = to;
        return true;
    }

    uint64_t largest = 0;
};

class OwnPrinter final : public warpbeam::TypePrinter {
public:
    std::string text;

protected:
    void add(std::string_view more) noexcept override { text += more; }
    void defined(warpbeam::TypeId) noexcept override {}
};

template <typename Result>
auto take(Result&& result, const char* what) {
    if (!result) {
        std::fprintf(stderr, "%s: %s\n", what, std::string{result.error().message()}.c_str());
        std::exit(1);
    }
    return *std::forward<Result>(result);
}

void check(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "failed: %s\n", what);
        std::exit(1);
    }
}

// This program calls virtual functions of objects made by the library.
void use_objects_of_the_library() {
    warpbeam::Vec<char> text{warpbeam::Allocator::standard()};
    check(text.push('x'), "a vector grows");
    warpbeam::AccountingAllocator accounting;
    warpbeam::Allocator& base = accounting;
    void* const block = base.allocate(64, 8);
    check(accounting.blocks().live == 64, "the accounting allocator counts");
    base.deallocate(block, 64, 8);
    check(warpbeam::wasi::native_host().now(warpbeam::wasi::Clock::monotonic).has_value(),
          "there is a clock");
}

void run_a_module() {
    OwnAllocator allocator;
    OwnPolicy policy;
    warpbeam::Config config;
    config.allocator = &allocator;
    warpbeam::Engine engine{config};
    const auto bytes = take(warpbeam::parse_wat(source), "text");
    const auto printed = take(warpbeam::print_wat(bytes), "print");
    check(std::string_view{printed.data(), printed.size()}.contains("memory.grow"),
          "the text shows the code");

    const auto module = take(engine.load(bytes), "load");
    OwnPrinter printer;
    printer.memory(warpbeam::MemoryType{});
    check(printer.text == "0", "types are printed");

    warpbeam::Linker linker{engine};
    take(linker.func("env", "twice", [](int32_t number) { return 2 * number; }), "func");
    warpbeam::wasi::Context context;
    take(warpbeam::wasi::define(linker, context), "wasi");
    warpbeam::StoreLimits limits;
    limits.growth = &policy;
    warpbeam::Store store{engine, limits};
    const auto instance = take(linker.instantiate(store, module), "instantiate");
    const auto answer = take(instance.func<int32_t(int32_t)>("answer"), "export");
    check(take(answer(21), "call") == 42, "the answer is 42");
    check(allocator.allocations != 0, "the engine uses its allocator");
    check(policy.largest == 2 * 65536, "the policy is called");
}

void read_names_and_positions() {
    const auto name = take(warpbeam::demangle("_Z4sinki"), "demangle");
    check(std::string_view{name.data(), name.size()} == "sink(int)", "a name is read");
    warpbeam::DebugInfo info{warpbeam::Module{}};
    check(take(info.frames_at(0), "frames").empty(), "no module, no positions");
}

void read_a_field() {
#ifdef WITH_SFV
    const auto item = take(warpbeam::sfv::Item::parse("42;a"), "sfv");
    check(item.value.integer() == 42, "a field is read");
    check(wb_sfv_line_of("a", 1).opaque[1] != 0, "the C interface is there");
#endif
}

} // namespace

int main() {
    use_objects_of_the_library();
    run_a_module();
    read_names_and_positions();
    read_a_field();
    std::puts("42");
}
