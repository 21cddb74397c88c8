#include "fixture.hpp"

#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/host_object.hpp>

/// References in the signatures of host functions and of TypedFunc.

namespace warpbeam {
namespace {

/// Collects at each allocation, so that a reference which is not kept alive is found out.
class TypedReferencesTest : public VmTest {
protected:
    TypedReferencesTest() : VmTest{Config{.collect_always = true}} {}

    TypeId add_type(CompositeKind kind) {
        const FieldType field{ValType::i32, true};
        SubType type;
        type.kind = kind;
        type.fields = {&field, 1};
        return engine.types().add_group({&type, 1});
    }
    /// A structure, or an array, of the type with one i32.
    StructRef make_struct(int32_t number) {
        const auto made = StructRef::create(store, add_type(CompositeKind::struct_), {{number}});
        EXPECT_TRUE(made) << made.error().message();
        return *made;
    }
    ArrayRef make_array(uint32_t length) {
        const auto made = ArrayRef::create(store, add_type(CompositeKind::array), length, 0);
        EXPECT_TRUE(made) << made.error().message();
        return *made;
    }
    void make_garbage() {
        const RootScope scope{store};
        for (int i = 0; i < 10; ++i)
            (void)make_struct(-1);
    }
    /// The message with which a signature is refused.
    template <typename Signature>
    static std::string refusal_of(Instance instance, std::string_view name) {
        const auto func = instance.func<Signature>(name);
        EXPECT_FALSE(func);
        return func ? std::string{} : std::string{func.error().message()};
    }
    /// The trap of a call; empty when there is none.
    template <typename Result>
    static std::string trap_in(const std::expected<Result, Trap>& result) {
        return result ? std::string{} : std::string{result.error().message()};
    }
};

constexpr std::string_view misfit = "argument 0 has the wrong type";

TEST_F(TypedReferencesTest, anyref_goes_through_host_functions) {
    AnyRef seen;
    ASSERT_TRUE(linker.func("env", "pass", [&](AnyRef reference) {
        make_garbage();
        return seen = reference;
    }));
    const Instance instance = instantiate(R"((module
        (import "env" "pass" (func $pass (param anyref) (result anyref)))
        (type $box (struct (field i32)))
        (func (export "number") (param i32) (result i32)
            (i31.get_u (ref.cast (ref i31) (call $pass (ref.i31 (local.get 0))))))
        (func (export "box") (param i32) (result i32)
            (struct.get $box 0 (ref.cast (ref $box) (call $pass (struct.new $box (local.get 0))))))
        (func (export "null") (result i32) (ref.is_null (call $pass (ref.null any))))
        (func (export "external") (param externref) (result externref)
            (extern.convert_any (call $pass (any.convert_extern (local.get 0)))))))");
    EXPECT_EQ((*instance.func<int32_t(int32_t)>("number"))(77), 77);
    EXPECT_TRUE(seen.is_i31());
    EXPECT_EQ(seen.i31_bits(), 77u);
    EXPECT_EQ(seen, AnyRef::i31(77));
    EXPECT_EQ((*instance.func<int32_t(int32_t)>("box"))(78), 78);
    EXPECT_EQ(value_of(instance, "null"), 1);
    EXPECT_TRUE(seen.is_null());
    const auto external = instance.func<ExternRef(ExternRef)>("external");
    EXPECT_EQ((*external)(ExternRef::host(9)), ExternRef::host(9));
    EXPECT_EQ(seen.to_extern(), ExternRef::host(9));
    EXPECT_EQ(seen, AnyRef::from_extern(ExternRef::host(9)));
    const auto object = ExternRef::create(store, std::string{"text"});
    ASSERT_TRUE(object);
    ASSERT_EQ((*external)(*object), *object);
    EXPECT_EQ(*seen.to_extern().object<std::string>(store), "text");
}

TEST_F(TypedReferencesTest, structures_and_arrays_go_through_host_functions) {
    ASSERT_TRUE(linker.func("env", "next", [this](StructRef box) -> std::expected<StructRef, Trap> {
        if (!box)
            return box;
        const int32_t number = box.get(0)->as<int32_t>();
        make_garbage();
        EXPECT_EQ(box.get(0)->as<int32_t>(), number) << "the frame keeps it";
        return make_struct(number + 1);
    }));
    ASSERT_TRUE(linker.func("env", "double", [this](Caller&, ArrayRef array) {
        return std::tuple{make_array(2 * array.size()), make_struct(3), AnyRef{array}};
    }));
    const Instance instance = instantiate(R"((module
        (import "env" "next" (func $next (param structref) (result structref)))
        (import "env" "double" (func $double (param arrayref) (result arrayref structref anyref)))
        (type $box (struct (field (mut i32)))) (type $numbers (array (mut i32)))
        (func (export "next") (param i32) (result i32)
            (struct.get $box 0 (ref.cast (ref $box)
                (call $next (call $next (struct.new $box (local.get 0)))))))
        (func (export "null") (result i32) (ref.is_null (call $next (ref.null $box))))
        (func (export "double") (param i32) (result i32 i32 i32) (local $a arrayref) (local $s structref) (local $r anyref)
            (call $double (array.new_default $numbers (local.get 0)))
            (local.set $r) (local.set $s) (local.set $a)
            (array.len (local.get $a))
            (struct.get $box 0 (ref.cast (ref $box) (local.get $s)))
            (array.len (ref.cast (ref array) (local.get $r))))))");
    EXPECT_EQ((*instance.func<int32_t(int32_t)>("next"))(5), 7);
    EXPECT_EQ(value_of(instance, "null"), 1);
    EXPECT_EQ((*instance.func<std::tuple<int, int, int>(int)>("double"))(10), (std::tuple{20, 3, 10}));
}

