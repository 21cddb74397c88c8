#include "fixture.hpp"

#include <warpbeam/vm/disassembly.hpp>
#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/guest_allocator.hpp>
#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/vm/root.hpp>

#include <memory>
#include <optional>
#include <thread>

/// What is wrong but looks right: empty handles, those of another engine or store, of one that has ended.

namespace warpbeam {
namespace {

class HandleTest : public VmTest {};

TEST_F(HandleTest, may_be_empty) {
    const Instance no_instance;
    EXPECT_FALSE(no_instance);
    EXPECT_FALSE(no_instance.module());
    EXPECT_EQ(no_instance.store(), nullptr);
    EXPECT_FALSE(no_instance.find_export("f"));
    EXPECT_EQ(no_instance.func("f").error().message(), "the handle is empty");
    EXPECT_EQ(no_instance.reset().error().code(), ErrorCode::usage);

    const Memory no_memory;
    EXPECT_EQ(no_memory.id(), 0u);
    EXPECT_EQ(no_memory.size(), 0u);
    EXPECT_EQ(no_memory.pages(), 0u);
    EXPECT_FALSE(MemoryView{no_memory}.read<int32_t>(0));
    EXPECT_FALSE(no_memory.shared());
    EXPECT_EQ(no_memory.grow(1).error().code(), ErrorCode::usage);
    EXPECT_FALSE(MemoryView{no_memory}.read<int32_t>(0));

    const Table no_table;
    EXPECT_EQ(no_table.size(), 0u);
    EXPECT_EQ(no_table.get(0).error().code(), ErrorCode::usage);
    EXPECT_EQ(no_table.set(0, Value::null(HeapType::func)).error().code(), ErrorCode::usage);
    EXPECT_EQ(no_table.grow(1, Value::null(HeapType::func)).error().code(), ErrorCode::usage);

    const Global no_global;
    EXPECT_EQ(no_global.get().as<int32_t>(), 0);
    EXPECT_EQ(no_global.set(1).error().code(), ErrorCode::usage);
    EXPECT_TRUE(Tag{}.params().empty());
    EXPECT_EQ(Exception::create(Tag{}, {}).error().code(), ErrorCode::usage);

    const TypedFunc<int32_t()> no_func;
    EXPECT_EQ(no_func().error().message(), "the function is null");
    EXPECT_FALSE(GuestAllocator::over(store, no_memory));
    EXPECT_FALSE(GuestAllocator::of(no_instance));

    const Module no_module;
    EXPECT_TRUE(no_module.imports().empty());
    EXPECT_EQ(no_module.find_export("f"), nullptr);
    EXPECT_EQ(linker.instantiate(store, no_module).error().code(), ErrorCode::usage);
    EXPECT_EQ(Instance::create(store, no_module).error().code(), ErrorCode::usage);
    EXPECT_EQ(linker.resolve(no_module).error().code(), ErrorCode::usage);
    EXPECT_EQ(LinkedModule{}.instantiate(store).error().code(), ErrorCode::usage);
    EXPECT_EQ(linker.define("m", "n", no_memory).error().code(), ErrorCode::usage);
    EXPECT_EQ(linker.define_instance("m", no_instance).error().code(), ErrorCode::usage);
}

TEST_F(HandleTest, of_another_engine_is_refused) {
    const Engine stranger;
    Store foreign{stranger};
    ASSERT_TRUE(linker.func("env", "f", [](Func) {}));
    const Module module = load(R"((module (import "env" "f" (func (param funcref)))))");
    EXPECT_EQ(linker.instantiate(foreign, module).error().code(), ErrorCode::usage);
    EXPECT_EQ(linker.resolve(*stranger.load(module.bytes())).error().code(), ErrorCode::usage);
    EXPECT_EQ(linker.get(foreign, "env", "f").error().code(), ErrorCode::usage);
    const auto resolved = linker.resolve(module);
    ASSERT_TRUE(resolved);
    EXPECT_EQ(resolved->instantiate(foreign).error().code(), ErrorCode::usage);
    EXPECT_EQ(linker.stub_unknown(*stranger.load(module.bytes()), Linker::Stub::trap).error().code(),
              ErrorCode::usage);
}

TEST_F(HandleTest, of_a_store_that_has_ended_is_refused_though_another_lies_in_its_place) {
    std::optional<Store> place{std::in_place, engine};
    ASSERT_TRUE(linker.define("m", "g", *Global::create(*place, {ValType::i32, false}, 7)));
    const Module module = load(R"((module (import "m" "g" (global i32))))");
    EXPECT_TRUE(linker.instantiate(*place, module));
    place.emplace(engine);
    const auto instance = linker.instantiate(*place, module);
    ASSERT_FALSE(instance);
    EXPECT_EQ(instance.error().code(), ErrorCode::usage);
    EXPECT_EQ(linker.get(*place, "m", "g").error().message(), "m.g belongs to another store");
}

TEST_F(HandleTest, stays_valid_when_its_store_moves) {
    std::optional<Store> first{std::in_place, engine};
    int mine = 0;
    first->set_data(&mine);
    ASSERT_TRUE(
        linker.func("env", "mine", [](Caller& caller) { ++*static_cast<int*>(caller.store().data()); }));
    const auto instance =
        linker.instantiate(*first, load(R"((module (import "env" "mine" (func $f)) (memory (export "m") 1)
                        (func (export "run") (call $f))))"));
    ASSERT_TRUE(instance);
    Store second{std::move(*first)};
    EXPECT_EQ(Memory::create(*first, {.limits = {1, 0, false, false}}).error().code(),
              ErrorCode::out_of_memory);
    first.reset();
    EXPECT_EQ(instance->store(), &second);
    ASSERT_TRUE((*instance->func<void()>("run"))());
    EXPECT_EQ(mine, 1);
    Store third{engine};
    third = std::move(second);
    EXPECT_EQ(instance->store(), &third);
    EXPECT_EQ(third.usage().memories, 1u);
    ASSERT_TRUE((*instance->func<void()>("run"))());
    EXPECT_EQ(mine, 2);
}

TEST_F(HandleTest, keeps_its_engine_alive) {
    std::optional<Engine> own{std::in_place};
    const auto module =
        own->load(load(R"((module (func (export "f") (result i32) (i32.const 42))))").bytes());
    std::optional<Linker> links{std::in_place, *own};
    Linker moved{std::move(*links)};
    links.reset();
    Store store_of_own{*own};
    own.reset();
    const auto instance = moved.instantiate(store_of_own, *module);
    ASSERT_TRUE(instance);
    EXPECT_EQ((*instance->func<int32_t()>("f"))(), 42);
}

TEST_F(HandleTest, in_a_value_of_a_store_that_has_ended_is_refused) {
    Value function;
    Exception exception = [&] {
        Store brief{engine};
        function = *Func::wrap(brief, [] {});
        return *Exception::create(*Tag::create(brief, {}), {});
    }();
    // Another store in its place does not make it valid again.
    Store next{engine};
    EXPECT_FALSE(Global::create(next, {funcref, true}, function));
    EXPECT_FALSE(Table::create(next, {funcref, {1, 0, false, false}}, function));
    const Global global = *Global::create(next, {funcref, true}, Func{});
    EXPECT_EQ(global.set(function).error().code(), ErrorCode::usage);
    const Func takes = *Func::wrap(next, [](Func) {});
    EXPECT_EQ(takes.call({&function, 1}).error().code(), TrapCode::usage);
    EXPECT_EQ(dynamic_type(next, function), HeapType::none);
    EXPECT_FALSE(exception.tag());
    EXPECT_EQ(exception.size(), 0u);
    EXPECT_EQ(exception[0].type(), ValType::i32);
}

TEST_F(HandleTest, is_not_made_of_types_that_are_not_there) {
    constexpr TypeId nowhere = 47'000;
    const ValType reference = ValType::reference(HeapType::defined(nowhere), true);
    const Value null = Value::null(HeapType::defined(nowhere));
    EXPECT_EQ(StructRef::create(store, nowhere, {}).error().code(), ErrorCode::usage);
    EXPECT_EQ(ArrayRef::create(store, nowhere, 1, 0).error().code(), ErrorCode::usage);
    EXPECT_EQ(Tag::create(store, {&reference, 1}).error().code(), ErrorCode::usage);
    EXPECT_EQ(Global::create(store, {reference, true}, null).error().code(), ErrorCode::usage);
    EXPECT_EQ(Table::create(store, {reference, {1, 0, false, false}}, null).error().code(), ErrorCode::usage);
    const auto callback = [](Caller&, std::span<const Value>, std::span<Value>) -> std::expected<void, Trap> {
        return {};
    };
    EXPECT_EQ(Func::wrap(store, FuncType{{&reference, 1}, {}}, callback).error().code(), ErrorCode::usage);
    EXPECT_EQ(linker.func("env", "f", FuncType{{}, {&reference, 1}}, callback).error().code(),
              ErrorCode::usage);
}

TEST_F(HandleTest, of_a_guests_memory_may_be_owned_by_a_host_function) {
    // The host function dies with the store, when the guest's `free` can't be called any more.
    const Module module = load(R"((module (memory (export "memory") 1)
        (func (export "malloc") (param i32) (result i32) (i32.const 4096)) (func (export "free") (param i32))))");
    std::optional<Store> own{std::in_place, engine};
    const auto instance = linker.instantiate(*own, module);
    ASSERT_TRUE(instance);
    auto buffer = std::make_shared<GuestBuffer>(*GuestAllocator::of(*instance)->allocate(100));
    ASSERT_TRUE(Func::wrap(*own, [held = std::move(buffer)] { (void)held; }));
    own.reset();
}

TEST_F(HandleTest, may_be_used_by_what_a_host_function_owns_until_the_end_of_the_store) {
    // Only code can't run any more.
    struct Owned {
        Memory memory;
        Func func;
        size_t& size;
        std::string& refusal;
        ~Owned() {
            size = memory.data().size();
            const auto called = func.call();
            refusal = called ? "" : called.error().message();
        }
    };
    size_t size = 0;
    std::string refusal;
    {
        Store brief{engine};
        const auto instance =
            Instance::create(brief, load("(module (memory (export \"memory\") 2) (func (export \"f\")))"));
        ASSERT_TRUE(instance);
        auto owned =
            std::make_shared<Owned>(*instance->memory("memory"), *instance->func("f"), size, refusal);
        ASSERT_TRUE(Func::wrap(brief, [held = std::move(owned)] { (void)held; }));
    }
    EXPECT_EQ(size, 2u * 65536);
    EXPECT_EQ(refusal, "the store is being destroyed");
}

TEST_F(HandleTest, from_slots_is_checked_where_it_is_used) {
    const uint64_t bits[2] = {0x4141'4141'42, 99};
    const Value exception = Value::from_slots(ValType::reference(HeapType::exn, true), bits);
    EXPECT_FALSE(Exception::from(store, exception));
    const Instance instance = instantiate(R"((module (tag $t) (func (export "f") (param exnref)
        (block $h (try_table (catch $t $h) (throw_ref (local.get 0))))))
    )");
    EXPECT_EQ(instance.func("f")->call({&exception, 1}).error().code(), TrapCode::usage);
    const uint64_t odd[2] = {0x4141'4141'41, 0};
    EXPECT_EQ(instance.func("f")->call({{Value::from_slots(exception.type(), odd)}}).error().code(),
              TrapCode::usage);
    const auto func = Value::from_slots(funcref, bits).get<Func>();
    ASSERT_TRUE(func);
    EXPECT_TRUE(func->is_null());
    const Func takes_any = *Func::wrap(store, [](AnyRef) {});
    EXPECT_EQ((*takes_any.typed<void(AnyRef)>())(AnyRef::from_bits(~uint64_t{0})).error().code(),
              TrapCode::usage)
        << "no number of 31 bits";
}

