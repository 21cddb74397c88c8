#include "fixture.hpp"

/// What a linker can do besides instantiating: stubs, modules, lists, resolving once.

namespace warpbeam {
namespace {

class LinkerFeaturesTest : public VmTest {};

TEST_F(LinkerFeaturesTest, stubs_trap_or_return_zeros) {
    const Module module = load(R"((module
        (import "a" "known" (func $known (result i32)))
        (import "a" "f" (func $f (param i32) (result i64 externref)))
        (import "a" "g" (func $g (result (ref func))))
        (func (export "f") (result i64) (call $f (call $known)) (drop))
        (func (export "g") (call $g) (drop))))");
    ASSERT_TRUE(linker.func("a", "known", [] { return 1; }));
    Linker trapping{engine};
    ASSERT_TRUE(trapping.func("a", "known", [] { return 1; }));
    ASSERT_TRUE(linker.stub_unknown(module, Linker::Stub::zero));
    ASSERT_TRUE(trapping.stub_unknown(module, Linker::Stub::trap));
    const auto zeros = linker.instantiate(store, module);
    const auto traps = trapping.instantiate(store, module);
    ASSERT_TRUE(zeros && traps);
    EXPECT_EQ((*zeros->func<int64_t()>("f"))(), 0);
    EXPECT_EQ((*zeros->func<void()>("g"))().error().code(), TrapCode::host);
    EXPECT_EQ((*traps->func<int64_t()>("f"))().error().message(), "the imported function a.f is not defined");
}

TEST_F(LinkerFeaturesTest, functions_of_types_in_groups_are_defined_by_the_types_id) {
    // Compilers to garbage-collected code put all types into one group.
    const Module module = load(R"((module
        (rec (type $f (func (param i32) (result i32))) (type $s (struct (field (ref null $f)))))
        (type $open (sub (func (result i32))))
        (import "a" "f" (func $a (type $f)))
        (import "a" "g" (func $b (type $open)))
        (func (export "f") (result i32) (i32.add (call $a (i32.const 1)) (call $b)))))");
    ASSERT_TRUE(linker.func("a", "f", [](int32_t n) { return n; }));
    const auto refused = linker.instantiate(store, module);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("only looks the same"), std::string_view::npos)
        << refused.error().message();
    Linker exact{engine};
    for (const Import& import : module.imports())
        ASSERT_TRUE(exact.func(
            import.module, import.name, import.type.func,
            [](Caller&, std::span<const Value> args, std::span<Value> results) -> std::expected<void, Trap> {
                results[0] = static_cast<int32_t>(args.size() + 10);
                return {};
            }));
    EXPECT_EQ((*exact.instantiate(store, module)->func<int32_t()>("f"))(), 21);
    Linker stubs{engine};
    ASSERT_TRUE(stubs.stub_unknown(module, Linker::Stub::zero));
    EXPECT_EQ((*stubs.instantiate(store, module)->func<int32_t()>("f"))(), 0);
    const auto callback = [](Caller&, std::span<const Value>, std::span<Value>) -> std::expected<void, Trap> {
        return {};
    };
    EXPECT_TRUE(Func::wrap(store, module.imports()[0].type.func, callback));
    EXPECT_EQ(Func::wrap(store, TypeId{1} << 20, callback).error().code(), ErrorCode::usage);
}

TEST_F(LinkerFeaturesTest, only_functions_are_stubbed) {
    const Module module = load(R"((module (import "a" "m" (memory 1))))");
    ASSERT_TRUE(linker.stub_unknown(module, Linker::Stub::zero));
    EXPECT_EQ(linker.instantiate(store, module).error().code(), ErrorCode::unlinkable);
}

TEST_F(LinkerFeaturesTest, lists_and_gets_definitions) {
    ASSERT_TRUE(linker.func("b", "host", [](int32_t n) { return n + 1; }));
    ASSERT_TRUE(linker.define("a", "memory", *Memory::create(store, {.limits = {1, 0, false, false}})));
    ASSERT_EQ(linker.size(), 2u);
    EXPECT_EQ(linker[0].module, "b");
    EXPECT_EQ(linker[0].name, "host");
    EXPECT_TRUE(linker[0].is_host);
    EXPECT_EQ(linker[1].kind, ExternKind::memory);
    EXPECT_FALSE(linker[1].is_host);
    const auto host = linker.get(store, "b", "host");
    ASSERT_TRUE(host);
    EXPECT_EQ((*std::get<Func>(*host).typed<int32_t(int32_t)>())(41), 42);
    EXPECT_EQ(std::get<Memory>(*linker.get(store, "a", "memory")).size(), 65536u);
    EXPECT_EQ(linker.get(store, "a", "x").error().message(), "a.x is not defined");
    Store other{engine};
    EXPECT_FALSE(linker.get(other, "a", "memory"));
    EXPECT_TRUE(linker.get(other, "b", "host"));
}

