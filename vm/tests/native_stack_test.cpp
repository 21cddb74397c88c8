#include "fixture.hpp"

#include <functional>
#include <pthread.h>

namespace warpbeam {
namespace {

/// Runs something on a thread with a native stack of that size.
void on_stack_of(size_t size, std::function<void()> run) {
    pthread_attr_t attributes;
    ASSERT_EQ(pthread_attr_init(&attributes), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&attributes, size), 0);
    pthread_t thread;
    const auto entry = [](void* argument) -> void* {
        (*static_cast<std::function<void()>*>(argument))();
        return nullptr;
    };
    ASSERT_EQ(pthread_create(&thread, &attributes, entry, &run), 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
}

class NativeStackTest : public VmTest {
protected:
    NativeStackTest() : VmTest{{.host_call_depth = 1'000'000}} {
        EXPECT_TRUE(linker.func("env", "again", [this](Caller& caller) -> std::expected<void, Trap> {
            const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
            if (last != 0)
                bytes_per_level = last - here;
            last = here;
            ++levels;
            return (*caller.instance()->func<void()>("run"))();
        }));
        instance = instantiate(R"((module (import "env" "again" (func $again))
            (func (export "run") (call $again))))");
    }

    Instance instance;
    uintptr_t last = 0;
    size_t bytes_per_level = 0;
    size_t levels = 0;
};

TEST_F(NativeStackTest, is_looked_at_before_each_call_into_the_store) {
    for (const size_t size : {size_t{256}, size_t{1024}}) {
        levels = last = 0;
        on_stack_of(size * 1024, [&] {
            const auto result = instance.func("run")->call();
            ASSERT_FALSE(result);
            EXPECT_EQ(result.error().code(), TrapCode::call_stack_exhausted);
        });
        EXPECT_GT(levels, size / 8) << "bytes per level: " << bytes_per_level;
    }
    RecordProperty("bytes_per_level", static_cast<int>(bytes_per_level));
}

TEST_F(NativeStackTest, of_a_small_thread_is_not_all_reserve) {
    on_stack_of(64 * 1024, [&] {
        const Instance other = instantiate(R"((module (func (export "f") (result i32) (i32.const 42))))");
        EXPECT_EQ((*other.func<int32_t()>("f"))(), 42);
        EXPECT_EQ(instance.func("run")->call().error().code(), TrapCode::call_stack_exhausted);
    });
}

} // namespace
} // namespace warpbeam