TEST_F(HandleTest, of_another_modules_export_finds_nothing) {
    const Module large = load(R"((module (func) (func) (func (export "f")) (memory 1) (memory (export "m") 1)
        (table 1 funcref) (table (export "t") 1 funcref) (global (export "g") i32 (i32.const 1))
        (tag (export "x"))))");
    const Module small = load("(module)");
    const Instance instance = *linker.instantiate(store, small);
    for (const Export& entry : large.exports()) {
        EXPECT_FALSE(small.defines(entry));
        EXPECT_EQ(small.type_of(entry).kind, entry.kind);
        EXPECT_TRUE(std::visit([](const auto& handle) { return !handle; }, instance.get(entry)));
    }
}

TEST_F(HandleTest, may_be_empty_for_buffers_and_listings) {
    const GuestBuffer none;
    EXPECT_EQ(none.view().size(), 0u);
    EXPECT_EQ(list_code(engine, Module{}, 0).error().code(), ErrorCode::usage);
    const Module module = load("(module (import \"a\" \"b\" (func)) (func))");
    EXPECT_EQ(list_code(engine, module, 0).error().code(), ErrorCode::usage) << "imported";
    EXPECT_TRUE(list_code(engine, module, 1));
    EXPECT_EQ(list_code(engine, module, 2).error().code(), ErrorCode::usage);
    EXPECT_EQ(linker.stub_unknown(Module{}, Linker::Stub::zero).error().code(), ErrorCode::usage);
    int32_t (*const nowhere)() = nullptr;
    EXPECT_EQ(linker.func("a", "b", nowhere).error().message(), "the host function is a null pointer");
}