TEST_F(TypedReferencesTest, typed_functions_go_through_host_functions) {
    using Unary = TypedFunc<int32_t(int32_t)>;
    Unary kept;
    ASSERT_TRUE(linker.func("env", "apply", [](Unary func, int32_t number) -> std::expected<int32_t, Trap> {
        return func ? func(number) : -1;
    }));
    ASSERT_TRUE(linker.func("env", "swap", [&](Unary func) { return std::exchange(kept, func); }));
    ASSERT_TRUE(
        linker.func("env", "higher", [](TypedFunc<Unary(Unary)> func, Unary inner) { return func(inner); }));
    const Instance instance = instantiate(R"((module
        (type $unary (func (param i32) (result i32)))
        (type $higher (func (param (ref null $unary)) (result (ref null $unary))))
        (import "env" "apply" (func $apply (param (ref null $unary) i32) (result i32)))
        (import "env" "swap" (func $swap (type $higher)))
        (import "env" "higher" (func $higher (param (ref null $higher) (ref null $unary)) (result (ref null $unary))))
        (func $twice (export "twice") (type $unary) (i32.mul (local.get 0) (i32.const 2)))
        (elem declare func $twice $swap)
        (func (export "apply") (param i32) (result i32) (call $apply (ref.func $twice) (local.get 0)))
        (func (export "null") (result i32) (call $apply (ref.null $unary) (i32.const 3)))
        (func (export "swap") (result i32)
            (drop (call $swap (ref.func $twice)))
            (call_ref $unary (i32.const 21) (call $swap (ref.null $unary))))
        (func (export "higher") (result i32)
            (drop (call $higher (ref.func $swap) (ref.func $twice)))
            (call_ref $unary (i32.const 5) (call $higher (ref.func $swap) (ref.null $unary))))))");
    EXPECT_EQ((*instance.func<int32_t(int32_t)>("apply"))(4), 8);
    EXPECT_EQ(value_of(instance, "null"), -1);
    EXPECT_EQ(value_of(instance, "swap"), 42);
    EXPECT_FALSE(kept);
    EXPECT_EQ(value_of(instance, "higher"), 10);

    const Unary empty;
    EXPECT_EQ(trap_in(empty(1)), "the function is null");
    // A function of its own, too.
    const auto own = Func::wrap(store, [](int32_t number) { return number + 1; });
    const auto apply = Func::wrap(store, [](Unary func) { return func(1).value_or(0); });
    EXPECT_EQ((*apply->typed<int32_t(Unary)>())(*own->typed<int32_t(int32_t)>()), 2);
    EXPECT_EQ(trap_in((*apply->typed<int32_t(Func)>())(*apply)), misfit) << "a function of another type";
    EXPECT_EQ((*apply->typed<int32_t(Func)>())(*own), 2);
}

constexpr std::string_view typed = R"((module
    (type $box (struct (field (mut i32)))) (type $numbers (array (mut i32))) (type $unary (func (param i32) (result i32)))
    (type $other (struct (field i64)))
    (func $same (export "same") (type $unary) (local.get 0))
    (func (export "box") (param i32) (result (ref $box)) (struct.new $box (local.get 0)))
    (func (export "other") (result (ref $other)) (struct.new_default $other))
    (func (export "numbers") (param i32) (result (ref null $numbers)) (array.new_default $numbers (local.get 0)))
    (func (export "func") (result (ref $unary)) (ref.func $same))
    (func (export "any func") (result funcref) (ref.func $same))
    (func (export "external") (result externref) (ref.null extern))
    (func (export "unbox") (param (ref $box)) (result i32) (struct.get $box 0 (local.get 0)))
    (func (export "may be null") (param (ref null $box)) (result i32) (ref.is_null (local.get 0)))
    (func (export "any") (param anyref) (result anyref) (local.get 0))
    (func (export "any length") (param arrayref) (result i32) (array.len (local.get 0)))
    (func (export "number") (param i31ref) (result i32) (i31.get_u (local.get 0)))
    (func (export "not null") (param (ref extern)))
    (func (export "call") (param (ref $unary)) (result i32) (call_ref $unary (i32.const 8) (local.get 0))))
)";

