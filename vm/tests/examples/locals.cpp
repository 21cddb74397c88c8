// What docs/coredumps.md shows: the locals of all functions that are active at a trap.

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/active_stack.hpp>
#include <warpbeam/vm/linker.hpp>

#include <cstdio>
#include <string>

namespace {

std::string seen; ///< the functions and their i32 locals

// [observer
struct Locals final : warpbeam::TrapObserver, warpbeam::FrameVisitor {
    void trapped(const warpbeam::Trap&, const warpbeam::ActiveStack& stack) noexcept override {
        (void)stack.visit(*this); // the error: memory ran out
    }
    bool visit(const warpbeam::ActiveFrame& frame) noexcept override {
        seen += frame.instance.module().func_name(frame.func);
        for (const warpbeam::FrameValue& local : frame.locals)
            if (local.kind == warpbeam::ValType::i32 && local.is_known)
                seen += " " + std::to_string(static_cast<int32_t>(local.slots[0]));
        seen += "\n";
        return true; // go on with its caller
    }
};
// observer]

} // namespace

int main() {
    warpbeam::Engine engine;
    warpbeam::Store store{engine};
    warpbeam::Linker linker{engine};
    const auto bytes = warpbeam::parse_wat(R"((module
        (func $divide (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
        (func $half (export "half") (param i32) (result i32) (call $divide (local.get 0) (i32.const 0)))))");
    if (!bytes)
        return 1;
    const auto module = engine.load(*bytes);
    const auto instance = linker.instantiate(store, module.value_or(warpbeam::Module{}));
    const auto half = instance.value_or(warpbeam::Instance{}).func<int32_t(int32_t)>("half");
    if (!half)
        return 1;
    // [observe
    Locals locals;
    store.set_trap_observer(&locals);
    const auto result = (*half)(7);
    // observe]
    std::printf("%s", seen.c_str());
    return !result && seen == "divide 7 0\nhalf 7\n" ? 0 : 1;
}