TEST_F(HandleTest, to_an_object_that_is_gone_is_refused) {
    const FieldType field{ValType::i32, true};
    SubType type;
    type.kind = CompositeKind::struct_;
    type.fields = {&field, 1};
    const TypeId id = engine.types().add_group({&type, 1});
    StructRef object;
    {
        const RootScope scope{store};
        object = *StructRef::create(store, id, {{Value{7}}});
        EXPECT_EQ(object.get(0)->as<int32_t>(), 7);
    }
    store.collect();
    EXPECT_EQ(object.size(), 0u);
    EXPECT_EQ(object.get(0).error().message(), "the object was not kept alive");
    EXPECT_EQ(object.set(0, 1).error().code(), ErrorCode::usage);
    EXPECT_EQ(object.type(), SubType::no_type);
}

#if WARPBEAM_CHECKS

TEST_F(HandleTest, of_a_scope_or_allocator_may_outlive_its_store) {
    std::optional<Store> brief{std::in_place, engine};
    const RootScope scope{*brief};
    const auto instance = linker.instantiate(*brief, load(R"((module (memory (export "memory") 1)
        (global (export "__heap_base") i32 (i32.const 1024))))"));
    const GuestAllocator allocator = *GuestAllocator::of(*instance);
    brief.reset();
    EXPECT_EQ(allocator.allocate(10).error().code(), TrapCode::usage);
}

