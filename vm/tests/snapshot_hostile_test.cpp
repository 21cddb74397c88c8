#include "execution_fixture.hpp"
#include "repeat.hpp"
#include "snapshot/stream.hpp"
#include "snapshot_fixture.hpp"

#include <warpbeam/vm/guest_allocator.hpp>

#include <random>

/// Bytes that are no snapshot, or not what `save` would write. With the sanitizers, nothing is leaked either.

namespace warpbeam {
namespace {

/// Makes the digest right, so that only what comes before it can be wrong.
void renew_digest(Bytes& bytes) {
    const Digest digest = sha256(std::span{bytes}.first(bytes.size() - 32));
    std::ranges::copy(digest, bytes.end() - 32);
}

class HostileSnapshotTest : public SnapshotFixture {
protected:
    HostileSnapshotTest() {
        store.set_fuel(100'000);
        for (Linker* const each : {&linker, &hosts})
            EXPECT_TRUE(each->host_call<int32_t(int32_t)>("env", "ask"));
        instance = instantiate(R"((module
            (import "env" "ask" (func $ask (param i32) (result i32)))
            (type $node (struct (field (mut i32)) (field (ref null $node)) (field anyref)))
            (type $list (array (ref $node)))
            (memory 1) (data (i32.const 5) "abc") (table 3 funcref) (elem (i32.const 1) $ask $loop) (elem func $loop $ask)
            (global $r (mut (ref null $list)) (ref.null $list)) (tag $e (param i32 (ref $node)))
            (global $x (mut exnref) (ref.null exn))
            (func $new (result (ref $node)) (struct.new $node (i32.const 7)
                (struct.new $node (i32.const 8) (ref.null $node) (ref.i31 (i32.const 3))) (ref.null any)))
            (func (export "prepare")
                (i32.store (i32.const 5000) (i32.const 77))
                (global.set $r (array.new $list (call $new) (i32.const 3)))
                (block $h (result exnref)
                    (try_table (catch_all_ref $h) (throw $e (i32.const 3) (call $new))) (unreachable))
                (global.set $x))
            (func $loop (export "loop") (param $n i32) (result i32) (local $node (ref $node)) (local $f f64)
                (local.set $node (call $new))
                (loop $more
                    (struct.set $node 0 (local.get $node) (call $inner (local.get $n) (local.get $node)))
                    (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (struct.get $node 0 (local.get $node)))
            (func $inner (param $n i32) (param $o (ref null $node)) (result i32) (local $i i32)
                (loop $again (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 9))))
                (i64.const 5) (local.get $o)
                (call $ask (i32.add (local.get $n) (struct.get $node 0 (local.get $o))))
                (local.set $i) (struct.get $node 0) (local.get $i) (i32.add)
                (local.set $i) (i32.wrap_i64) (local.get $i) (i32.add))))");
        modules = {instance.module()};
        EXPECT_TRUE(instance.func("prepare")->call());
        for (const uint64_t fuel : {5u, 14u, 1000u}) {
            const Value args[] = {4};
            executions.push_back(std::move(*Execution::create(*instance.func("loop"), args)));
            EXPECT_TRUE(executions.back().resume({.fuel = fuel}));
        }
        const Value args[] = {2};
        executions.push_back(std::move(*Execution::create(*instance.func("loop"), args)));
        EXPECT_EQ(executions[2].state(), ExecutionState::host_call);
        std::vector<const Execution*> all;
        for (const Execution& each : executions)
            all.push_back(&each);
        const Instance instances[] = {instance};
        bytes = saved(store, {.instances = instances, .executions = all});
    }
    /// What was restored is used: an error of the restorer would show.
    static void use(Restored& made) {
        for (Execution& each : made.executions)
            for (int i = 0; i < 3; ++i) {
                if (each.state() == ExecutionState::host_call) {
                    const Value answer{1};
                    EXPECT_TRUE(each.answer({&answer, 1}));
                }
                (void)each.resume({.fuel = 30});
                (void)each.backtrace();
            }
        made.store.collect();
        made.store.set_fuel(100);
        for (const Instance& each : made.instances)
            (void)each.func("prepare")->call();
        BytesSink sink;
        (void)save(made.store, {.instances = made.instances}, sink);
    }
    /// Restores bytes whose digest is made right first, so that only their contents can be wrong.
    bool accepts(Bytes changed) {
        if (changed.size() >= 32) {
            renew_digest(changed);
        }
        auto made = restored(changed);
        if (!made) {
            EXPECT_FALSE(made.error().message().empty());
            return false;
        }
        use(*made);
        return true;
    }

