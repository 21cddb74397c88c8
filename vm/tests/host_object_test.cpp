#include "fixture.hpp"

#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/host_object.hpp>

#include <algorithm>
#include <memory>

/// Objects of the host that external references hold: when they live and when they end.

namespace warpbeam {
namespace {

/// Counts how many of them there are.
class Counted {
public:
    explicit Counted(int& live, int its_number = 0) noexcept : number{its_number}, live_{&live} { ++*live_; }
    Counted(Counted&& other) noexcept : number{other.number}, live_{other.live_} { ++*live_; }
    Counted& operator=(Counted&&) = delete;
    ~Counted() { --*live_; }

    int number;

private:
    int* live_;
};

struct Shared : RefCounted<Shared> {
    Shared(Allocator& allocator, int& live) noexcept : RefCounted{allocator}, counted{live} {}
    Counted counted;
};

class HostObjectTest : public VmTest {
protected:
    using VmTest::VmTest;

    /// A reference that only the value stack, or what the test does with it, keeps alive.
    ExternRef make(int number = 0) {
        auto made = ExternRef::create(store, Counted{live, number});
        EXPECT_TRUE(made) << made.error().message();
        return made ? *made : ExternRef{};
    }
    /// How many live on after a collection.
    int collect() {
        store.collect();
        return live;
    }
    /// Calls an export that takes an externref.
    static void give(Instance instance, std::string_view name, ExternRef reference) {
        const auto func = instance.func<void(ExternRef)>(name);
        ASSERT_TRUE(func) << func.error().message();
        const auto called = (*func)(reference);
        ASSERT_TRUE(called) << called.error().message();
    }
    int number_of(ExternRef reference) {
        const Counted* const found = reference.object<Counted>(store);
        return found != nullptr ? found->number : -1;
    }