TEST_F(TypedReferencesTest, results_are_supertypes) {
    const Instance instance = instantiate(typed);
    const auto box = (*instance.func<StructRef(int32_t)>("box"))(6);
    ASSERT_TRUE(box);
    make_garbage();
    EXPECT_EQ(box->get(0)->as<int32_t>(), 6) << "it is kept";
    const auto any = (*instance.func<AnyRef(int32_t)>("box"))(7);
    EXPECT_EQ(StructRef::from(store, *any)->get(0)->as<int32_t>(), 7);
    EXPECT_FALSE(ArrayRef::from(store, *any));
    EXPECT_EQ((*instance.func<ArrayRef(int32_t)>("numbers"))(3)->size(), 3u);
    EXPECT_EQ((*(*instance.func<TypedFunc<int32_t(int32_t)>()>("func"))())(5), 5);
    EXPECT_EQ((*instance.func<Func()>("func"))(), *instance.func("same"));
}

TEST_F(TypedReferencesTest, arguments_fit_or_trap) {
    const Instance instance = instantiate(typed);
    const StructRef box = make_struct(9);
    // Each is a subtype of the parameter.
    const auto any = *instance.func<AnyRef(AnyRef)>("any");
    EXPECT_EQ(any(box), AnyRef{box});
    EXPECT_EQ((*instance.func<AnyRef(StructRef)>("any"))(box), AnyRef{box});
    EXPECT_EQ((*instance.func<AnyRef(ArrayRef)>("any"))({}), AnyRef{});
    // Not all of these are, so each call looks.
    const auto unbox = *instance.func<int32_t(StructRef)>("unbox");
    EXPECT_EQ(unbox(box), 9);
    EXPECT_EQ(trap_in(unbox({})), misfit);
    EXPECT_EQ(trap_in(unbox(*(*instance.func<StructRef()>("other"))())), misfit);
    EXPECT_EQ((*instance.func<int32_t(StructRef)>("may be null"))({}), 1);
    EXPECT_EQ((*instance.func<int32_t(AnyRef)>("unbox"))(box), 9);
    EXPECT_EQ(trap_in((*instance.func<int32_t(AnyRef)>("unbox"))(AnyRef::i31(1))), misfit);
    EXPECT_EQ((*instance.func<int32_t(ArrayRef)>("any length"))(make_array(4)), 4);
    for (const int32_t number : {0, 1, 31, 0x3fff'ffff, 0x4000'0000, 0x7fff'ffff})
        EXPECT_EQ((*instance.func<int32_t(AnyRef)>("number"))(AnyRef::i31(static_cast<uint32_t>(number))),
                  number);
    EXPECT_EQ(trap_in((*instance.func<int32_t(AnyRef)>("number"))(box)), misfit);
    EXPECT_EQ(trap_in((*instance.func<void(ExternRef)>("not null"))({})), misfit);
    EXPECT_EQ(trap_in((*instance.func<void(ExternRef)>("not null"))(ExternRef::host(1))), "");
    const auto call = *instance.func<int32_t(TypedFunc<int32_t(int32_t)>)>("call");
    EXPECT_EQ(call(*instance.func<int32_t(int32_t)>("same")), 8);
    EXPECT_EQ(trap_in(call({})), misfit);
}

TEST_F(TypedReferencesTest, refuses_other_types) {
    const Instance instance = instantiate(typed);
    EXPECT_EQ(
        refusal_of<AnyRef(int32_t)>(instance, "any"),
        "the function's type is func (param anyref) (result anyref), not func (param i32) (result anyref) "
        "(function any)");
    EXPECT_NE(refusal_of<AnyRef(ExternRef)>(instance, "any"), "");
    EXPECT_NE(refusal_of<AnyRef(Func)>(instance, "any"), "");
    EXPECT_NE(refusal_of<StructRef(AnyRef)>(instance, "any"), "") << "a result that may be something else";
    EXPECT_NE(refusal_of<AnyRef()>(instance, "external"), "");
    EXPECT_NE(refusal_of<ArrayRef(int32_t)>(instance, "box"), "");
    EXPECT_NE(refusal_of<int32_t(ArrayRef)>(instance, "unbox"), "");
    EXPECT_NE(refusal_of<TypedFunc<int32_t(int32_t)>()>(instance, "any func"), "");
    EXPECT_NE(refusal_of<TypedFunc<int32_t(int64_t)>()>(instance, "func"), "");
    EXPECT_NE(refusal_of<int32_t(TypedFunc<int32_t(int64_t)>)>(instance, "call"), "");
    ASSERT_TRUE(linker.func("env", "f", [](AnyRef, StructRef, TypedFunc<void()>) {}));
    EXPECT_NE(refusal(R"((module (type $t (func))
        (import "env" "f" (func (param anyref anyref (ref null $t))))))"),
              "");
    EXPECT_NE(refusal(R"((module (type $t (func (param i32)))
        (import "env" "f" (func (param anyref structref (ref null $t))))))"),
              "");
    instantiate(R"((module (type $t (func))
        (import "env" "f" (func (param anyref structref (ref null $t))))))");
}