    Instance instance;
    std::vector<Execution> executions;
    Bytes bytes;
};

TEST_F(HostileSnapshotTest, the_whole_is_accepted) {
    auto made = restored(bytes);
    ASSERT_TRUE(made) << made.error().message();
    ASSERT_EQ(made->executions.size(), 4u);
    EXPECT_EQ(made->executions[2].state(), ExecutionState::host_call);
    EXPECT_EQ(made->executions[2].host_call().name, "ask");
    use(*made);
}

TEST_F(HostileSnapshotTest, what_the_library_has_allocated_is_checked) {
    const Instance plain = instantiate(R"((module (memory (export "memory") 1 4)
        (global (export "__heap_base") i32 (i32.const 1024))))");
    modules = {plain.module()};
    const auto own = GuestAllocator::of(plain);
    ASSERT_TRUE(own);
    std::vector<uint64_t> blocks;
    for (const uint64_t size : {100u, 70'000u, 16u})
        blocks.push_back(own->allocate(size)->release());
    ASSERT_TRUE(own->free(blocks[0]));
    const Instance instances[] = {plain};
    const Bytes whole = saved(store, {.instances = instances});
    size_t accepted = 0;
    for (size_t i = 0; i + 32 < whole.size(); ++i)
        for (const uint8_t change : std::initializer_list<uint8_t>{1, 2, 16, 128, 255}) {
            Bytes changed = whole;
            changed[i] ^= change;
            renew_digest(changed);
            auto made = restored(changed);
            if (!made)
                continue;
            ++accepted;
            const auto again = GuestAllocator::of(made->instances[0]);
            if (!again)
                continue;
            std::vector<uint64_t> more;
            for (const uint64_t size : {1u, 5000u, 60'000u, 300u, 100'000u})
                if (auto block = again->allocate(size))
                    more.push_back(block->release());
            for (const uint64_t block : more)
                EXPECT_TRUE(again->free(block));
            for (const uint64_t block : blocks)
                (void)again->free(block);
        }
    EXPECT_GT(accepted, 0u);
}

TEST_F(HostileSnapshotTest, a_memory_has_its_pages_only_once) {
    const Instance plain = instantiate("(module (memory 1024))");
    modules = {plain.module()};
    const Instance instances[] = {plain};
    const Bytes once = saved(store, {.instances = instances});
    // At the end: one memory, its number, its size, no pages, and the digest.
    constexpr size_t entry = 4 + 8 + 4;
    const size_t at = once.size() - 32 - entry - 4;
    ASSERT_EQ(once[at], 1);
    Bytes twice{once.begin(), once.end() - 32};
    twice[at] = 2;
    twice.insert(twice.end(), once.end() - 32 - entry, once.end() - 32);
    const Digest digest = sha256(twice);
    twice.insert(twice.end(), digest.begin(), digest.end());
    const auto made = restored(twice);
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().message().find("memory 0 of the series comes twice"), std::string_view::npos)
        << made.error().message();
}

// With 32-bit addresses, the size of one would be that of the other.
TEST_F(HostileSnapshotTest, an_array_has_no_more_elements_than_fit_into_memory) {
    const Instance plain = instantiate(R"((module (type $a (array i64))
        (global (export "a") (ref $a) (array.new_default $a (i32.const 0x123)))))");
    modules = {plain.module()};
    const Instance instances[] = {plain};
    const Bytes few = saved(store, {.instances = instances});
    const uint8_t length[] = {0x23, 0x01, 0, 0};
    const auto at = std::ranges::search(few, length);
    ASSERT_EQ(at.size(), 4u);
    ASSERT_TRUE(std::ranges::search(at.end(), few.end(), std::begin(length), std::end(length)).empty());
    Bytes many = few;
    many[static_cast<size_t>(at.begin() - few.begin()) + 3] = 0x20;
    renew_digest(many);
    EXPECT_TRUE(restored(few));
    EXPECT_FALSE(restored(many));
}

TEST_F(HostileSnapshotTest, the_numbers_of_the_heap_agree_with_its_objects_and_its_limit) {
    const Instance plain = instantiate(R"((module (type $bytes (array i8))
        (global (export "a") (ref $bytes) (array.new_default $bytes (i32.const 20000)))))");
    modules = {plain.module()};
    const Instance instances[] = {plain};
    store.collect();
    const uint64_t live = store.heap().survived;
    ASSERT_EQ(store.usage().heap_bytes, live);
    const auto numbers = [](uint64_t survived, uint64_t allocated, uint32_t futile, uint64_t collections) {
        Bytes all(28);
        const auto put = [&](size_t at, uint64_t number, size_t size) {
            for (size_t i = 0; i < size; ++i)
                all[at + i] = static_cast<uint8_t>(number >> (8 * i));
        };
        put(0, survived, 8);
        put(8, allocated, 8);
        put(16, futile, 4);
        put(20, collections, 8);
        return all;
    };
    const Bytes whole = saved(store, {.instances = instances});
    const auto at = std::ranges::search(whole, numbers(live, 0, 0, store.heap().collections));
    ASSERT_EQ(at.size(), 28u);
    constexpr uint64_t limit = 100'000;
    const auto accepted = [&](uint64_t survived, uint64_t allocated, uint32_t futile = 0) {
        Bytes changed = whole;
        std::ranges::copy(numbers(survived, allocated, futile, 1),
                          changed.begin() + (at.begin() - whole.begin()));
        renew_digest(changed);
        BytesSource source{changed};
        SnapshotSource* const sources[] = {&source};
        RestoreOptions with = options();
        with.limits.heap_bytes = limit;
        return restore(engine, sources, with).has_value();
    };
    EXPECT_TRUE(accepted(live, 0));
    constexpr uint64_t copied = 12 + 20'000 + 4; // the array, which is what is saved
    EXPECT_TRUE(accepted(0, copied));
    EXPECT_TRUE(accepted(copied - 8, 8));
    EXPECT_FALSE(accepted(0, copied - 1));
    EXPECT_FALSE(accepted(copied - 8, 7));
    EXPECT_TRUE(accepted(limit, 0));
    EXPECT_FALSE(accepted(limit + 1, 0));
    EXPECT_TRUE(accepted(live, limit - live));
    EXPECT_FALSE(accepted(live, limit - live + 1));
    EXPECT_FALSE(accepted(live, limit));
    EXPECT_FALSE(accepted(live, UINT64_MAX));
    EXPECT_FALSE(accepted(UINT64_MAX, live + 1));
    // After the ninth futile collection the heap is exhausted.
    EXPECT_TRUE(accepted(live, 0, 9));
    EXPECT_FALSE(accepted(live, 0, 10));
}