    int live = 0;
};

TEST_F(HostObjectTest, reads_the_object_back_with_its_type_alone) {
    const ExternRef reference = make(7);
    EXPECT_EQ(live, 1);
    EXPECT_EQ(number_of(reference), 7);
    EXPECT_EQ(reference.object<const Counted>(store)->number, 7);
    EXPECT_EQ(reference.data(store), reference.object<Counted>(store));
    EXPECT_EQ(reference.object<int>(store), nullptr);
    EXPECT_EQ(reference.object<Shared>(store), nullptr);
    EXPECT_FALSE(reference.is_host());
    EXPECT_FALSE(reference.is_null());
    EXPECT_EQ(dynamic_type(store, reference), HeapType::extern_);
    for (const ExternRef other :
         {ExternRef{}, ExternRef::host(9), ExternRef::from_bits(Value::i31(3).slots()[0]),
          ExternRef::from_bits(reference.bits() + 8)}) {
        EXPECT_EQ(other.object<Counted>(store), nullptr);
        EXPECT_EQ(other.data(store), nullptr);
    }
    Store another{engine};
    EXPECT_EQ(reference.object<Counted>(another), nullptr);
}

TEST_F(HostObjectTest, ends_what_nothing_refers_to) {
    {
        const RootScope scope{store};
        (void)make();
        const ExternRef second = make();
        EXPECT_EQ(collect(), 2) << "the scope keeps what was made in it";
        EXPECT_FALSE(make() == second);
    }
    EXPECT_EQ(live, 3) << "nothing ends before a collection";
    EXPECT_EQ(collect(), 0);
}

TEST_F(HostObjectTest, ends_the_rest_with_the_store) {
    {
        Store other{engine};
        for (int i = 0; i < 100; ++i)
            ASSERT_TRUE(ExternRef::create(other, Counted{live}));
        EXPECT_EQ(live, 100);
    }
    EXPECT_EQ(live, 0);
}

TEST_F(HostObjectTest, is_shared_or_has_a_finalizer) {
    static int ended;
    ended = 0;
    auto shared = Ref<Shared>::adopt(create<Shared>(engine.allocator(), engine.allocator(), live));
    int plain = 0;
    {
        const RootScope scope{store};
        const auto first = ExternRef::create(store, shared);
        const auto second =
            ExternRef::create(store, &plain, [](void* data) noexcept { *static_cast<int*>(data) = ++ended; });
        ASSERT_TRUE(first && second);
        EXPECT_EQ(first->object<Shared>(store), shared.get());
        EXPECT_EQ(second->data(store), &plain);
        EXPECT_EQ(second->object<int>(store), nullptr) << "it has no type";
        EXPECT_EQ(collect(), 1);
        EXPECT_EQ(ended, 0);
        // Without a finalizer, and without an object.
        EXPECT_TRUE(ExternRef::create(store, &plain, nullptr));
        EXPECT_EQ(ExternRef::create(store, Ref<Shared>{}), ExternRef{});
    }
    EXPECT_EQ(collect(), 1) << "it has another owner";
    EXPECT_TRUE(shared->has_one_owner());
    EXPECT_EQ(plain, 1);
    shared = {};
    EXPECT_EQ(live, 0);
}

TEST_F(HostObjectTest, holds_any_object) {
    struct alignas(64) Wide {
        char bytes[40'000];
    };
    const auto wide = ExternRef::create(store, Wide{});
    ASSERT_TRUE(wide);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(wide->object<Wide>(store)) % 64, 0u);
    const auto owner = std::make_shared<Counted>(live);
    const auto pointer = ExternRef::create(store, owner);
    ASSERT_TRUE(pointer);
    EXPECT_EQ(pointer->object<std::shared_ptr<Counted>>(store)->get(), owner.get());
}

constexpr std::string_view holders = R"((module
    (import "env" "check" (func $check))
    (type $box (struct (field (mut externref)) (field (mut anyref))))
    (type $refs (array (mut externref)))
    (tag $t (export "t") (param externref))
    (global $g (mut externref) (ref.null extern))
    (global $box (mut (ref null $box)) (ref.null $box))
    (global $refs (mut (ref null $refs)) (ref.null $refs))
    (global $exn (mut exnref) (ref.null exn))
    (table $table 2 externref)
    (func (export "global") (param externref) (global.set $g (local.get 0)))
    (func (export "table") (param externref) (table.set $table (i32.const 1) (local.get 0)))
    (func (export "field") (param externref)
        (global.set $box (struct.new $box (local.get 0) (ref.null any))))
    (func (export "internal") (param externref)
        (global.set $box (struct.new $box (ref.null extern) (any.convert_extern (local.get 0)))))
    (func (export "element") (param externref)
        (global.set $refs (array.new $refs (local.get 0) (i32.const 3))))
    (func (export "exception") (param externref)
        (global.set $exn (block $caught (result exnref)
            (try_table (catch_all_ref $caught) (throw $t (local.get 0))) (ref.null exn))))
    (func (export "local") (param externref) (local $l externref)
        (local.set $l (local.get 0)) (call $check) (drop (local.get $l)))
    (func (export "operand") (param externref) (local.get 0) (call $check) (drop))
    (func (export "drop") (param externref)
        (global.set $g (local.get 0)) (table.fill $table (i32.const 0) (local.get 0) (i32.const 2))
        (global.set $box (ref.null $box)) (global.set $refs (ref.null $refs)) (global.set $exn (ref.null exn)))
    (func (export "back") (param externref) (result externref)
        (extern.convert_any (any.convert_extern (local.get 0))))
    (func (export "kinds") (param externref) (result i32) (local $any anyref)
        (local.set $any (any.convert_extern (local.get 0)))
        (i32.add (i32.add
            (i32.mul (ref.test (ref any) (local.get $any)) (i32.const 1))
            (i32.mul (ref.test (ref eq) (local.get $any)) (i32.const 10)))
            (i32.add
            (i32.add (i32.mul (ref.test (ref struct) (local.get $any)) (i32.const 100))
                     (i32.mul (ref.test (ref i31) (local.get $any)) (i32.const 1000)))
            (i32.add (i32.mul (ref.test (ref $box) (local.get $any)) (i32.const 10000))
                     (i32.mul (ref.test (ref array) (local.get $any)) (i32.const 100000))))))
    (func (export "cast") (param externref) (drop (ref.cast (ref eq) (any.convert_extern (local.get 0)))))
    (func (export "throw") (param externref) (throw $t (local.get 0))))
)";

