;; Atomic accesses to a shared memory, by one thread: a lock that is free, counters of each size, a compare-exchange loop
;; that keeps the largest number, a queue with one writer and one reader. `run` takes how often.
(module
  (memory 1 1 shared)
  (global $lock i32 (i32.const 0))
  (global $largest i32 (i32.const 8))
  (global $head i32 (i32.const 16))
  (global $tail i32 (i32.const 20))
  (global $queue i32 (i32.const 1024))

  (func $acquire
    (loop $again
      (br_if $again (i32.atomic.rmw.cmpxchg (global.get $lock) (i32.const 0) (i32.const 1)))))
  (func $release
    (i32.atomic.store (global.get $lock) (i32.const 0))
    (drop (memory.atomic.notify (global.get $lock) (i32.const 1))))

  (func $keep_largest (param $value i64) (local $seen i64) (local $found i64)
    (local.set $seen (i64.atomic.load (global.get $largest)))
    (block $done
      (loop $again
        (br_if $done (i64.ge_u (local.get $seen) (local.get $value)))
        (local.set $found (i64.atomic.rmw.cmpxchg (global.get $largest) (local.get $seen) (local.get $value)))
        (br_if $done (i64.eq (local.get $found) (local.get $seen)))
        (local.set $seen (local.get $found))
        (br $again))))

  (func $put (param $value i32) (local $at i32)
    (local.set $at (i32.atomic.load (global.get $tail)))
    (i32.store (i32.add (global.get $queue) (i32.shl (i32.and (local.get $at) (i32.const 255)) (i32.const 2))) (local.get $value))
    (atomic.fence)
    (i32.atomic.store (global.get $tail) (i32.add (local.get $at) (i32.const 1))))
  (func $take (result i32) (local $at i32)
    (local.set $at (i32.atomic.rmw.add (global.get $head) (i32.const 1)))
    (i32.load (i32.add (global.get $queue) (i32.shl (i32.and (local.get $at) (i32.const 255)) (i32.const 2)))))

  (func (export "run") (param $rounds i32) (result i64) (local $seed i32) (local $sum i32)
    (local.set $seed (i32.const 19670412))
    (loop $round
      (local.set $seed (i32.add (i32.mul (local.get $seed) (i32.const 1664525)) (i32.const 1013904223)))
      (call $acquire)
      (i32.store (i32.const 4) (i32.add (i32.load (i32.const 4)) (local.get $seed)))
      (call $release)
      (drop (i32.atomic.rmw8.add_u (i32.const 32) (local.get $seed)))
      (drop (i32.atomic.rmw16.sub_u (i32.const 34) (local.get $seed)))
      (drop (i32.atomic.rmw.xor (i32.const 36) (local.get $seed)))
      (drop (i64.atomic.rmw.or (i32.const 40) (i64.extend_i32_u (local.get $seed))))
      (drop (i32.atomic.rmw.xchg (i32.const 48) (local.get $seed)))
      (call $keep_largest (i64.extend_i32_u (local.get $seed)))
      (call $put (local.get $seed))
      (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 1)) (call $take)))
      (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (i64.xor
      (i64.xor (i64.atomic.load (global.get $largest)) (i64.load (i32.const 40)))
      (i64.xor (i64.shl (i64.extend_i32_u (local.get $sum)) (i64.const 32))
               (i64.xor (i64.load (i32.const 32)) (i64.extend_i32_u (i32.load (i32.const 4))))))))
