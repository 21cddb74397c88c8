;; Every kind of call between functions of a module: direct, through a table, through a reference, and tail calls of
;; each. `run` takes how often.
(module
  (type $step (func (param i32) (result i32)))
  (type $count (func (param i32 i32) (result i32)))
  (table funcref (elem $one $three $five $seven))
  (global $reference (ref $step) (ref.func $three))
  (func $one (type $step) (i32.add (local.get 0) (i32.const 1)))
  (func $three (type $step) (i32.mul (local.get 0) (i32.const 3)))
  (func $five (type $step) (i32.xor (local.get 0) (i32.const 5)))
  (func $seven (type $step) (i32.rotl (local.get 0) (i32.const 7)))

  (func $down (type $count) ;; itself, and the next one at the end
    (if (result i32) (local.get 0)
      (then (return_call $down (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (local.get 0))))
      (else (return_call_indirect (type $step) (local.get 1) (i32.and (local.get 1) (i32.const 3))))))
  (func $through (type $step) (return_call_ref $step (local.get 0) (global.get $reference)))

  (func (export "run") (param $rounds i32) (result i32) (local $value i32)
    (loop $round
      (local.set $value (call $one (call $five (local.get $value))))
      (local.set $value (call_indirect (type $step) (local.get $value)
        (i32.and (local.get $rounds) (i32.const 3))))
      (local.set $value (call_ref $step (local.get $value) (global.get $reference)))
      (local.set $value (call $down (i32.const 4) (local.get $value)))
      (local.set $value (call $through (local.get $value)))
      (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $value)))