TEST_F(HandleTest, of_an_object_of_a_store_that_has_ended_is_found_out) {
    const FieldType field{ValType::i32, true};
    SubType type;
    type.kind = CompositeKind::array;
    type.fields = {&field, 1};
    const TypeId id = engine.types().add_group({&type, 1});
    ArrayRef array;
    Func func;
    {
        Store brief{engine};
        array = *ArrayRef::create(brief, id, 3, 7);
        func = *Func::wrap(brief, [] {});
    }
    EXPECT_EQ(array.size(), 0u);
    EXPECT_EQ(array.get(0).error().message(), "the handle's store was destroyed");
    const Func takes = *Func::wrap(store, [](Func) {});
    EXPECT_EQ((*takes.typed<void(Func)>())(func).error().code(), TrapCode::usage);
}

TEST_F(HandleTest, of_a_store_that_another_thread_uses_makes_nothing) {
    std::optional<Error> found;
    ASSERT_TRUE(linker.func("env", "f", [&](Caller& caller) {
        std::thread{[&] { found = Tag::create(caller.store(), {}).error(); }}.join();
    }));
    ASSERT_TRUE(instantiate(R"((module (import "env" "f" (func $f)) (start $f)))"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->message(), "another thread is using the store");
}

TEST_F(HandleTest, of_a_store_that_has_ended_is_found_out) {
    Instance instance;
    Memory memory;
    Func func;
    {
        Store brief{engine};
        instance =
            *linker.instantiate(brief, load(R"((module (memory (export "m") 1) (func (export "f"))))"));
        memory = *instance.memory("m");
        func = *instance.func("f");
    }
    EXPECT_EQ(memory.size(), 0u);
    EXPECT_FALSE(MemoryView{memory}.write<int32_t>(0, 1));
    EXPECT_EQ(memory.grow(1).error().message(), "the handle's store was destroyed");
    EXPECT_EQ(func.call().error().code(), TrapCode::usage);
    EXPECT_FALSE(instance.module());
}

TEST_F(HandleTest, is_not_for_two_threads_at_once) {
    std::optional<Error> found;
    ASSERT_TRUE(linker.func("env", "f", [&](Caller& caller) {
        const Memory memory = *caller.memory();
        std::thread{[&] { found = memory.grow(1).error(); }}.join();
        EXPECT_TRUE(memory.grow(1)) << "the thread whose store it is may";
    }));
    const Instance instance = instantiate(R"((module (import "env" "f" (func $f)) (memory (export "memory") 1)
        (func (export "run") (call $f))))");
    ASSERT_TRUE(instance.func("run")->call());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->message(), "another thread is using the store");
    std::thread{[&] { EXPECT_EQ(instance.memory("memory")->grow(1), 2u); }}.join();
}

#endif

} // namespace
} // namespace warpbeam
