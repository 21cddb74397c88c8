;; Binary trees: one long-lived, and many short-lived. `run` takes the depth, makes 64 short trees for the long one,
;; and returns the sum of their node counts.
(module
  (type $tree (struct (field $left (ref null $tree)) (field $right (ref null $tree))))
  (func $make (param $depth i32) (result (ref $tree))
    (if (result (ref $tree)) (local.get $depth)
      (then (struct.new $tree
        (call $make (i32.sub (local.get $depth) (i32.const 1)))
        (call $make (i32.sub (local.get $depth) (i32.const 1)))))
      (else (struct.new $tree (ref.null $tree) (ref.null $tree)))))
  (func $count (param $tree (ref null $tree)) (result i32)
    (if (result i32) (ref.is_null (local.get $tree))
      (then (i32.const 0))
      (else (i32.add (i32.const 1) (i32.add
        (call $count (struct.get $tree $left (local.get $tree)))
        (call $count (struct.get $tree $right (local.get $tree))))))))
  (func (export "run") (param $depth i32) (result i32) (local $long (ref null $tree)) (local $i i32) (local $sum i32)
    (local.set $long (call $make (local.get $depth)))
    (loop $more
      (local.set $sum (i32.add (local.get $sum)
        (call $count (call $make (i32.sub (local.get $depth) (i32.const 4))))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 64))))
    (i32.add (local.get $sum) (call $count (local.get $long)))))
