#pragma once

#include <string>
#include <string_view>

/// Modules whose functions stop wherever functions can: at entries, loops, calls, allocations and bulk
/// instructions.

namespace warpbeam {

inline constexpr std::string_view stopping_text = R"((module
    (import "other" "add" (func $other (param i64 i64) (result i64)))
    (import "host" "ask" (func $ask (param i32) (result i32)))
    (type $node (struct (field i64) (field (ref null $node))))
    (type $numbers (array (mut i32)))
    (type $two (func (param i32 i64) (result i32 i64)))
    (memory 4) (table $t 10 funcref) (elem (table $t) (i32.const 0) func $sum $ask)
    (tag $e (param i32))
    (func $sum (export "sum") (param $n i32) (result i32)
        (if (result i32) (local.get $n)
            (then (i32.add (local.get $n) (call $sum (i32.sub (local.get $n) (i32.const 1)))))
            (else (i32.const 0))))
    (func (export "operands") (param $n i32) (result i32) (local $x i64) (local $f f64) (local $v v128)
        (local.set $v (i32x4.splat (local.get $n)))
        (local.set $f (f64.convert_i32_s (local.get $n)))
        (i32.const 7) (local.get $n) (f32.const 1.5) (local.get $f) (local.get $v) (i64.const -5) (local.get $x)
        (v128.const i32x4 1 2 3 4)
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (local.set $x (call $other (local.get $x) (i64.const 3)))
        (loop $more
            (local.set $x (i64.add (local.get $x) (i64.extend_i32_s (call $sum (i32.const 5)))))
            (local.set $f (f64.add (local.get $f) (f64.const 0.5)))
            (br_if $more (i64.lt_s (local.get $x) (i64.const 100))))
        (i32x4.extract_lane 2 (i32x4.add (local.get $v)))
        (i64.extend_i32_s) (i64.add) (i64.add)
        (local.set $x)
        (i32x4.extract_lane 1) (f64.convert_i32_s) (f64.add) (f64.add (local.get $f))
        (f64.add (f64.convert_i64_s (local.get $x))) (f64.promote_f32 (f32.demote_f64)) (i32.trunc_f64_s)
        (drop) (drop) (i32.add (local.get $n)) (i32.add))
    (func (export "loops") (param $n i32) (result i32) (local $s i32)
        (i32.const 1) (i64.const 2)
        (loop $a (type $two)
            (i64.add (i64.const 3))
            (block (loop $b (local.set $s (i32.add (local.get $s) (i32.const 1)))
                (br_if $b (i32.rem_u (local.get $s) (i32.const 7)))))
            (br_if $a (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.wrap_i64) (i32.add) (i32.add (local.get $s)))
    (func (export "indirect") (param $n i32) (result i32) (local $i i32)
        (loop $more
            (local.set $n (i32.add (local.get $n)
                (call_indirect $t (param i32) (result i32) (local.get $i) (i32.and (local.get $i) (i32.const 1)))))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
        (local.get $n))
    (func $even (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
        (return_call $odd (i32.sub (local.get $n) (i32.const 1))))
    (func $odd (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
        (return_call $even (i32.sub (local.get $n) (i32.const 1))))
    (func (export "tail") (param $n i32) (result i32) (i32.add (call $even (local.get $n)) (i32.const 40)))
    (func (export "bulk") (param $n i32) (result i32)
        (memory.fill (i32.const 3) (local.get $n) (i32.const 200000))
        (memory.copy (i32.const 100) (i32.const 3) (i32.const 100000))
        (i32.load (i32.const 1000)))
    (func $throws (param $n i32) (call $ask (local.get $n)) (throw $e))
    (func (export "catches") (param $n i32) (result i32)
        (i32.const 5)
        (block $h (result i32)
            (try_table (catch $e $h) (call $throws (local.get $n)) (call $throws (local.get $n)))
            (i32.const 0))
        (i32.add))
    (func $ends_with_loop (param $n i32) (local $i i32)
        (if (i32.eqz (local.get $n)) (then (return)))
        (call $ends_with_loop (i32.sub (local.get $n) (i32.const 1)))
        (loop $more (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 9)))))
    (func (export "loop after a call") (param $n i32) (result i32)
        (call $ends_with_loop (local.get $n)) (local.get $n))
    (func (export "many locals") (param $n i32) (result i32) (local MANY)
        (i32.add (local.get $n) (i32.wrap_i64 (local.get 7))))
    (func (export "objects") (param $n i32) (result i32)
        (local $list (ref null $node)) (local $s i64) (local $a (ref null $numbers))
        (loop $more
            (local.set $list (struct.new $node (i64.extend_i32_u (local.get $n)) (local.get $list)))
            (local.set $a (array.new $numbers (local.get $n) (i32.const 100)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (loop $more
            (local.set $s (i64.add (local.get $s) (struct.get $node 0 (local.get $list))))
            (br_if $more (i32.eqz (ref.is_null (local.tee $list (struct.get $node 1 (local.get $list)))))))
        (i32.add (i32.wrap_i64 (local.get $s)) (array.get $numbers (local.get $a) (i32.const 50))))))";

/// What it imports as `other`.
inline constexpr std::string_view adding_module = R"((module
    (func $slow (param i64) (result i64) (local $i i32)
        (loop $more (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5))))
        (local.get 0))
    (func (export "add") (param i64 i64) (result i64)
        (i64.add (call $slow (local.get 0)) (call $slow (local.get 1))))))";

inline std::string stopping_module() {
    std::string text{stopping_text};
    std::string locals;
    for (int i = 0; i < 400; ++i)
        locals += "i64 ";
    text.replace(text.find("MANY"), 4, locals);
    return text;
}
/// Its functions, which take an i32 and return one.
inline constexpr const char* stopping_functions[] = {
    "sum",     "operands",          "loops",       "indirect", "tail", "bulk",
    "catches", "loop after a call", "many locals", "objects"};

/// Continuations that run, wait and have not begun; it imports `env.ask`.
inline constexpr std::string_view switching_module = R"((module
    (import "env" "ask" (func $ask (param i32) (result i32)))
    (type $f (func (param i32) (result i32))) (type $c (cont $f))
    (type $f2 (func (param i32 i64 i32) (result i32))) (type $c2 (cont $f2))
    (type $f1 (func (param i64 i32) (result i32))) (type $c1 (cont $f1))
    (tag $yield (param i32) (result i32))
    (global $kept (mut (ref null $c)) (ref.null $c))
    (global $used (mut (ref null $c)) (ref.null $c))
    (global $bound (mut (ref null $c1)) (ref.null $c1))
    (func $deep (param $n i32) (result i32)
        (if (result i32) (i32.eqz (local.get $n))
            (then (suspend $yield (i32.const 1)))
            (else (i32.add (local.get $n) (call $deep (i32.sub (local.get $n) (i32.const 1)))))))
    (func $generator (param $n i32) (result i32) (local $sum i32)
        (loop $more
            (local.set $sum (i32.add (local.get $sum) (suspend $yield (local.get $n))))
            (local.set $sum (i32.add (local.get $sum) (call $deep (i32.const 3))))
            (local.set $sum (i32.add (local.get $sum) (call $ask (local.get $n))))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func $outer (param $n i32) (result i32) (local $c (ref null $c)) (local $sum i32)
        (local.set $c (cont.new $c (ref.func $generator)))
        (local.set $sum (suspend $yield (i32.const 100)))
        (loop $more
            (block $on (result i32 (ref $c))
                (return (i32.add (local.get $sum) (resume $c (on $yield $on) (local.get $n) (local.get $c)))))
            (local.set $c)
            (local.set $n (i32.add (suspend $yield) (i32.const 1)))
            (local.set $sum (i32.add (local.get $sum) (local.get $n)))
            (br $more))
        (unreachable))
    (func $three (param i32 i64 i32) (result i32)
        (i32.add (i32.add (local.get 0) (i32.wrap_i64 (local.get 1))) (local.get 2)))
    (elem declare func $generator $outer $three)
    (func (export "run") (param $n i32) (result i32) (local $c (ref null $c)) (local $sum i32)
        (local.set $c (cont.new $c (ref.func $outer)))
        (loop $more
            (block $on (result i32 (ref $c))
                (return (i32.add (local.get $sum) (resume $c (on $yield $on) (local.get $n) (local.get $c)))))
            (global.set $kept)
            (global.set $used (local.get $c))
            (local.set $c (global.get $kept))
            (local.set $n)
            (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 3)) (local.get $n)))
            (br $more))
        (unreachable))
    (func (export "prepare")
        (global.set $bound (cont.bind $c2 $c1 (i32.const 5) (cont.new $c2 (ref.func $three))))
        (block $on (result i32 (ref $c))
            (drop (resume $c (on $yield $on) (i32.const 2) (cont.new $c (ref.func $generator)))) (return))
        (global.set $kept) (drop))
    (func (export "bound") (result i32) (resume $c1 (i64.const 7) (i32.const 30) (global.get $bound)))
    (func (export "kept") (result i32)
        (block $on (result i32 (ref $c))
            (return (resume $c (on $yield $on) (i32.const 9) (global.get $kept))))
        (global.set $kept)))
)";

} // namespace warpbeam
