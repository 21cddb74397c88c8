#include "fixture.hpp"
#include "repeat.hpp"

#include <warpbeam/vm/active_stack.hpp>
#include <warpbeam/vm/disassembly.hpp>
#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/guest_allocator.hpp>
#include <warpbeam/vm/guest_stacks.hpp>
#include <warpbeam/vm/host_object.hpp>
#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/vm/root.hpp>
#include <warpbeam/vm/shared_memory.hpp>
#include <warpbeam/vm/snapshot.hpp>

#include <array>

/// Each operation of the API, with the n-th allocation of it failing, for each n: it says that memory ran
/// out, or does without; the store works afterwards, so that the same operation succeeds; and nothing leaks.

namespace warpbeam {
namespace {

enum class Outcome : uint8_t { done, scarce, wrong };

Outcome outcome_of(const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory) << error.message();
    return error.code() == ErrorCode::out_of_memory ? Outcome::scarce : Outcome::wrong;
}
Outcome outcome_of(const Trap& trap) {
    // A stack that can't grow is exhausted.
    const bool is_scarce =
        trap.code() == TrapCode::out_of_memory || trap.code() == TrapCode::call_stack_exhausted;
    EXPECT_TRUE(is_scarce) << trap.message();
    return is_scarce ? Outcome::scarce : Outcome::wrong;
}
Outcome outcome_of(const InstantiationError& error) {
    if (error.trap() != nullptr)
        return outcome_of(*error.trap());
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory) << error.message();
    return error.code() == ErrorCode::out_of_memory ? Outcome::scarce : Outcome::wrong;
}
template <typename T, typename E>
Outcome outcome(const std::expected<T, E>& result) {
    return result ? Outcome::done : outcome_of(result.error());
}

/// What can't grow says `limit`, whatever it is that does not allow it.
Outcome growth(const std::expected<uint64_t, Error>& result) {
    return result || result.error().code() != ErrorCode::limit ? outcome(result) : Outcome::scarce;
}

/// A module whose functions need large tables when they are lowered, and have every kind of value in their
/// frames.
std::string wat_of_scene() {
    const std::string_view begin = R"((module
    (import "host" "ask" (func $ask (param i32) (result i32)))
    (import "host" "plain" (func $plain (param i32) (result i32)))
    (type $pair (struct (field i32) (field (mut anyref)))) (type $wide (array (mut v128))) (type $list (array (mut i32)))
    (memory (export "memory") 2 20) (global $stack (export "__stack_pointer") (mut i32) (i32.const 65536))
    (global (export "__heap_base") i32 (i32.const 65536)) (global (export "__stack_low") i32 (i32.const 1024))
    (table (export "table") 4 funcref) (elem declare func $ask)
    (global $g (export "global") (mut anyref) (ref.null any))
    (tag $e (export "tag") (param i32 v128))
    (type $body (func (param i32) (result i32))) (type $new (cont $body)) (tag $pause (param i32))
    (type $rest (func (result i32))) (type $cont (cont $rest))
    (global $paused (mut (ref null $cont)) (ref.null $cont)) (global $fresh (mut (ref null $cont)) (ref.null $cont))
    (elem declare func $pausing)
    (func $pausing (type $body) (suspend $pause (local.get 0)) (call $inner (local.get 0)))
    (func $inner (param i32) (result i32) (suspend $pause (local.get 0)) (i32.const 5))
    (func $bound (param i32) (result (ref $cont))
        (cont.bind $new $cont (local.get 0) (cont.new $new (ref.func $pausing))))
    (func $step (param (ref $cont)) (result (ref $cont)) (local $next (ref $cont))
        (block $on (result i32 (ref $cont))
            (resume $cont (on $pause $on) (local.get 0)) (unreachable))
        (local.set $next) (drop) (local.get $next))
    (func (export "pause") (param i32) (result i32)
        (global.set $fresh (call $bound (i32.const 4)))
        (global.set $paused (call $step (call $step (call $bound (local.get 0)))))
        (local.get 0))
    (func $twice (param i32) (result i32 i32) (local.get 0) (local.get 0))
    (func (export "wait") (param i32) (result i32) (local v128 f64) (local $a anyref)
        (local.set $a (struct.new $pair (i32.const 1) (ref.i31 (i32.const 2))))
        (local.set 1 (v128.const i64x2 1 2))
        (array.set $wide (array.new $wide (local.get 1) (i32.const 3)) (i32.const 1) (local.get 1))
        (block (loop (br_if 1 (i32.eqz (local.get 0))) (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br 0)))
        (i32.add (call $ask (i32.const 5)) (i32.const 1)))
    (func (export "throw") (param i32) (result i32)
        (block $h (result i32 v128)
            (try_table (catch $e $h) (throw $e (local.get 0) (v128.const i64x2 3 4))) (unreachable))
        (drop))
    (func $deep (export "deep") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (unreachable))
            (else (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))))
    (func (export "large") (param i32) (result i32) )";
    // Blocks, a table of branches, catches, constants and locals beyond what tables begin with.
    return std::string{begin} + "(local" + repeat(" i64", 300) + ")" + repeat("(block $b#", 60) +
           "(br_table" + repeat(" $b#", 60) + " (local.get 0))" + repeat(")", 60) + repeat("(block $c#", 40) +
           "(try_table" + repeat(" (catch_all $c#)", 40) + " (nop))" + repeat(")", 40) +
           repeat(
               "(drop (struct.new $pair (i32.const #) (ref.null any)))"
               "(if (i32.eq (local.get 0) (i32.const 9#)) (then (call $twice (local.get 0)) (drop) (drop)))"
               "(loop (br_if 0 (i32.eq (local.get 0) (i32.const 8#))))",
               40) +
           "(call $plain (local.get 0)))" +
           // Calls take more room than code has at first, for its length. So it grows for the table.
           "(func $none) (func (export \"switch\") (param i32) (result i32) (block $b" +
           repeat("(call $none)", 300) + "(br_table" + repeat(" $b", 2000) +
           " (local.get 0))) (local.get 0)))";
}

