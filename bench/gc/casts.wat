;; Dispatch on casts: a list of shapes of four types, in an order that looks random, and a function that asks which one
;; it has. `run` takes how often the list of 1,000 shapes is walked, and returns the sum of their areas.
(module
  (rec
    (type $shape (sub (struct (field $next (ref null $shape)))))
    (type $square (sub final $shape (struct (field $next (ref null $shape)) (field $side i32))))
    (type $box (sub $shape (struct (field $next (ref null $shape)) (field $width i32) (field $height i32))))
    (type $frame (sub final $box (struct (field $next (ref null $shape)) (field $width i32) (field $height i32)
      (field $hole i32)))))

  (func $area (param $shape (ref $shape)) (result i32) (local $box (ref null $box))
    (block $not_square (result (ref $shape))
      (return (call $square_area
        (br_on_cast_fail $not_square (ref $shape) (ref $square) (local.get $shape)))))
    (block $not_box (param (ref $shape)) (result (ref $shape))
      (local.set $box (br_on_cast_fail $not_box (ref $shape) (ref $box)))
      (return (i32.sub
        (i32.mul (struct.get $box $width (local.get $box)) (struct.get $box $height (local.get $box)))
        (if (result i32) (ref.test (ref $frame) (local.get $box))
          (then (struct.get $frame $hole (ref.cast (ref $frame) (local.get $box))))
          (else (i32.const 0))))))
    (drop)
    (i32.const 1))
  (func $square_area (param $square (ref $square)) (result i32)
    (i32.mul (struct.get $square $side (local.get $square)) (struct.get $square $side (local.get $square))))

  (func $list (param $length i32) (result (ref null $shape)) (local $list (ref null $shape)) (local $random i32)
    (local.set $random (i32.const 2463534242))
    (loop $more
      (local.set $random (i32.xor (local.get $random) (i32.shl (local.get $random) (i32.const 13))))
      (local.set $random (i32.xor (local.get $random) (i32.shr_u (local.get $random) (i32.const 17))))
      (local.set $random (i32.xor (local.get $random) (i32.shl (local.get $random) (i32.const 5))))
      (local.set $list
        (block $made (result (ref $shape))
          (block $shape (block $frame (block $box (block $square
            (br_table $square $box $frame $shape (i32.and (local.get $random) (i32.const 3))))
            (br $made (struct.new $square (local.get $list) (i32.const 3))))
            (br $made (struct.new $box (local.get $list) (i32.const 2) (i32.const 5))))
            (br $made (struct.new $frame (local.get $list) (i32.const 4) (i32.const 4) (i32.const 2))))
          (struct.new $shape (local.get $list))))
      (br_if $more (local.tee $length (i32.sub (local.get $length) (i32.const 1)))))
    (local.get $list))

  (func (export "run") (param $rounds i32) (result i32)
    (local $list (ref null $shape)) (local $at (ref null $shape)) (local $sum i32)
    (local.set $list (call $list (i32.const 1000)))
    (loop $round
      (local.set $at (local.get $list))
      (loop $next
        (local.set $sum (i32.add (local.get $sum) (call $area (ref.as_non_null (local.get $at)))))
        (br_if $next (i32.eqz (ref.is_null
          (local.tee $at (struct.get $shape $next (local.get $at)))))))
      (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $sum)))