TEST_F(HostObjectTest, lives_on_wherever_code_keeps_it) {
    const auto check = [this] { EXPECT_EQ(collect(), 1); };
    ASSERT_TRUE(linker.func("env", "check", check));
    const Instance instance = instantiate(holders);
    for (const std::string_view holder :
         {"global", "table", "field", "internal", "element", "exception", "local", "operand"}) {
        SCOPED_TRACE(holder);
        {
            const RootScope scope{store};
            const ExternRef reference = make(5);
            give(instance, holder, reference);
        }
        const bool stays = holder != "local" && holder != "operand";
        EXPECT_EQ(collect(), stays ? 1 : 0);
        give(instance, "drop", {});
        EXPECT_EQ(collect(), 0);
    }
}

TEST_F(HostObjectTest, lives_on_in_a_root_and_in_a_trap) {
    ASSERT_TRUE(linker.func("env", "check", [] {}));
    const Instance instance = instantiate(holders);
    Root root;
    std::optional<Exception> exception;
    {
        const RootScope scope{store};
        root = Root{store, make(3)};
        const auto thrown = (*instance.func<void(ExternRef)>("throw"))(make(4));
        ASSERT_FALSE(thrown);
        exception = thrown.error().exception();
    }
    EXPECT_EQ(collect(), 2);
    EXPECT_EQ(number_of(root.value().as<ExternRef>()), 3);
    EXPECT_EQ(number_of((*exception)[0].as<ExternRef>()), 4);
    root = {};
    exception.reset();
    EXPECT_EQ(collect(), 0);
}

TEST_F(HostObjectTest, is_no_structure_for_code) {
    ASSERT_TRUE(linker.func("env", "check", [] {}));
    const Instance instance = instantiate(holders);
    const ExternRef reference = make(2);
    EXPECT_EQ((*instance.func<ExternRef(ExternRef)>("back"))(reference), reference);
    EXPECT_EQ((*instance.func<int32_t(ExternRef)>("kinds"))(reference), 1);
    const auto cast = (*instance.func<void(ExternRef)>("cast"))(reference);
    ASSERT_FALSE(cast);
    EXPECT_EQ(cast.error().code(), TrapCode::cast_failure);
    EXPECT_FALSE(StructRef::from(store, reference));
    EXPECT_FALSE(ArrayRef::from(store, reference));
    EXPECT_FALSE(Exception::from(store, reference));
}

TEST_F(HostObjectTest, reaches_host_functions) {
    ASSERT_TRUE(linker.func("env", "make", [this](int32_t number) { return make(number); }));
    ASSERT_TRUE(
        linker.func("env", "read", [](Caller& caller, ExternRef reference) -> std::expected<int32_t, Trap> {
            const Counted* const found = reference.object<Counted>(caller.store());
            if (found == nullptr)
                return std::unexpected{Trap::host("not counted")};
            return found->number;
        }));
    const Instance instance = instantiate(R"((module
        (import "env" "make" (func $make (param i32) (result externref)))
        (import "env" "read" (func $read (param externref) (result i32)))
        (func (export "run") (result i32) (call $read (call $make (i32.const 6))))
        (func (export "null") (drop (call $read (ref.null extern))))))");
    EXPECT_EQ(value_of(instance, "run"), 6);
    EXPECT_EQ(trap_of(instance, "null"), "not counted");
    EXPECT_EQ(collect(), 0) << "the call's scope has ended";
}

class LimitedHostObjectTest : public HostObjectTest {
protected:
    LimitedHostObjectTest() : HostObjectTest{{}, {.heap_bytes = 2 << 20}} {}
};

constexpr std::string_view maker = R"((module
    (import "env" "make" (func $make (result externref)))
    (func (export "run") (param i32) (loop $more
        (drop (call $make))
        (br_if $more (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))))";