TEST_F(TypedReferencesTest, references_that_were_let_go_of_are_refused) {
    const Instance instance = instantiate(typed);
    AnyRef stale;
    ExternRef object;
    {
        const RootScope scope{store};
        stale = make_struct(1);
        object = *ExternRef::create(store, 5);
    }
    store.collect();
    EXPECT_EQ(trap_in((*instance.func<AnyRef(AnyRef)>("any"))(stale)), misfit);
    EXPECT_EQ(trap_in((*instance.func<void(ExternRef)>("not null"))(object)), misfit);
    for (const bool external : {false, true}) {
        const auto host = external ? Func::wrap(store, [&] { return object; })
                                   : Func::wrap(store, [&] { return std::tuple{int32_t{1}, stale}; });
        const auto called = external ? trap_in((*host->typed<ExternRef()>())())
                                     : trap_in((*host->typed<std::tuple<int32_t, AnyRef>()>())());
        EXPECT_EQ(called, external ? "result 0 of the host function has the wrong type"
                                   : "result 1 of the host function has the wrong type");
    }
}

TEST_F(TypedReferencesTest, functions_of_another_store_are_refused) {
    Store other{engine};
    const auto foreign = Func::wrap(other, [](int32_t number) { return number; });
    ASSERT_TRUE(foreign);
    const Instance instance = instantiate(typed);
    EXPECT_EQ(trap_in((*instance.func<int32_t(TypedFunc<int32_t(int32_t)>)>("call"))(
                  *foreign->typed<int32_t(int32_t)>())),
              misfit);
    const auto host = Func::wrap(store, [&] { return *foreign; });
    EXPECT_EQ(trap_in((*host->typed<Func()>())()), "result 0 of the host function has the wrong type");
}

TEST_F(TypedReferencesTest, null_handles_do_nothing) {
    const StructRef box;
    const ArrayRef array;
    EXPECT_TRUE(box.is_null() && array.is_null());
    EXPECT_EQ(box.size() + array.size(), 0u);
    EXPECT_EQ(box.type(), SubType::no_type);
    EXPECT_FALSE(box.get(0));
    EXPECT_FALSE(array.set(0, 1));
    EXPECT_TRUE(box.value().is_null() && array.value().is_null());
    EXPECT_EQ(Value{box}.type(), ValType::reference(HeapType::struct_, true));
    EXPECT_EQ(make_struct(4).value().get<AnyRef>()->is_null(), false);
    EXPECT_FALSE(Value{Func{}}.is<AnyRef>());
    EXPECT_FALSE(Value{5}.is<AnyRef>());
}

TEST(TypedReferencesMemory, failing_is_an_error) {
    for (size_t budget = 0;; ++budget) {
        CountingAllocator allocator;
        allocator.allow(budget);
        {
            Config config;
            config.allocator = &allocator;
            Engine engine{config};
            Store store{engine};
            const auto made = Func::wrap(store, [](TypedFunc<AnyRef(StructRef)>) {});
            if (made) {
                const auto func = made->typed<void(TypedFunc<AnyRef(StructRef)>)>();
                ASSERT_TRUE(func);
                const auto other = made->typed<void(TypedFunc<AnyRef(AnyRef)>)>();
                ASSERT_FALSE(other);
                if (other.error().code() == ErrorCode::usage)
                    break;
                EXPECT_EQ(other.error().code(), ErrorCode::out_of_memory);
            } else {
                EXPECT_EQ(made.error().code(), ErrorCode::out_of_memory);
            }
        }
        EXPECT_EQ(allocator.live(), 0u);
        ASSERT_LT(budget, 200u);
    }
}

} // namespace
} // namespace warpbeam