struct Scene {
    Engine engine;
    Store store;
    Linker linker;
    Module module;
    Instance instance;

    static Config config(Allocator& allocator) {
        Config config;
        config.allocator = &allocator;
        config.fuel = true;
        config.features.enable(Feature::threads);
        config.features.enable(Feature::stack_switching);
        return config;
    }
    static const Vec<uint8_t>& binary() {
        static const Vec<uint8_t> bytes = assemble(wat_of_scene());
        return bytes;
    }
    static void define(Linker& linker) {
        EXPECT_TRUE(linker.host_call<int32_t(int32_t)>("host", "ask"));
        EXPECT_TRUE(linker.func("host", "plain", [](int32_t n) { return n; }));
    }
    explicit Scene(Allocator& allocator) : engine{config(allocator)}, store{engine}, linker{engine} {
        define(linker);
        module = *engine.load(binary(), {.borrow = true});
        store.set_fuel(1'000'000);
        instance = *linker.instantiate(store, module);
    }
    [[nodiscard]] Func func(const char* name) const { return *instance.func(name); }
    /// The type in the module's text that has this number.
    [[nodiscard]] TypeId type(size_t number) const { return module.types()[number]; }
    /// An execution that waits for the host; none if memory runs out.
    std::expected<Execution, Error> waiting() {
        const Value args[] = {3};
        auto execution = Execution::create(func("wait"), args);
        if (!execution)
            return execution;
        const auto state = execution->resume({.fuel = 100'000});
        if (!state)
            return std::unexpected{state.error()};
        if (*state == ExecutionState::trapped)
            return std::unexpected{Error{execution->trap()->code() == TrapCode::out_of_memory
                                             ? ErrorCode::out_of_memory
                                             : ErrorCode::invalid}};
        EXPECT_EQ(*state, ExecutionState::host_call);
        return execution;
    }
    Outcome call(const char* name, int32_t argument, int32_t expected) {
        const auto result = (*instance.func<int32_t(int32_t)>(name))(argument);
        if (result) {
            EXPECT_EQ(*result, expected);
        }
        return outcome(result);
    }
};

/// What `use` says of the instance, with continuations in globals, and an execution that waits.
template <typename Use>
Outcome with_contents(Scene& scene, Use use) {
    if (const Outcome paused = scene.call("pause", 3, 3); paused != Outcome::done)
        return paused;
    const auto execution = scene.waiting();
    if (!execution)
        return outcome(execution);
    const Instance instances[] = {scene.instance};
    const Execution* const executions[] = {&*execution};
    return use(SnapshotContents{.instances = instances, .executions = executions, .values = {}});
}

class CountFrames final : public FrameVisitor {
public:
    bool visit(const ActiveFrame&) noexcept override { return ++count != 0; }
    size_t count = 0;
};

struct Operation {
    const char* name;
    Outcome (*act)(Scene& scene);
};

constexpr ValType anyref = ValType::reference(HeapType::any, true);
constexpr ValType two_params[] = {ValType::i32, ValType::v128};
constexpr ValType exception_params[] = {ValType::i32, anyref};

const Operation operations[] = {
    {"memory", [](Scene& s) { return outcome(Memory::create(s.store, MemoryType{{.min = 1}})); }},
    {"memory_growth", [](Scene& s) { return growth(s.instance.memory("memory")->grow(1)); }},
    {"shared_memory",
     [](Scene& s) {
         MemoryType type{{.min = 1, .max = 2, .has_max = true}};
         type.shared = true;
         const auto memory = Memory::create(s.store, type);
         if (!memory)
             return outcome(memory);
         Store other{s.engine};
         return outcome(Memory::create(other, *memory->shared()));
     }},
    {"table", [](Scene& s) { return outcome(Table::create(s.store, {funcref, {.min = 50}}, Func{})); }},
    {"table_growth", [](Scene& s) { return growth(s.instance.table("table")->grow(1000, Func{})); }},
    // As many as need another block.
    {"global",
     [](Scene& s) {
         for (int i = 0; i < 100; ++i)
             if (const auto made = Global::create(s.store, {anyref, true}, Value::null(HeapType::any)); !made)
                 return outcome(made);
         return Outcome::done;
     }},
    {"tag",
     [](Scene& s) {
         for (int i = 0; i < 100; ++i)
             if (const auto made = Tag::create(s.store, two_params); !made)
                 return outcome(made);
         return Outcome::done;
     }},
    {"host_function",
     [](Scene& s) {
         const auto typed = Func::wrap(s.store, [](int32_t n, float) { return n; });
         if (!typed)
             return outcome(typed);
         return outcome(Func::wrap(s.store, FuncType{two_params, {}},
                                   [](Caller&, std::span<const Value>,
                                      std::span<Value>) -> std::expected<void, Trap> { return {}; }));
     }},
    {"exception",
     [](Scene& s) {
         const Value values[] = {1, Value::null(HeapType::any)};
         const auto tag = Tag::create(s.store, exception_params);
         return tag ? outcome(Exception::create(*tag, values)) : outcome(tag);
     }},
    {"structure",
     [](Scene& s) {
         const Value fields[] = {1, Value::null(HeapType::any)};
         return outcome(StructRef::create(s.store, s.type(0), fields));
     }},
    {"array", [](Scene& s) { return outcome(ArrayRef::create(s.store, s.type(2), 10'000, 7)); }},
    {"host_object",
     [](Scene& s) {
         const RootScope scope{s.store};
         return outcome(ExternRef::create(s.store, std::array<uint64_t, 20>{}));
     }},
    {"linker",
     [](Scene& s) {
         Linker other{s.engine};
         for (const auto& defined :
              {other.define("m", "memory", *s.instance.memory("memory")),
               other.define_instance("i", s.instance), other.host_call<int32_t(int32_t)>("host", "ask"),
               other.func("host", "f", [](int64_t) {}), other.stub_unknown(s.module, Linker::Stub::trap)})
             if (!defined)
                 return outcome(defined);
         return outcome(other.get(s.store, "host", "f"));
     }},
    {"load", [](Scene& s) { return outcome(s.engine.load(Scene::binary())); }},
    {"instance", [](Scene& s) { return outcome(s.linker.instantiate(s.store, s.module)); }},
    {"resolved_instance",
     [](Scene& s) {
         const auto resolved = s.linker.resolve(s.module);
         return resolved ? outcome(resolved->instantiate(s.store)) : outcome(resolved);
     }},
    {"instance_as_execution",
     [](Scene& s) {
         auto execution = Execution::instantiate(s.linker, s.store, s.module);
         if (!execution)
             return outcome(execution);
         const auto state = execution->resume({.fuel = 100'000});
         return state && *state == ExecutionState::trapped ? outcome_of(*execution->trap()) : outcome(state);
     }},
    {"reset", [](Scene& s) { return outcome(s.instance.reset()); }},
    {"large_function", [](Scene& s) { return s.call("large", 3, 3); }},
    {"large_table_of_branches", [](Scene& s) { return s.call("switch", 3, 3); }},
    {"thrown_exception", [](Scene& s) { return s.call("throw", 3, 3); }},
    {"trap",
     [](Scene& s) {
         const auto result = (*s.instance.func<int32_t(int32_t)>("deep"))(50);
         EXPECT_FALSE(result);
         if (result.error().code() != TrapCode::unreachable)
             return outcome(result);
         return result.error().backtrace().size() == 51 ? Outcome::done : Outcome::scarce;
     }},
    {"execution",
     [](Scene& s) {
         auto execution = s.waiting();
         if (!execution)
             return outcome(execution);
         const Value answer[] = {41};
         if (const auto answered = execution->answer(answer); !answered)
             return outcome(answered);
         if (const auto state = execution->resume({.fuel = 100'000}); !state)
             return outcome(state);
         Value result;
         const auto results = execution->results({&result, 1});
         EXPECT_EQ(result.get<int32_t>().value_or(0), results ? 42 : 0);
         return outcome(results);
     }},
    {"stack_of_execution",
     [](Scene& s) {
         const auto execution = s.waiting();
         if (!execution)
             return outcome(execution);
         CountFrames frames;
         const auto visited = execution->stack().visit(frames);
         EXPECT_TRUE(!visited || frames.count == 1) << frames.count;
         return outcome(visited);
     }},
    {"snapshot",
     [](Scene& s) {
         return with_contents(s, [&](const SnapshotContents& contents) {
             SnapshotBuffer buffer;
             const auto saved = save(s.store, contents, buffer);
             if (!saved)
                 return outcome(saved);
             SnapshotBytes bytes{buffer.bytes()};
             SnapshotSource* const sources[] = {&bytes};
             return outcome(restore(s.engine, sources, {.modules = {&s.module, 1}, .linker = &s.linker}));
         });
     }},
    {"fork",
     [](Scene& s) {
         return with_contents(
             s, [&](const SnapshotContents& contents) { return outcome(fork(s.store, contents)); });
     }},
    {"blocks_of_the_guest",
     [](Scene& s) {
         const auto allocator = GuestAllocator::of(s.instance);
         if (!allocator)
             return outcome(allocator);
         const auto text = allocator->write_string("text");
         if (!text)
             return outcome(text);
         const auto read = text->view().read_string(0, 4, 100);
         if (!read)
             return outcome(read);
         const auto over = GuestAllocator::over(s.store, *s.instance.memory("memory"));
         return over ? outcome(over->write_c_string("more")) : outcome(over);
     }},
    {"stacks_of_the_guest",
     [](Scene& s) {
         auto stacks = GuestStacks::of(s.instance);
         if (!stacks)
             return outcome(stacks);
         const Value args[] = {3};
         const auto first = stacks->create(s.func("wait"), args);
         return first ? outcome(stacks->create(s.func("wait"), args)) : outcome(first);
     }},
    {"listing",
     [](Scene& s) {
         for (uint32_t i = s.module.imported_funcs(); i < s.module.funcs().size(); ++i) {
             const auto listing = list_code(s.engine, s.module, i);
             if (!listing)
                 return outcome(listing);
             EXPECT_TRUE(listing->finding().empty()) << listing->finding();
         }
         return Outcome::done;
     }},
};

class ScarceOperations : public ::testing::TestWithParam<Operation> {};

/// Fails at allocation n, for each n, once or from then on.
void fail_at_each(const Operation& operation, void (CountingAllocator::*fail)(size_t)) {
    size_t count = 0;
    {
        CountingAllocator allocator;
        Scene scene{allocator};
        allocator.allow(SIZE_MAX);
        ASSERT_EQ(operation.act(scene), Outcome::done);
        count = allocator.calls();
    }
    EXPECT_GT(count, 0u) << "it needs no memory";
    for (size_t n = 0; n < count && !::testing::Test::HasFailure(); ++n) {
        SCOPED_TRACE(n);
        CountingAllocator allocator;
        {
            Scene scene{allocator};
            (allocator.*fail)(n);
            EXPECT_NE(operation.act(scene), Outcome::wrong);
            (allocator.*fail)(SIZE_MAX);
            EXPECT_EQ(operation.act(scene), Outcome::done) << "the second time";
        }
        EXPECT_EQ(allocator.live(), 0u) << "leaked";
    }
}

TEST_P(ScarceOperations, says_so_if_one_allocation_fails) {
    fail_at_each(GetParam(), &CountingAllocator::refuse_one);
}
TEST_P(ScarceOperations, says_so_if_all_allocations_fail_from_then_on) {
    fail_at_each(GetParam(), &CountingAllocator::allow);
}

INSTANTIATE_TEST_SUITE_P(Each, ScarceOperations, ::testing::ValuesIn(operations),
                         [](const auto& each) { return std::string{each.param.name}; });

} // namespace
} // namespace warpbeam
