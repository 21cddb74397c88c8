#pragma once

#include "fixture.hpp"

#include <warpbeam/vm/execution.hpp>

#include <vector>

namespace warpbeam {

inline Config all_features() {
    Config config;
    config.features = FeatureSet::all();
    config.interruption = true;
    return config;
}
inline Config with_fuel() {
    Config config = all_features();
    config.fuel = true;
    return config;
}

/// One store whose import `env.ask` is a host call.
class ExecutionTest : public VmTest {
protected:
    explicit ExecutionTest(const Config& config = all_features(), const StoreLimits& limits = {})
        : VmTest{config, limits} {
        EXPECT_TRUE(linker.host_call<int32_t(int32_t)>("env", "ask"));
    }
    [[nodiscard]] Execution start(const Instance& instance, std::string_view name,
                                  std::vector<Value> args = {}) {
        auto made = Execution::create(*instance.func(name), args);
        EXPECT_TRUE(made) << (made ? "" : made.error().message());
        return std::move(*made);
    }
    [[nodiscard]] static int32_t result_of(const Execution& execution) {
        Value result;
        const auto got = execution.results({&result, 1});
        EXPECT_TRUE(got) << (got ? "" : got.error().message());
        return result.as<int32_t>();
    }
    /// Adds what it is told until that is 0.
    static constexpr const char* adder = R"((module (import "env" "ask" (func $ask (param i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "add") (param $n i32) (result i32) (local $sum i32) (local $got i32) (local $float f64)
          (local.set $float (f64.const 0.5))
          (loop $again
            (local.set $got (call $ask (local.get $sum)))
            (local.set $sum (i32.add (local.get $sum) (local.get $got)))
            (local.set $float (f64.add (local.get $float) (f64.const 1)))
            (br_if $again (local.get $got)))
          (i32.add (local.get $sum) (i32.trunc_f64_s (local.get $float))))
        (func (export "deep") (param $n i32) (result i32)
          (if (result i32) (local.get $n)
            (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)))))
            (else (call $ask (i32.const 77)))))
        (func $deep (param $n i32) (result i32)
          (if (result i32) (local.get $n)
            (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)))))
            (else (call $ask (i32.const 77)))))
        (func (export "count") (param $n i32) (result i32) (local $i i32)
          (loop $again
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
          (local.get $i))
        (func (export "fail") (result i32) (drop (call $ask (i32.const 1))) (unreachable))))";
};

/// A store whose memory comes from an allocator that can refuse it.
struct ScarceStore {
    explicit ScarceStore(Config config) : engine{with(config, allocator)} {}
    CountingAllocator allocator;
    Engine engine;
    Linker linker{engine};
    Store store{engine};

private:
    static Config with(Config config, Allocator& allocator) {
        config.allocator = &allocator;
        return config;
    }
};

class FuelledExecutionTest : public ExecutionTest {
protected:
    FuelledExecutionTest() : ExecutionTest{with_fuel()} {}
};

} // namespace warpbeam
