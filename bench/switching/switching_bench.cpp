// Prints what it costs to go from one stack to another, next to a plain call in the same run:
// switching_bench [--check]

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/linker.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using namespace warpbeam;

constexpr std::string_view text = R"((module
  (type $gen (func (param i32))) (type $genk (cont $gen))
  (type $none (func)) (type $nonek (cont $none))
  (rec (type $peer (func (param (ref null $peerk)))) (type $peerk (cont $peer)))
  (tag $give (param i32))
  (tag $yield)
  (tag $swap)

  (func $callee (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "calls") (param $n i32) (result i32) (local $sum i32)
    (loop $l
      (local.set $sum (i32.add (local.get $sum) (call $callee (local.get $n))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $n))

  ;; One suspension and one resumption for each value.
  (func $generate (param $n i32)
    (loop $l
      (suspend $give (local.get $n))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "generator") (param $n i32) (result i32) (local $sum i32) (local $k (ref null $nonek))
    (local.set $k (cont.bind $genk $nonek (local.get $n) (cont.new $genk (ref.func $generate))))
    (loop $l
      (block $on_give (result i32 (ref $nonek))
        (resume $nonek (on $give $on_give) (local.get $k))
        (return (i32.const 0)))
      (local.set $k)
      (local.set $sum (i32.add (local.get $sum)))
      (br $l))
    unreachable)

  ;; The same among 10,000 coroutines in turn.
  (table $queue 10000 (ref null $nonek))
  (func $work (loop $l (suspend $yield) (br $l)))
  (func (export "scheduler") (param $n i32) (result i32) (local $i i32) (local $k (ref null $nonek))
    (loop $fill
      (table.set $queue (local.get $i) (cont.new $nonek (ref.func $work)))
      (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000))))
    (loop $round
      (local.set $i (i32.const 0))
      (loop $l
        (block $on_yield (result (ref $nonek))
          (resume $nonek (on $yield $on_yield) (table.get $queue (local.get $i)))
          unreachable)
        (local.set $k)
        (table.set $queue (local.get $i) (local.get $k))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000))))
      (br_if $round (local.tee $n (i32.sub (local.get $n) (i32.const 10000)))))
    (local.get $n))

  ;; Two peers that switch to each other.
  (global $half (mut i32) (i32.const 0))
  (func $peer (type $peer) (param $other (ref null $peerk)) (local $n i32)
    (local.set $n (global.get $half))
    (loop $l
      (local.set $other (switch $peerk $swap (local.get $other)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "switch") (param $n i32) (result i32)
    (global.set $half (i32.div_u (local.get $n) (i32.const 2)))
    (resume $peerk (on $swap switch) (cont.new $peerk (ref.func $peer)) (cont.new $peerk (ref.func $peer)))
    (i32.const 0))

  ;; A continuation that is made and ends.
  (func $nothing)
  (func (export "new") (param $n i32) (result i32)
    (loop $l
      (resume $nonek (cont.new $nonek (ref.func $nothing)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $n))
  (elem declare func $generate $work $peer $nothing)))";

[[noreturn]] void fail(std::string_view why) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
    std::exit(1);
}

} // namespace

int main(int argc, char** argv) {
    const bool check = argc == 2 && std::string_view{argv[1]} == "--check";
    if (argc != 1 && !check)
        fail("usage: switching_bench [--check]");
    Config config;
    config.features.enable(Feature::stack_switching);
    Engine engine{config};
    const auto bytes = parse_wat(text);
    if (!bytes)
        fail(bytes.error().message());
    const auto module = engine.load(*bytes);
    if (!module)
        fail(module.error().message());
    Linker linker{engine};
    Store store{engine};
    const auto instance = linker.instantiate(store, *module);
    if (!instance)
        fail("the module can't be instantiated");

    struct Line {
        const char* name;
        const char* what;
        int switches; ///< in each iteration
        std::vector<double> times;
    };
    Line lines[] = {{"calls", "call and return", 1, {}},
                    {"generator", "switch of a generator", 2, {}},
                    {"scheduler", "switch among 10,000", 2, {}},
                    {"switch", "switch between peers", 1, {}},
                    {"new", "make, run and end", 1, {}}};
    constexpr int count = 500'000;
    // They take turns, so that a slow moment hits all of them.
    for (int round = 0; round < 11; ++round)
        for (Line& line : lines) {
            const auto func = instance->func<int32_t(int32_t)>(line.name);
            if (!func)
                fail("an export is missing");
            const auto start = std::chrono::steady_clock::now();
            if (const auto result = (*func)(count); !result || *result != 0)
                fail(result ? "a wrong result" : result.error().message());
            const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
            line.times.push_back(time.count() / count / line.switches);
        }
    double call = 0;
    bool good = true;
    for (Line& line : lines) {
        std::ranges::sort(line.times);
        const double median = line.times[line.times.size() / 2];
        call = &line == lines ? median : call;
        std::printf("%-24s %6.1f ns, %5.1f calls\n", line.what, median, median / call);
        good &= &line == &lines[4] || median <= 3 * call;
    }
    if (check && !good)
        fail("a switch takes more than three calls");
    return 0;
}