TEST_F(LinkerFeaturesTest, defines_a_module_as_an_instance) {
    ASSERT_TRUE(linker.define_module(store, "lib",
                                     load(R"((module (func (export "f") (result i32) (i32.const 9))))")));
    const auto user = linker.instantiate(
        store, load(R"((module (import "lib" "f" (func $f (result i32))) (export "f" (func $f))))"));
    ASSERT_TRUE(user);
    EXPECT_EQ((*user->func<int32_t()>("f"))(), 9);
    const auto missing = linker.define_module(store, "bad", load(R"((module (import "x" "y" (func))))"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), ErrorCode::unlinkable);
}

TEST_F(LinkerFeaturesTest, resolves_once_for_many_stores) {
    LinkedModule resolved;
    int calls = 0;
    {
        Linker brief{engine};
        ASSERT_TRUE(brief.func("env", "f", [&] { return ++calls; }));
        resolved = *brief.resolve(load(R"((module (import "env" "f" (func $f (result i32)))
            (func (export "run") (result i32) (call $f))))"));
    }
    for (int i = 1; i <= 3; ++i) {
        Store fresh{engine};
        const auto instance = resolved.instantiate(fresh);
        ASSERT_TRUE(instance);
        EXPECT_EQ((*instance->func<int32_t()>("run"))(), i);
    }
    const auto missing = linker.resolve(load(R"((module (import "e" "f" (func)) (import "e" "g" (func))))"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().imports().size(), 2u);
    ASSERT_TRUE(linker.func("e", "f", [](int32_t) {}));
    EXPECT_EQ(linker.resolve(load(R"((module (import "e" "f" (func))))")).error().code(),
              ErrorCode::unlinkable);
    ASSERT_TRUE(linker.define("e", "m", *Memory::create(store, {.limits = {1, 0, false, false}})));
    EXPECT_EQ(linker.resolve(load(R"((module (import "e" "m" (memory 1))))")).error().code(),
              ErrorCode::usage);
}

TEST_F(LinkerFeaturesTest, a_caller_knows_where_it_is) {
    std::optional<Frame> position;
    size_t frames = 0;
    uint64_t second = 0;
    ASSERT_TRUE(linker.func("env", "f", [&](Caller& caller) {
        position = caller.position();
        frames = caller.backtrace().size();
        second = caller.memory(1)->size();
        EXPECT_FALSE(caller.memory(2));
        EXPECT_FALSE(caller.memory()) << "none is exported";
    }));
    const Instance instance = instantiate(R"((module (import "env" "f" (func $f)) (memory 1) (memory 2)
        (func $inner (call $f)) (func (export "run") (call $inner))))");
    ASSERT_TRUE(instance.func("run")->call());
    ASSERT_TRUE(position);
    EXPECT_EQ(position->func, 1u);
    EXPECT_EQ(position->offset, instance.module().bodies()[0].code_offset);
    EXPECT_EQ(frames, 2u);
    EXPECT_EQ(second, 2u * 65536);
    const auto direct = Func::wrap(store, [&](Caller& caller) { position = caller.position(); });
    ASSERT_TRUE(direct->call());
    EXPECT_FALSE(position);
}

TEST_F(LinkerFeaturesTest, a_trap_carries_a_code_and_an_object) {
    struct Reason {
        std::string text;
    };
    ASSERT_TRUE(linker.func("env", "f", []() -> Trap {
        return Trap::host("no such file").with_host_code(7).with_payload(Reason{"because"});
    }));
    const Instance instance =
        instantiate(R"((module (import "env" "f" (func $f)) (func (export "run") (call $f))))");
    const auto result = instance.func("run")->call();
    ASSERT_FALSE(result);
    const Trap copy = result.error();
    EXPECT_EQ(copy.host_code(), 7);
    ASSERT_NE(copy.payload<Reason>(), nullptr);
    EXPECT_EQ(copy.payload<Reason>()->text, "because");
    EXPECT_EQ(copy.payload<int>(), nullptr);
    EXPECT_EQ(copy.backtrace().size(), 1u);
    EXPECT_EQ(Trap::exit(3).host_code(), 0);
}

TEST_F(LinkerFeaturesTest, a_late_interrupt_does_not_stop_the_next_call) {
    Engine stopping{{.interruption = true}};
    Store busy{stopping};
    const auto module =
        stopping.load(load(R"((module (func (export "spin") (loop (br 0))) (func (export "f"))))").bytes());
    const auto instance = Instance::create(busy, *module);
    ASSERT_TRUE(instance);
    const InterruptHandle first = busy.new_interrupt_handle();
    first.interrupt();
    EXPECT_EQ(instance->func("spin")->call().error().code(), TrapCode::interrupted);
    const InterruptHandle second = busy.new_interrupt_handle();
    first.interrupt(); // late
    EXPECT_TRUE(instance->func("f")->call());
    second.interrupt();
    busy.clear_interrupt();
    EXPECT_TRUE(instance->func("f")->call());
    second.interrupt(); // its period is over
    EXPECT_TRUE(instance->func("f")->call());
    busy.interrupt_handle().interrupt();
    EXPECT_EQ(instance->func("f")->call().error().code(), TrapCode::interrupted);
}

} // namespace
} // namespace warpbeam
