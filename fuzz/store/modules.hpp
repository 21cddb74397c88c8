#pragma once

#include "input.hpp"

#include <warpbeam/text/parse.hpp>

#include <iterator>
#include <string_view>

namespace warpbeam::fuzz {

/// Modules that import and export objects of every kind. The first type of the one with objects is immutable,
/// so that what the host holds can be recognised.
inline constexpr std::string_view store_texts[] = {
    R"((module
        (import "env" "f" (func $f (param i32) (result i32)))
        (memory (export "memory") 1 4) (table (export "table") 2 20 funcref)
        (global (export "global") (mut i32) (i32.const 7))
        (func (export "f") (param i32) (result i32) (i32.add (call $f (local.get 0)) (call $f (i32.const 2))))
        (func (export "g") (param i32) (result i32)
            (table.set (local.get 0) (ref.func $f))
            (i32.store (local.get 0) (memory.grow (i32.const 1)))
            (global.set 0 (call $f (global.get 0)))
            (global.get 0))
        (elem declare func $f)
        (func (export "forever") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 5000)) (br 0)))))",
    R"((module
        (import "env" "ask" (func $ask (param i32) (result i32)))
        (memory (export "memory") 1) (table (export "table") 3 externref)
        (tag (export "tag") (param i32 externref))
        (func (export "f") (param i32) (result i32) (i32.div_u (i32.const 8) (call $ask (local.get 0))))
        (func $deep (export "g") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (call $ask (i32.const 3)))))
            (call $deep (i32.sub (local.get 0) (i32.const 1))))
        (func (export "throw") (param i32 externref) (throw 0 (local.get 0) (local.get 1)))
        (func (export "catch") (param i32 externref) (result exnref)
            (block $caught (result i32 externref exnref)
                (try_table (catch_ref 0 $caught)
                    (throw 0 (call $ask (local.get 0)) (local.get 1))) (unreachable))
            (return))
        (func (export "keep") (param externref) (result externref)
            (table.set (i32.const 1) (local.get 0)) (table.get (i32.const 1)))))",
    R"((module
        (import "env" "f" (func $f (param i32) (result i32))) (import "env" "memory" (memory 1))
        (import "env" "table" (table 1 funcref)) (import "env" "global" (global (mut i32)))
        (export "memory" (memory 0)) (export "table" (table 0)) (export "global" (global 0))
        (func (export "f") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0)
            (i32.const 1)))
        (elem (i32.const 0) func $start)
        (func $start (i32.store (i32.const 4) (call $f (global.get 0)))) (start $start)))",
    R"((module
        (type $mark (struct (field i32))) (type $pair (struct (field (mut i32)) (field (mut anyref))))
        (type $bytes (array (mut i8))) (type $list (array (mut anyref)))
        (import "env" "pass" (func $pass (param anyref externref) (result externref anyref)))
        (import "env" "make" (func $make (result structref)))
        (import "env" "list" (func $list_of (param arrayref i32) (result arrayref)))
        (import "env" "apply" (func $apply (param funcref i32) (result i32)))
        (global (export "global") (mut anyref) (ref.null any)) (table (export "table") 4 10 anyref)
        (func $f (export "f") (param i32) (result i32) (local $mine (ref $mark)) (local $any anyref)
            (local.set $mine (struct.new $mark (local.get 0)))
            (global.set 0 (struct.new $pair (local.get 0) (call $make)))
            (call $pass (local.get $mine) (ref.null extern))
            (local.set $any) (drop) (table.set (i32.const 1) (local.get $any))
            (struct.get $mark 0 (local.get $mine)))
        (func (export "g") (param i32) (result i32)
            (array.len (call $list_of (array.new $list (global.get 0) (local.get 0)) (local.get 0))))
        (func (export "h") (param i32) (result i32) (call $apply (ref.func $f) (local.get 0)))
        (elem declare func $f)
        (func (export "mark") (param i32) (result (ref $mark)) (struct.new $mark (local.get 0)))
        (func (export "bytes") (param i32) (result anyref) (array.new $bytes (i32.const 1) (local.get 0)))
        (func (export "pass") (param anyref externref) (result externref anyref)
            (call $pass (local.get 0) (local.get 1)))
        (func (export "extern") (param externref) (result anyref) (any.convert_extern (local.get 0)))))",
    R"((module
        (import "env" "ask" (func $ask (param i32) (result i32)))
        (import "env" "f" (func $do (param i32) (result i32)))
        (memory (export "memory") 2) (global $sp (export "sp") (mut i32) (i32.const 65536))
        (global $next (mut i32) (i32.const 66000))
        (func (export "malloc") (param $size i32) (result i32)
            (if (i32.gt_u (i32.add (global.get $next) (local.get $size)) (i32.const 131072))
                (then (return (i32.const 0))))
            (global.get $next) (global.set $next (i32.add (global.get $next) (local.get $size))))
        (func (export "free") (param i32) (if (i32.eqz (call $do (local.get 0))) (then unreachable)))
        (func (export "f") (param $n i32) (result i32) (local $fp i32)
            (global.set $sp (local.tee $fp (i32.sub (global.get $sp) (i32.const 16))))
            (i32.store (local.get $fp) (local.get $n))
            (drop (call $ask (local.get $fp)))
            (local.set $n (i32.load (local.get $fp)))
            (global.set $sp (i32.add (local.get $fp) (i32.const 16)))
            (local.get $n))
        (func (export "g") (param i32) (result i32)
            (global.set $sp (i32.sub (global.get $sp) (i32.const 64)))
            (drop (call $do (i32.const 1))) (unreachable))))",
    R"((module
        (import "env" "f" (func $f (param i32) (result i32)))
        (import "env" "ask" (func $ask (param i32) (result i32)))
        (type $none (func (result i32))) (type $k (cont $none))
        (type $some (func (param i32) (result i32))) (type $rest (cont $some))
        (tag $yield (export "tag") (param i32) (result i32))
        (global (export "global") (mut (ref null $rest)) (ref.null $rest))
        (func $task (result i32)
            (i32.add (call $ask (i32.const 1)) (i32.add (suspend $yield (i32.const 5)) (call $f (i32.const 3)))))
        (elem declare func $task)
        (func (export "f") (param i32) (result i32)
            (block $on (result i32 (ref $rest))
                (return (resume $k (on $yield $on) (cont.new $k (ref.func $task)))))
            (global.set 0) (drop) (call $f (local.get 0)))
        (func (export "g") (param i32) (result i32)
            (resume $rest (local.get 0) (global.get 0)))))",
    R"((module
        (import "env" "ask" (func $ask (param i32) (result i32)))
        (import "env" "f" (func $f (param i32) (result i32)))
        (memory (export "memory") 1) (global (export "global") (mut i32) (i32.const 0))
        (func (export "f") (param i32) (result i32) (i32.add (global.get 0) (local.get 0)))
        (func $start (global.set 0 (i32.add (call $ask (i32.const 1)) (call $f (i32.const 2))))) (start $start)))",
};
inline constexpr size_t store_modules = std::size(store_texts);
/// @{ The one with objects, and the one with a stack in memory.
inline constexpr size_t gc_module = 3;
inline constexpr size_t guest_module = 4;
/// @}

/// The binary of one of them. Lives as long as the process.
inline const Vec<uint8_t>& store_binary(size_t index) {
    static Vec<uint8_t> binaries[store_modules];
    if (binaries[index].empty()) {
        auto bytes = parse_wat(store_texts[index]);
        require(bytes.has_value());
        binaries[index] = std::move(*bytes);
    }
    return binaries[index];
}

} // namespace warpbeam::fuzz