TEST_F(HostileSnapshotTest, every_flipped_bit_changes_the_digest) {
    for (size_t i = 0; i < bytes.size(); ++i) {
        Bytes changed = bytes;
        changed[i] ^= static_cast<uint8_t>(1u << (i % 8));
        const auto made = restored(changed);
        ASSERT_FALSE(made) << i;
        EXPECT_FALSE(made.error().message().empty());
    }
}

TEST_F(HostileSnapshotTest, every_byte_changed_with_the_right_digest) {
    size_t accepted = 0;
    for (size_t i = 0; i < bytes.size() - 32; ++i)
        for (const uint8_t to : {uint8_t{0}, uint8_t{1}, uint8_t{0xff}, static_cast<uint8_t>(bytes[i] ^ 0x80),
                                 static_cast<uint8_t>(bytes[i] + 1), static_cast<uint8_t>(bytes[i] - 1)}) {
            if (to == bytes[i])
                continue;
            Bytes changed = bytes;
            changed[i] = to;
            accepted += accepts(changed) ? 1 : 0;
        }
    // Numbers in locals, globals and memory may be anything.
    EXPECT_GT(accepted, 4096u);
}

TEST_F(HostileSnapshotTest, every_shorter_snapshot_is_refused) {
    for (size_t size = 0; size < bytes.size(); ++size) {
        const Bytes shorter{bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)};
        EXPECT_FALSE(restored(shorter)) << size;
        EXPECT_FALSE(accepts(shorter)) << size;
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(restored(longer));
}

