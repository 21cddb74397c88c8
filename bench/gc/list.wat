;; A long-lived list, walked repeatedly while each step makes a short-lived object. `run` takes its length in
;; thousands and returns a checksum.
(module
  (type $node (struct (field $next (mut (ref null $node))) (field $value i32)))
  (type $pair (struct (field i32) (field i32)))
  (func $walk (param $list (ref null $node)) (result i32) (local $sum i32) (local $pair (ref null $pair))
    (loop $more
      (if (i32.eqz (ref.is_null (local.get $list))) (then
        (local.set $pair (struct.new $pair (local.get $sum) (struct.get $node $value (local.get $list))))
        (local.set $sum (i32.add (struct.get $pair 0 (local.get $pair)) (struct.get $pair 1 (local.get $pair))))
        (local.set $list (struct.get $node $next (local.get $list)))
        (br $more))))
    (local.get $sum))
  (func (export "run") (param $n i32) (result i32) (local $list (ref null $node)) (local $i i32) (local $sum i32)
    (local.set $n (i32.mul (local.get $n) (i32.const 1000)))
    (loop $more
      (local.set $list (struct.new $node (local.get $list) (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (local.get $n))))
    (local.set $i (i32.const 0))
    (loop $more
      (local.set $sum (i32.add (local.get $sum) (call $walk (local.get $list))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 10))))
    (local.get $sum)))
