;; What another engine or parser decides in another way than Warpbeam (settled.txt names it), and the words of the
;; specification by which Warpbeam does not.

;; Binary format, tag types: the attribute is the byte 0x00, not a LEB128 number.
(assert_malformed
  (module binary "\00asm" "\01\00\00\00" "\01\04\01\60\00\00" "\0d\04\01\80\00\00")
  "malformed tag attribute")

;; Binary format, limits: they are u64 for all memories, so ten bytes may follow each other.
(module binary "\00asm" "\01\00\00\00" "\05\09\01" "\01\5e\80\82\80\80\80\00")
(module binary "\00asm" "\01\00\00\00" "\05\08\01" "\00\83\80\80\80\80\00")

;; Validation of instructions, subtyping of values: a reference to a heap type that is not known is no number.
(assert_invalid
  (module (func unreachable ref.as_non_null i64.div_s drop))
  "type mismatch")
(assert_invalid
  (module (func unreachable ref.as_non_null i32.eqz drop))
  "type mismatch")
(module (func unreachable ref.as_non_null ref.is_null drop))

;; Operands are checked in unreachable code, too.
(assert_invalid
  (module (func (result i32) unreachable i32.const 0 ref.eq))
  "type mismatch")
(module (func (result i32) unreachable ref.eq))
(module (func (param i31ref) (result i32) unreachable local.get 0 ref.eq))

;; Binary format, element section: the elements have a reference type.
(assert_malformed
  (module binary "\00asm" "\01\00\00\00" "\09\04\01\05\7f\00")
  "malformed reference type")

;; Atomic instructions trap for an address that is not aligned as for one that is out of bounds. Which of the two is looked
;; at first is not specified: it traps.
(module
  (memory 1)
  (func (export "both") (result i32) (i32.atomic.load (i32.const 0x7fffffff))))
(assert_trap (invoke "both") "unaligned atomic")

;; Text format, integers: a natural number has no sign.
(assert_malformed (module quote "(memory +5)") "unexpected token")
(assert_malformed (module quote "(memory 0) (data +0) (func (data.drop +0))") "unexpected token")

;; Text format, function types: parameters or results without types are the same as none.
(module (type (func (result i32))) (func (type 0) (param) (result) (i32.const 42)))
(assert_malformed (module quote "(func (result i32) (param) (i32.const 42))") "unexpected token")
(assert_malformed (module quote "(table 1 funcref) (func (call_indirect (result) (param) (i32.const 0)))") "unexpected token")

;; Text format, floating-point numbers: what is too small for the type is rounded to zero.
(module (func (export "tiny") (result f32) (f32.const -0x1.8p-50340282356779733623858607532500980858880)))
(assert_return (invoke "tiny") (f32.const -0))

;; Text format, annotations: there need be no space after the id; a name comes after the identifier of the module.
(module (@@"a") (@a"b") (@"a""b"))
(assert_malformed (module quote "(module (@name \"x\") $m)") "misplaced @name annotation")
(assert_malformed (module quote "(func (if (i32.const 0) (then) else (nop)))") "unexpected token")

;; Text format, folded instructions: what is in the parentheses after the instruction is folded, too.
(assert_malformed (module quote "(func (result i32) (i32.add i32.const 1 (i32.const 2)))") "unexpected token")
(assert_malformed (module quote "(func (memory.size memory.size) drop)") "unexpected token")

;; Text format, modules: without (module) there may be any number of fields, also none.
(module quote "")
(module quote ";; nothing")

;; Text format, modules: imports come before the first definition of a tag, as of any other thing.
(assert_malformed (module quote "(tag) (import \"spectest\" \"print\" (func))") "import after tag")

;; Text format, identifiers: a string is one if it is not empty.
(assert_malformed (module quote "(func $\"\")") "empty identifier")

;; Text format, annotations: where white space may be, also after a module.
(module quote "(module) (@name \"m\" $m)")

;; Branch hints: before a branch.
(assert_invalid_custom
  (module quote "(func (@metadata.code.branch_hint \"\\00\") nop)")
  "@metadata.code.branch_hint annotation: invalid target")

;; Text format, imports: there are two names.
(assert_malformed (module quote "(import \"spectest\" (memory 0))") "unexpected token")

;; Text format, type uses: the smallest index of a type that is final and without a supertype, in a group of its own, in
;; other words what the abbreviation without a type stands for.
(module
  (type $open (sub (func)))
  (type $own (func))
  (func $f)
  (global (ref $own) (ref.func $f)))
(module
  (rec (type $own (func)))
  (func $f)
  (global (ref $own) (ref.func $f)))
(assert_invalid
  (module
    (rec (type $pair (func)) (type (struct)))
    (func $f)
    (global (ref $pair) (ref.func $f)))
  "type mismatch")

;; Custom page sizes: 1 or 65536 bytes.
(assert_invalid (module (memory 1 (pagesize 4294967296))) "invalid custom page size")

;; Stack switching, resume_throw_ref: the exception is below the continuation.
(module
  (type $f (func))
  (type $k (cont $f))
  (func (param exnref (ref $k)) (resume_throw_ref $k (local.get 0) (local.get 1))))
(assert_invalid
  (module
    (type $f (func))
    (type $k (cont $f))
    (func (param exnref (ref $k)) (resume_throw_ref $k (local.get 1) (local.get 0))))
  "type mismatch")

;; Stack switching, handlers: the continuation has the results of a tag for `switch`.
(assert_invalid
  (module
    (type $f (func))
    (type $k (cont $f))
    (tag $t (result i32))
    (func (param (ref $k)) (resume $k (on $t switch) (local.get 0))))
  "type mismatch")

;; br_on_non_null: its label takes a reference, in unreachable code, too.
(assert_invalid
  (module (func (param anyref) (block unreachable local.get 0 br_on_non_null 0)))
  "type mismatch")
(assert_invalid
  (module (func (result i32) (block (result i32) unreachable br_on_non_null 0 unreachable)))
  "type mismatch")

;; The proposal compact-import-section is not part of WebAssembly 3.0.
(assert_malformed
  (module binary "\00asm" "\01\00\00\00" "\02\06\01\01m\00\7f\00")
  "malformed import kind")

;; Memory arguments: an offset belongs to the addresses of its own memory, whatever the first memory is.
(module (memory 1) (memory i64 1) (func (param i64) (result i32) (i32.load 1 offset=0x100000000 (local.get 0))))
(assert_invalid
  (module (memory i64 1) (memory 1) (func (param i32) (result i32) (i32.load 1 offset=0x100000000 (local.get 0))))
  "offset out of range")

;; Limits of memories: no more than 65536 pages, of 64 KiB.
(assert_invalid (module (memory 65537)) "memory size")
(module (memory 0 65536))