TEST_F(HostileSnapshotTest, random_changes) {
    std::mt19937 random{20};
    for (int round = 0; round < 3000; ++round) {
        Bytes changed = bytes;
        for (uint32_t count = random() % 4 + 1; count != 0; --count) {
            const size_t at = random() % (changed.size() - 40);
            switch (random() % 4) {
            case 0:
                changed[at] = static_cast<uint8_t>(random());
                break;
            case 1: // another part of it
                std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(random() % (bytes.size() - 40)), 4,
                            changed.begin() + static_cast<ptrdiff_t>(at));
                break;
            case 2:
                changed.erase(changed.begin() + static_cast<ptrdiff_t>(at),
                              changed.begin() + static_cast<ptrdiff_t>(at) + random() % 9);
                break;
            default:
                changed.insert(changed.begin() + static_cast<ptrdiff_t>(at), random() % 9,
                               static_cast<uint8_t>(random()));
            }
        }
        (void)accepts(changed);
    }
}

TEST_F(HostileSnapshotTest, missing_modules_and_imports_have_names) {
    const auto message = [&](const RestoreOptions& with) {
        BytesSource source{bytes};
        SnapshotSource* const sources[] = {&source};
        const auto made = restore(engine, sources, with);
        EXPECT_FALSE(made);
        EXPECT_EQ(made.error().code(), ErrorCode::unlinkable);
        return std::string{made.error().message()};
    };
    RestoreOptions with = options();
    with.modules = {};
    EXPECT_NE(message(with).find("module 0"), std::string::npos);
    with = options();
    with.linker = nullptr;
    EXPECT_NE(message(with).find("env.ask"), std::string::npos);
    const Linker empty{engine};
    with.linker = &empty;
    BytesSource source{bytes};
    SnapshotSource* const sources[] = {&source};
    EXPECT_FALSE(restore(engine, sources, with));
}

TEST_F(HostileSnapshotTest, sinks_that_fail) {
    const Instance instances[] = {instance};
    for (size_t room = 0; room < bytes.size() / 2; room += 97) {
        BytesSink sink;
        sink.left = room;
        const auto made = save(store, {.instances = instances}, sink);
        ASSERT_FALSE(made) << room;
        EXPECT_EQ(made.error().code(), ErrorCode::usage);
    }
}

// The parts of the structure, with their lengths before them, and a length of 0 at the end.
TEST(SnapshotReader, everything_in_the_structure_has_to_be_read) {
    const auto fault = [](const Bytes& bytes, size_t read) {
        BytesSource source{bytes};
        vm::Reader in{source, Allocator::standard()};
        in.begin_chunks();
        for (size_t i = 0; i < read; ++i)
            (void)in.u8();
        in.end_chunks();
        return in.ok() ? std::string{} : std::string{in.error().message()};
    };
    EXPECT_EQ(fault({3, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0}, 3), "");
    EXPECT_EQ(fault({2, 0, 0, 0, 1, 2, 1, 0, 0, 0, 3, 0, 0, 0, 0}, 3), "");
    EXPECT_EQ(fault({3, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0}, 2), "the snapshot's structure has 1 bytes too many");
    EXPECT_EQ(fault({8, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0}, 4),
              "the snapshot's structure has 4 bytes too many");
    EXPECT_EQ(fault({2, 0, 0, 0, 1, 2, 1, 0, 0, 0, 3, 0, 0, 0, 0}, 2),
              "the snapshot's structure has more bytes than it needs");
    EXPECT_EQ(fault({3, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0}, 4), "the snapshot's structure ends too early");
    EXPECT_EQ(fault({3, 0, 0, 0, 1, 2}, 3), "the snapshot ends too early");
    EXPECT_EQ(fault({0, 0, 0, 0x7f, 1, 2}, 1), "a chunk of 2130706432 bytes is too large");
}

