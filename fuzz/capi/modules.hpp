#pragma once

#include "input.hpp"

#include <iterator>
#include <string_view>
#include <warpbeam.h>

namespace warpbeam::fuzz {

/// Modules for programs that call the C API: between them, they import and export objects of every kind, call
/// their imports at some depth, trap, throw, end by fuel, and make objects of the heap.
inline constexpr std::string_view capi_texts[] = {
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
        (export "malloc" (func $f))))",
    R"((module
        (memory (export "memory") 1) (table (export "table") 3 externref) (tag (export "tag") (param i32 externref))
        (func (export "f") (param i32) (result i32) (i32.div_u (i32.const 8) (local.get 0)))
        (func $deep (export "g") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (unreachable)))
            (call $deep (i32.sub (local.get 0) (i32.const 1))))
        (func (export "throw") (param i32 externref) (throw 0 (local.get 0) (local.get 1)))
        (func (export "catch") (param i32 externref) (result exnref)
            (block $caught (result i32 externref exnref)
                (try_table (catch_ref 0 $caught) (call 2 (local.get 0) (local.get 1))) (unreachable))
            (return))
        (func (export "keep") (param externref) (result externref)
            (table.set (i32.const 1) (local.get 0)) (table.get (i32.const 1)))
        (func (export "forever") (loop (br 0)))))",
    R"((module
        (import "env" "f" (func $f (param i32) (result i32))) (import "env" "memory" (memory 1))
        (import "env" "table" (table 1 funcref)) (import "env" "global" (global (mut i32)))
        (export "memory" (memory 0)) (export "table" (table 0)) (export "global" (global 0))
        (func $start (i32.store (i32.const 4) (call $f (global.get 0)))) (start $start)))",
    R"((module
        (type $pair (struct (field (mut i32)) (field (mut anyref)))) (type $bytes (array (mut i8)))
        (type $list (array (mut anyref)))
        (global (export "global") (mut anyref) (ref.null any))
        (func (export "f") (param i32) (result anyref)
            (global.set 0 (struct.new $pair (local.get 0) (global.get 0))) (global.get 0))
        (func (export "g") (param i32 anyref) (result anyref) (array.new $list (local.get 1) (local.get 0)))
        (func (export "bytes") (param i32) (result anyref) (array.new $bytes (i32.const 1) (local.get 0)))
        (func (export "extern") (param externref) (result anyref) (any.convert_extern (local.get 0)))
        (func (export "any") (param anyref) (result externref) (extern.convert_any (local.get 0)))))",
    R"((module
        (import "env" "f" (func $f (param i32) (result i32)))
        (memory (export "memory") 1)
        (global $next (mut i32) (i32.const 16))
        (func (export "malloc") (param i32) (result i32)
            (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 0))))
        (func (export "free") (param i32) (if (i32.and (local.get 0) (i32.const 1)) (then unreachable)))
        (type $none (func (result i32))) (type $k (cont $none))
        (type $some (func (param i32) (result i32))) (type $rest (cont $some))
        (tag $yield (param i32) (result i32))
        (func $task (result i32) (i32.add (call $f (i32.const 1)) (suspend $yield (i32.const 5))))
        (elem declare func $task)
        (func (export "f") (param i32) (result i32)
            (block $on (result i32 (ref $rest))
                (return (resume $k (on $yield $on) (cont.new $k (ref.func $task)))))
            (drop) (drop) (call $f (local.get 0)))))",
};

/// The binary of one of them, by any number. Lives as long as the process.
inline const wasm_byte_vec_t& capi_module(size_t number) {
    static wasm_byte_vec_t binaries[std::size(capi_texts)];
    const size_t index = number % std::size(capi_texts);
    if (binaries[index].data == nullptr)
        require(warpbeam_wat2wasm(capi_texts[index].data(), capi_texts[index].size(), &binaries[index]) ==
                nullptr);
    return binaries[index];
}

} // namespace warpbeam::fuzz
