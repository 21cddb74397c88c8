;; A complete program without a compiler: greets the name in its first argument.
(module $hello
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 2)
  ;; 0: count and size of the arguments; 16: a list of three buffers; 64: the words
  (data (i32.const 64) "Hello, world!\n")
  (global $argv i32 (i32.const 1024))
  (global $argv_end i32 (i32.const 65536))

  (func (export "_start")
    (call $check (call $args_sizes_get (i32.const 0) (i32.const 4)))
    ;; More arguments than fit would overwrite the text.
    (if (i32.lt_u (i32.load (i32.const 0)) (i32.const 1000))
      (then
        (if (i32.lt_u (i32.load (i32.const 4)) (i32.const 65536))
          (then (call $check (call $args_get (global.get $argv) (global.get $argv_end)))))))
    (call $buffer (i32.const 16) (i32.const 64) (i32.const 7))
    (if (i32.gt_u (i32.load (i32.const 0)) (i32.const 1))
      (then
        (call $buffer (i32.const 24)
          (i32.load offset=4 (global.get $argv))
          (call $length (i32.load offset=4 (global.get $argv)))))
      (else (call $buffer (i32.const 24) (i32.const 71) (i32.const 5))))
    (call $buffer (i32.const 32) (i32.const 76) (i32.const 2))
    (call $check (call $fd_write (i32.const 1) (i32.const 16) (i32.const 3) (i32.const 40))))

  (func $buffer (param $entry i32) (param $address i32) (param $size i32)
    (i32.store (local.get $entry) (local.get $address))
    (i32.store offset=4 (local.get $entry) (local.get $size)))

  (func $length (param $string i32) (result i32)
    (local $end i32)
    (local.set $end (local.get $string))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (i32.load8_u (local.get $end))))
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (br $next)))
    (i32.sub (local.get $end) (local.get $string)))

  (func $check (param $errno i32)
    (if (local.get $errno) (then (call $proc_exit (local.get $errno))))))