TEST_F(LimitedHostObjectTest, stays_within_the_limit) {
    int most = 0;
    ASSERT_TRUE(linker.func("env", "make", [&] {
        const ExternRef made = make();
        most = std::max(most, live);
        return made;
    }));
    const Instance instance = instantiate(maker);
    ASSERT_TRUE((*instance.func<void(int32_t)>("run"))(100'000));
    EXPECT_LE(store.heap().peak, 2u << 20);
    EXPECT_GT(store.heap().collections, 2u);
    EXPECT_LT(most, 40'000);
    EXPECT_LE(collect(), 2) << "the value stack may hold the last one";
}

TEST_F(LimitedHostObjectTest, counts_the_objects_themselves) {
    struct Large {
        char bytes[100'000];
    };
    const RootScope scope{store};
    int made = 0;
    for (;; ++made) {
        const auto reference = ExternRef::create(store, Large{});
        if (!reference) {
            EXPECT_EQ(reference.error().code(), ErrorCode::limit);
            break;
        }
        ASSERT_LT(made, 100);
    }
    EXPECT_GE(made, 15);
    EXPECT_LE(store.usage().heap_bytes, 2u << 20);
    struct Larger {
        char bytes[3 << 20];
    };
    const auto impossible = std::make_unique<Larger>();
    EXPECT_EQ(ExternRef::create(store, *impossible).error().code(), ErrorCode::limit);
}

/// Collects at each allocation.
class ThoroughHostObjectTest : public HostObjectTest {
protected:
    ThoroughHostObjectTest() : HostObjectTest{{.collect_always = true}} {}
};

TEST_F(ThoroughHostObjectTest, ends_each_at_the_next_allocation) {
    int most = 0;
    ASSERT_TRUE(linker.func("env", "make", [&] {
        const ExternRef made = make();
        most = std::max(most, live);
        EXPECT_NE(made.data(store), nullptr);
        return made;
    }));
    const Instance instance = instantiate(maker);
    ASSERT_TRUE((*instance.func<void(int32_t)>("run"))(1000));
    EXPECT_LE(most, 3);
}

TEST_F(HostObjectTest, may_hold_handles_and_end_them) {
    struct Holder {
        Root root;
        Counted counted;
    };
    {
        const RootScope scope{store};
        Root inner{store, make(1)};
        ASSERT_TRUE(ExternRef::create(store, Holder{std::move(inner), Counted{live}}));
        EXPECT_EQ(collect(), 2);
    }
    EXPECT_EQ(collect(), 1) << "the root held one while the other was found dead";
    EXPECT_EQ(collect(), 0);
}

TEST_F(HostObjectTest, a_store_that_is_used_against_the_rules_stays_whole) {
    struct Offender {
        Store* store;
        int* refused;
        ~Offender() {
            if (store == nullptr)
                return;
            store->collect();
            *refused += !ExternRef::create(*store, 5).has_value();
        }
        Offender(Store& of, int& count) noexcept : store{&of}, refused{&count} {}
        Offender(Offender&& other) noexcept
            : store{std::exchange(other.store, nullptr)}, refused{other.refused} {}
        Offender& operator=(Offender&&) = delete;
    };
    int refused = 0;
    {
        Store other{engine};
        {
            const RootScope scope{other};
            for (int i = 0; i < 10; ++i)
                ASSERT_TRUE(ExternRef::create(other, Offender{other, refused}));
        }
        other.collect();
        EXPECT_EQ(refused, 10);
        ASSERT_TRUE(ExternRef::create(other, Offender{other, refused}));
    }
    EXPECT_EQ(refused, 11);
}

/// Whether everything worked; whatever happened, each object that was made ended.
bool make_objects(Allocator& allocator) {
    static int ended;
    ended = 0;
    int given = 0;
    int live = 0;
    bool worked = true;
    {
        Config config;
        config.allocator = &allocator;
        Engine engine{config};
        Store store{engine};
        for (int i = 0; i < 40 && worked; ++i) {
            worked = ExternRef::create(store, Counted{live}).has_value();
            ++given;
            worked &= ExternRef::create(store, &live, [](void*) noexcept { ++ended; }).has_value();
            auto shared = Ref<Shared>::adopt(create<Shared>(allocator, allocator, live));
            worked &= shared && ExternRef::create(store, shared).has_value();
        }
    }
    EXPECT_EQ(live, 0);
    EXPECT_EQ(ended, given);
    return worked;
}

TEST(HostObjectMemory, failing_ends_the_object) {
    for (size_t budget = 0;; ++budget) {
        CountingAllocator allocator;
        allocator.allow(budget);
        const bool worked = make_objects(allocator);
        EXPECT_EQ(allocator.live(), 0u);
        if (worked) {
            EXPECT_GT(budget, 100u);
            break;
        }
        ASSERT_LT(budget, 1000u);
    }
    for (size_t n = 0;; ++n) {
        CountingAllocator allocator;
        allocator.refuse_one(n);
        make_objects(allocator);
        EXPECT_EQ(allocator.live(), 0u);
        if (allocator.calls() <= n)
            break;
    }
}

} // namespace
} // namespace warpbeam
