#!/usr/bin/env python3
"""Arguments and results of functions that the command calls: values_test.py WARPBEAM"""
import os
import re
import sys

from harness import Suite, holds

suite = Suite(os.path.abspath(sys.argv[1]))
check, file = suite.check, suite.file

suite.copy("math.wat")
suite.copy("reactor.wat")
check("i32", ["run", "math.wat", "--invoke", "add", "2", "40"], stdout="42\n")
check("the option before the file", ["run", "--invoke", "add", "math.wat", "-1", "0xffff_ffff"], stdout="-2\n")
check("the option with =", ["run", "math.wat", "--invoke=add", "4294967295", "2"], stdout="1\n")
check("i64", ["run", "math.wat", "--invoke", "mul64", "-3", "5000000000"], stdout="-15000000000\n")
check("f32", ["run", "math.wat", "--invoke", "half", "0.2"], stdout="0.1\n")
check("f64", ["run", "math.wat", "--invoke", "sqrt", "2"], stdout="1.4142135623730951\n")
check("hexadecimal floats", ["run", "math.wat", "--invoke", "sqrt", "0x1p-2"], stdout="0.5\n")
check("infinity", ["run", "math.wat", "--invoke", "same", "-inf"], stdout="-inf\n")
check("negative zero", ["run", "math.wat", "--invoke", "same", "-0"], stdout="-0\n")
check("NaN", ["run", "math.wat", "--invoke", "same", "nan"], stdout="nan\n")
check("a NaN with a payload", ["run", "math.wat", "--invoke", "same", "-nan:0x4000000000001"],
      stdout="-nan:0x4000000000001\n")
check("several results", ["run", "math.wat", "--invoke", "swap", "1", "2"], stdout="2\n1\n")
check("a host reference", ["run", "math.wat", "--invoke", "ref", "17"], stdout="17\n")
check("null references", ["run", "math.wat", "--invoke", "func", "null"], stdout="null\n")
check("no result", ["run", "math.wat", "--invoke", "none"])
file("kinds.wat", """(module
  (type $s (struct))
  (func (export "v128") (param v128) (result v128) (local.get 0))
  (func (export "extern") (param (ref extern)) (result (ref extern)) (local.get 0))
  (func (export "any") (param (ref any)))
  (func (export "eq") (param eqref) (result eqref) (local.get 0))
  (func (export "made") (result anyref anyref anyref funcref)
    (ref.i31 (i32.const -1)) (struct.new $s) (ref.null any) (ref.func $f))
  (func $f (export "f32") (param f32) (result f32) (local.get 0)))""")
check("a vector", ["run", "kinds.wat", "--invoke", "v128", "1,-1,0x80000000,4294967295"], stdout="1,-1,-2147483648,-1\n")
for wrong in ("1,2,3", "1,2,3,4,5", "1,2,3,", "1,2,3,x", "", "1,2,3,4294967296"):
    check(f"no vector: {wrong!r}", ["run", "kinds.wat", "--invoke", "v128", wrong],
          stderr=re.compile(re.escape(f"'{wrong}' is not a v128 (four i32 lanes, such as 1,2,3,4)")), status=2)
check("an external reference that is not null", ["run", "kinds.wat", "--invoke", "extern", "0x10"], stdout="16\n")
check("null for it", ["run", "kinds.wat", "--invoke", "extern", "null"],
      stderr=holds("'null' is not an externref (a number)"), status=2)
check("no external reference", ["run", "math.wat", "--invoke", "ref", "x"],
      stderr=holds("'x' is not an externref (null or a number)"), status=2)
check("a reference that can't be written", ["run", "kinds.wat", "--invoke", "any", "1"],
      stderr=holds("'1' is not a non-null reference, which can't be written"), status=2)
check("another that is null", ["run", "kinds.wat", "--invoke", "eq", "null"], stdout="null\n")
check("and not", ["run", "kinds.wat", "--invoke", "eq", "1"], stderr=holds("'1' is not a reference (only null can be written)"), status=2)
check("references as results", ["run", "kinds.wat", "--invoke", "made"], stdout="i31 2147483647\nreference\nnull\nfunc\n")
for wrong in ("x", "", "1.5.2", "0x", "1e", "--1", "nan:0x0"):
    check(f"no f32: {wrong!r}", ["run", "kinds.wat", "--invoke", "f32", wrong],
          stderr=re.compile(re.escape(f"'{wrong}' is not an f32")), status=2)
check("a library is initialized first", ["run", "reactor.wat", "--invoke", "ready"], stdout="7\n")
check("too few arguments", ["run", "math.wat", "--invoke", "add", "2"],
      stderr="warpbeam: run: add takes 2 arguments, not 1\n", status=2)
check("one argument is singular", ["run", "math.wat", "--invoke", "sqrt"],
      stderr="warpbeam: run: sqrt takes 1 argument, not 0\n", status=2)
check("an argument of the wrong type", ["run", "math.wat", "--invoke", "add", "2", "x"],
      stderr="warpbeam: run: argument 2 of add: 'x' is not an i32\n", status=2)
check("an argument out of range", ["run", "math.wat", "--invoke", "add", "2", "4294967296"],
      stderr="warpbeam: run: argument 2 of add: '4294967296' is not an i32\n", status=2)
check("a fraction for an integer", ["run", "math.wat", "--invoke", "mul64", "2.5", "1"],
      stderr=holds("'2.5' is not an i64"), status=2)
check("a missing function", ["run", "math.wat", "--invoke", "sub", "1", "2"],
      stderr=holds("math.wat has no function sub; it exports add, mul64"), status=2)
check("an export that is not a function", ["run", "math.wat", "--invoke", "memory"],
      stderr=holds("math.wat has no function memory"), status=2)
check("--invoke without a name", ["run", "math.wat", "--invoke"],
      stderr=holds("option --invoke needs a value: NAME"), status=2)

suite.close()