TEST(ScarceSnapshotTest, reports_every_failing_allocation) {
    Config config;
    config.features = FeatureSet::all();
    ScarceStore scarce{config};
    EXPECT_TRUE(scarce.linker.host_call<int32_t(int32_t)>("env", "ask"));
    const Vec<uint8_t> binary = assemble(R"((module (import "env" "ask" (func $ask (param i32) (result i32)))
        (type $node (struct (field i32))) (memory 1) (data (i32.const 3) "x") (table 2 anyref)
        (table (export "t") 1 funcref)
        (func (export "f") (param i32) (result i32)
            (table.set (i32.const 1) (struct.new $node (i32.const 4)))
            (i32.add (local.get 0) (call $ask (i32.const 1))))))");
    const Module module = *scarce.engine.load(binary);
    const Instance instance = *scarce.linker.instantiate(scarce.store, module);
    // A function that is named by an instance which does not belong to the snapshot.
    EXPECT_TRUE(scarce.linker.func("env", "other", [] {}));
    EXPECT_TRUE(scarce.linker.define_instance("a", instance));
    const Module user = *scarce.engine.load(assemble(R"((module (import "env" "other" (func $other))
        (import "a" "t" (table $t 1 funcref)) (elem (table $t) (i32.const 0) func $other)))"));
    ASSERT_TRUE(scarce.linker.instantiate(scarce.store, user));
    const Value args[] = {5};
    Execution execution = std::move(*Execution::create(*instance.func("f"), args));
    ASSERT_EQ(*execution.resume(), ExecutionState::host_call);
    // Instances that are only found through the functions that another one imports.
    const Module callee = *scarce.engine.load(assemble("(module (func (export \"g\")))"));
    for (const char* name : {"0", "1", "2", "3", "4", "5", "6", "7", "8"})
        EXPECT_TRUE(scarce.linker.define_instance(name, *scarce.linker.instantiate(scarce.store, callee)));
    const Module caller =
        *scarce.engine.load(assemble("(module" + repeat("(import \"#\" \"g\" (func))", 9) + ")"));
    const Instance instances[] = {instance, *scarce.linker.instantiate(scarce.store, caller)};
    const Execution* const executions[] = {&execution};
    const SnapshotContents contents{.instances = instances, .executions = executions};
    // Once, for what is made at the first use.
    BytesSink whole;
    ASSERT_TRUE(save(scarce.store, contents, whole));
    ASSERT_TRUE(fork(scarce.store, contents));
    const size_t live = scarce.allocator.live();
    bool done = false;
    size_t allocations = 0;
    const auto refuse_nothing = [&] {
        allocations = scarce.allocator.calls();
        scarce.allocator.allow(SIZE_MAX);
        scarce.allocator.refuse_one(SIZE_MAX);
    };
    // With all allocations refused from the n-th on, a failure that is ignored is reported by the next one.
    // So only one each is refused, too.
    const auto try_all = [&](const auto& attempt) {
        done = false;
        for (size_t n = 0; !done; ++n) {
            ASSERT_LT(n, 10'000u);
            scarce.allocator.allow(n);
            attempt();
        }
        EXPECT_EQ(scarce.allocator.live(), live);
        for (size_t n = 0, end = allocations; n < end; ++n) {
            scarce.allocator.refuse_one(n);
            attempt();
        }
        attempt(); // gives back what could not be given back before
        EXPECT_TRUE(done);
        EXPECT_EQ(scarce.allocator.live(), live);
    };
    try_all([&] {
        BytesSink sink;
        const auto made = save(scarce.store, contents, sink);
        refuse_nothing();
        done = made.has_value();
        if (!done) {
            EXPECT_EQ(made.error().code(), ErrorCode::out_of_memory);
        } else {
            EXPECT_EQ(sink.bytes, whole.bytes);
        }
        EXPECT_EQ(scarce.allocator.live(), live);
    });
    const Module modules[] = {module, callee, caller};
    for (const bool forks : {false, true})
        try_all([&] {
            BytesSource source{whole.bytes};
            SnapshotSource* const sources[] = {&source};
            auto made = forks
                            ? fork(scarce.store, contents)
                            : restore(scarce.engine, sources, {.modules = modules, .linker = &scarce.linker});
            refuse_nothing();
            done = made.has_value();
            if (!done) {
                EXPECT_TRUE(made.error().code() == ErrorCode::out_of_memory ||
                            made.error().code() == ErrorCode::limit)
                    << made.error().message();
                return;
            }
            const Value answer{3};
            ASSERT_TRUE(made->executions[0].answer({&answer, 1}));
            ASSERT_EQ(*made->executions[0].resume(), ExecutionState::done);
            Value result;
            ASSERT_TRUE(made->executions[0].results({&result, 1}));
            EXPECT_EQ(result.as<int32_t>(), 8);
        });
}

} // namespace
} // namespace warpbeam
