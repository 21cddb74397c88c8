;; A parser of sums and products with brackets that throws at what it does not understand, from any depth. `run` takes
;; how often the text is parsed. Each line is one expression; the sum of the values is returned, where an error counts
;; as its position, negative. One line in four is wrong.
(module
  (memory 1)
  (data (i32.const 0) "1+2*(3+4*(5+6))-7\n(((1+2)*3+4)*5+6)*7\n12*(3+(4*x))\n9*8*7-6*(5-(4-3))\n"
    "(1+1)*(2+2)*(3+3)\n((((1))))+((2)\n100-99-98*(97-96)\n5*(4+3*(2+1*(0+1)))\n")
  (global $end i32 (i32.const 140))
  (global $at (mut i32) (i32.const 0))
  (tag $wrong (param i32))

  (func $peek (result i32) (i32.load8_u (global.get $at)))
  (func $step (global.set $at (i32.add (global.get $at) (i32.const 1))))

  (func $number (result i32) (local $value i32) (local $digit i32)
    (if (i32.ge_u (i32.sub (call $peek) (i32.const 48)) (i32.const 10))
      (then (throw $wrong (global.get $at))))
    (loop $more
      (if (i32.lt_u (local.tee $digit (i32.sub (call $peek) (i32.const 48))) (i32.const 10))
        (then
          (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 10)) (local.get $digit)))
          (call $step)
          (br $more))))
    (local.get $value))

  (func $factor (result i32) (local $value i32)
    (if (i32.ne (call $peek) (i32.const 40)) ;; (
      (then (return (call $number))))
    (call $step)
    (local.set $value (call $sum))
    (if (i32.ne (call $peek) (i32.const 41)) ;; )
      (then (throw $wrong (global.get $at))))
    (call $step)
    (local.get $value))

  (func $product (result i32) (local $value i32)
    (local.set $value (call $factor))
    (loop $more
      (if (i32.eq (call $peek) (i32.const 42)) ;; *
        (then
          (call $step)
          (local.set $value (i32.mul (local.get $value) (call $factor)))
          (br $more))))
    (local.get $value))

  (func $sum (result i32) (local $value i32)
    (local.set $value (call $product))
    (loop $more
      (if (i32.eq (call $peek) (i32.const 43)) ;; +
        (then
          (call $step)
          (local.set $value (i32.add (local.get $value) (call $product)))
          (br $more)))
      (if (i32.eq (call $peek) (i32.const 45)) ;; -
        (then
          (call $step)
          (local.set $value (i32.sub (local.get $value) (call $product)))
          (br $more))))
    (local.get $value))

  (func $line (result i32) (local $value i32)
    (block $caught (result i32)
      (try_table (catch $wrong $caught)
        (local.set $value (call $sum))
        (if (i32.ne (call $peek) (i32.const 10))
          (then (throw $wrong (global.get $at))))
        (call $step))
      (return (local.get $value)))
    (local.set $value)
    (local.set $value (i32.sub (i32.const 0) (local.get $value)))
    (loop $skip
      (if (i32.ne (call $peek) (i32.const 10)) (then (call $step) (br $skip))))
    (call $step)
    (local.get $value))

  (func (export "run") (param $rounds i32) (result i32) (local $total i32)
    (loop $round
      (global.set $at (i32.const 0))
      (loop $lines
        (local.set $total (i32.add (local.get $total) (call $line)))
        (br_if $lines (i32.lt_u (global.get $at) (global.get $end))))
      (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $total)))
