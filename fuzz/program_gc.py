"""Random programs with structures, arrays, references and casts, valid by construction.

Functions are sequences of statements over locals of several types, with expressions as trees. A global list and an array
keep objects alive across calls. Loops are counted and calls go to earlier functions, so every program ends.
"""
TYPES = """(rec
  (type $base (sub (struct (field $n (mut i32)) (field $next (mut (ref null $base))))))
  (type $mid (sub $base (struct (field $n (mut i32)) (field $next (mut (ref null $base))) (field $b (mut i8))
    (field $l (mut i64)))))
  (type $leaf (sub final $mid (struct (field $n (mut i32)) (field $next (mut (ref null $base))) (field $b (mut i8))
    (field $l (mut i64)) (field $any (mut eqref)) (field $h (mut i16)) (field $d f64)))))
(type $side (sub final $base (struct (field $n (mut i32)) (field $next (mut (ref null $base))) (field $bytes (mut (ref null $bytes))))))
  (type $bytes (array (mut i8)))
  (type $shorts (array (mut i16)))
  (type $ints (array (mut i32)))
  (type $longs (array (mut i64)))
  (type $refs (array (mut (ref null $base))))
  (type $eqs (array (mut eqref))))""".replace("(field $d f64)))))\n(type $side", "(field $d f64))))\n  (type $side")
SUBTYPES = {"base": ["mid", "leaf", "side"], "mid": ["leaf"], "leaf": [], "side": [], "bytes": [], "shorts": [], "ints": [],
            "longs": [], "refs": [], "eqs": []}
STRUCTS = ("base", "mid", "leaf", "side")
ARRAYS = ("bytes", "shorts", "ints", "longs", "refs", "eqs")
ELEMENTS = {"bytes": "i32", "shorts": "i32", "ints": "i32", "longs": "i64", "refs": "base", "eqs": "eq"}
FIELDS = {"n": ("base", "i32", ""), "next": ("base", "base", ""), "b": ("mid", "i32", "_s _u"), "l": ("mid", "i64", ""),
          "any": ("leaf", "eq", ""), "h": ("leaf", "i32", "_s _u"), "bytes": ("side", "bytes", "")}
KINDS = ("i32", "i64", "eq", "any") + STRUCTS + ARRAYS


def type_of(kind):
    if kind in ("i32", "i64"):
        return kind
    return f"{kind}ref" if kind in ("eq", "any") else f"(ref null ${kind})"


def heap_of(kind):
    return kind if kind in ("eq", "any", "i31") else f"${kind}"


class Function:
    def __init__(self, rng, index):
        self.rng = rng
        self.index = index
        self.locals = ["i32", "base"] + list(KINDS) + [rng.choice(KINDS) for _ in range(4)]
        self.labels = 0
        self.counters = 0
        self.budget = rng.randint(10, 60)

    def label(self):
        self.labels += 1
        return f"$l{self.labels}"

    def index_in(self, depth):
        """An array index: usually within bounds."""
        if self.rng.random() < 0.03:
            return self.value("i32", depth - 1)
        return f"(i32.and {self.value('i32', depth - 1)} (i32.const {self.rng.choice([1, 3, 7])}))"

    def local(self, kind):
        fitting = [i for i, each in enumerate(self.locals)
                   if each == kind or each in SUBTYPES.get(kind, []) or (kind == "eq" and each in SUBTYPES)
                   or (kind == "any" and each not in ("i32", "i64"))]
        return f"(local.get {self.rng.choice(fitting)})"

    def present(self, kind, depth):
        """A reference: usually not null."""
        if self.rng.random() < 0.03:
            return self.value(kind, depth - 1)
        label = self.label()
        return (f"(block {label} (result (ref {heap_of(kind)})) (br_on_non_null {label} {self.value(kind, depth - 1)}) "
                f"{self.new(kind, depth - 2)})")

    def new(self, kind, depth):
        rng = self.rng
        value = lambda each: self.value(each, depth - 1)
        if kind == "base":
            return f"(struct.new $base {value('i32')} {value('base')})"
        if kind == "mid":
            return f"(struct.new $mid {value('i32')} {value('base')} {value('i32')} {value('i64')})"
        if kind == "leaf":
            if rng.random() < 0.3:
                return "(struct.new_default $leaf)"
            return (f"(struct.new $leaf {value('i32')} {value('base')} {value('i32')} {value('i64')} {value('eq')} "
                    f"{value('i32')} (f64.const 1.5))")
        if kind == "side":
            return f"(struct.new $side {value('i32')} {value('base')} {value('bytes')})"
        if kind in ARRAYS:
            element = ELEMENTS[kind]
            choice = rng.random()
            if choice < 0.3:
                return f"(array.new_fixed ${kind} 8 {' '.join(self.value(element, min(depth - 1, 0)) for _ in range(8))})"
            if choice < 0.6:
                return f"(array.new ${kind} {value(element)} (i32.const {rng.choice([8, 9, 40])}))"
            if choice < 0.7 and kind == "bytes":
                return "(array.new_data $bytes $data (i32.const 2) (i32.const 12))"
            if choice < 0.8 and kind == "refs":
                return "(array.new_elem $refs $elements (i32.const 0) (i32.const 8))"
            return f"(array.new_default ${kind} (i32.const {rng.choice([8, 8, 20, 300])}))"
        return f"(ref.i31 {value('i32')})"

    def value(self, kind, depth):
        rng = self.rng
        if depth <= 0:
            if rng.random() < 0.7:
                return self.local(kind)
            if kind in ("i32", "i64"):
                return f"({kind}.const {rng.choice([0, 1, -1, 2, 3, 200, rng.randint(-(1 << 31), (1 << 31) - 1)])})"
            return f"(ref.null {heap_of(kind)})" if rng.random() < 0.6 else f"(ref.null none)"
        return self.number(kind, depth) if kind in ("i32", "i64") else self.reference(kind, depth)

    def number(self, kind, depth):
        rng = self.rng
        choice = rng.random()
        if choice < 0.3:
            return f"({kind}.{rng.choice(['add', 'sub', 'mul', 'xor'])} {self.value(kind, depth - 1)} {self.value(kind, depth - 1)})"
        if choice < 0.55:
            name = rng.choice([name for name, field in FIELDS.items() if field[1] == kind])
            owner, _, signs = FIELDS[name]
            owner = rng.choice([owner] + SUBTYPES[owner])
            sign = rng.choice(signs.split()) if signs else ""
            return f"(struct.get{sign} ${owner} ${name} {self.present(owner, depth)})"
        if choice < 0.75:
            array = rng.choice([name for name, element in ELEMENTS.items() if element == kind])
            sign = rng.choice(["_s", "_u"]) if array in ("bytes", "shorts") else ""
            return f"(array.get{sign} ${array} {self.present(array, depth)} {self.index_in(depth)})"
        if kind == "i64":
            return f"(i64.extend_i32_{rng.choice('su')} {self.value('i32', depth - 1)})"
        target = rng.choice(STRUCTS + ARRAYS + ("i31", "eq"))
        nullable = rng.choice(["null ", ""])
        if choice < 0.85:
            return f"(ref.test (ref {nullable}{heap_of(target)}) {self.value('any', depth - 1)})"
        if choice < 0.90:
            return f"(ref.eq {self.value('eq', depth - 1)} {self.value('eq', depth - 1)})"
        if choice < 0.94:
            return f"(array.len {self.present(rng.choice(ARRAYS), depth)})"
        if choice < 0.97:
            return f"(ref.is_null {self.value(rng.choice(KINDS[2:]), depth - 1)})"
        return f"(i31.get_{rng.choice('su')} (ref.i31 {self.value('i32', depth - 1)}))"

    def reference(self, kind, depth):
        rng = self.rng
        choice = rng.random()
        if choice < 0.25:
            return self.local(kind)
        if choice < 0.5:
            return self.new(kind, depth)
        if choice < 0.6:
            below = rng.choice(SUBTYPES[kind] or [kind]) if kind in SUBTYPES else rng.choice(list(SUBTYPES))
            return self.value(below, depth - 1)
        if choice < 0.75 and kind in SUBTYPES:
            # A cast that may fail, or one that makes a new object if it would.
            if rng.random() < 0.05:
                return f"(ref.cast (ref null ${kind}) {self.value('any', depth - 1)})"
            label = self.label()
            if rng.random() < 0.5:
                return (f"(block {label} (result (ref null ${kind})) (drop (br_on_cast {label} anyref (ref null ${kind}) "
                        f"{self.value('any', depth - 1)})) {self.new(kind, depth - 2)})")
            return (f"(block {label} (result (ref null ${kind})) (block {label}f (result anyref) (br {label} "
                    f"(br_on_cast_fail {label}f anyref (ref ${kind}) {self.value('any', depth - 1)}))) (drop) "
                    f"{self.new(kind, depth - 2)})")
        if choice < 0.8:
            return f"(select (result {type_of(kind)}) {self.value(kind, depth - 1)} {self.value(kind, depth - 1)} {self.value('i32', 0)})"
        if kind == "any":
            return f"(any.convert_extern (extern.convert_any {self.value('any', depth - 1)}))"
        if kind == "base" and choice < 0.9:
            owner = rng.choice(STRUCTS)
            return f"(struct.get ${owner} $next {self.present(owner, depth)})"
        if kind in ("base", "eq"):
            array = "refs" if kind == "base" else "eqs"
            return f"(array.get ${array} {self.present(array, depth)} {self.index_in(depth)})"
        return self.new(kind, depth)

    def statement(self, depth):
        rng = self.rng
        self.budget -= 1
        choice = rng.random()
        if choice < 0.3:
            local = rng.randrange(len(self.locals))
            return f"(local.set {local} {self.value(self.locals[local], 3)})"
        if choice < 0.45:
            name = rng.choice(list(FIELDS))
            owner, kind, _ = FIELDS[name]
            owner = rng.choice([owner] + SUBTYPES[owner])
            return f"(struct.set ${owner} ${name} {self.present(owner, 2)} {self.value(kind, 2)})"
        if choice < 0.58:
            array = rng.choice(ARRAYS)
            return f"(array.set ${array} {self.present(array, 2)} {self.index_in(1)} {self.value(ELEMENTS[array], 2)})"
        if choice < 0.64:
            array = rng.choice(ARRAYS)
            at = lambda: f"(i32.const {rng.randint(0, 4)})"
            if rng.random() < 0.5:
                return f"(array.copy ${array} ${array} {self.present(array, 2)} {at()} {self.present(array, 2)} {at()} {at()})"
            return f"(array.fill ${array} {self.present(array, 2)} {at()} {self.value(ELEMENTS[array], 2)} {at()})"
        if choice < 0.70:
            return f"(global.set $kept {self.value('base', 3)})"
        if choice < 0.76:
            return f"(array.set $eqs (global.get $table) (i32.const {rng.randrange(16)}) {self.value('eq', 3)})"
        if choice < 0.84 and self.index:
            callee = rng.randrange(self.index)
            return f"(local.set 2 (call $f{callee} {self.value('i32', 2)} {self.value('base', 2)}))"
        if choice < 0.92 and depth < 3:
            return f"(if {self.value('i32', 2)} (then {self.statements(depth + 1)}) (else {self.statements(depth + 1)}))"
        if depth < 3:
            counter, label = f"$c{self.counters}", self.label()
            self.counters += 1
            return (f"(local.set {counter} (i32.const {rng.randint(1, 6)})) (loop {label} {self.statements(depth + 1)} "
                    f"(br_if {label} (local.tee {counter} (i32.sub (local.get {counter}) (i32.const 1)))))")
        return f"(local.set 0 {self.value('i32', 3)})"

    def statements(self, depth):
        count = self.rng.randint(1, 5)
        return "\n  ".join(self.statement(depth) for _ in range(count) if self.budget > 0)

    def text(self):
        body = "\n  ".join(self.statement(0) for _ in range(self.rng.randint(5, 15)))
        locals_ = " ".join(f"(local {type_of(kind)})" for kind in self.locals[2:])
        counters = " ".join(f"(local $c{i} i32)" for i in range(self.counters))
        return (f"(func $f{self.index} (param i32 (ref null $base)) (result i32) {locals_} {counters}\n"
                f"  (global.set $calls (i32.sub (global.get $calls) (i32.const 1)))\n"
                f"  (if (i32.lt_s (global.get $calls) (i32.const 0)) (then (return (i32.const -1))))\n"
                f"  {body}\n  {self.value('i32', 3)})")


class Module:
    def __init__(self, rng, features=None):
        count = rng.randint(1, 4)
        functions = "\n".join(Function(rng, i).text() for i in range(count))
        self.text = f"""(module {TYPES}
(data $data "some bytes of data")
(elem $elements (ref null $base) {"(item (ref.null $base))" * 6} (item (struct.new $base (i32.const 7) (ref.null none)))
  (item (struct.new_default $leaf)))
(global $calls (mut i32) (i32.const 0))
(global $kept (mut (ref null $base)) (ref.null $base))
(global $table (ref $eqs) (array.new_default $eqs (i32.const 16)))
{functions}
(func (export "run") (param i32) (result i64)
  (global.set $calls (i32.const 200))
  (i64.extend_i32_s (call $f{count - 1} (local.get 0) (global.get $kept))))
;; Folds reachable objects into a number: some steps along the list, and the objects in the table.
(func $see (param $h i64) (param $any eqref) (result i64) (local $steps i32)
  (loop $more
    (if (ref.test (ref $leaf) (local.get $any)) (then
      (local.set $h (i64.add (local.get $h) (struct.get $leaf $l (ref.cast (ref $leaf) (local.get $any)))))
      (local.set $h (i64.add (local.get $h) (i64.extend_i32_s (struct.get_s $leaf $h (ref.cast (ref $leaf) (local.get $any))))))))
    (if (ref.test (ref $base) (local.get $any)) (then
      (local.set $h (i64.add (i64.mul (local.get $h) (i64.const 31))
        (i64.extend_i32_s (struct.get $base $n (ref.cast (ref $base) (local.get $any))))))
      (local.set $any (struct.get $base $next (ref.cast (ref $base) (local.get $any))))
      (br_if $more (i32.lt_s (local.tee $steps (i32.add (local.get $steps) (i32.const 1))) (i32.const 30))))))
  (if (ref.test (ref i31) (local.get $any)) (then
    (local.set $h (i64.xor (local.get $h) (i64.extend_i32_s (i31.get_s (ref.cast (ref i31) (local.get $any))))))))
  (if (ref.test (ref array) (local.get $any)) (then
    (local.set $h (i64.add (local.get $h) (i64.extend_i32_u (array.len (ref.cast (ref array) (local.get $any))))))))
  (if (ref.test (ref $ints) (local.get $any)) (then
    (local.set $h (i64.add (local.get $h) (i64.extend_i32_u (array.get $ints (ref.cast (ref $ints) (local.get $any)) (i32.const 3)))))))
  (if (ref.test (ref $bytes) (local.get $any)) (then
    (local.set $h (i64.add (local.get $h) (i64.extend_i32_u (array.get_u $bytes (ref.cast (ref $bytes) (local.get $any)) (i32.const 3)))))))
  (local.get $h))
(func (export "state") (result i64) (local $h i64) (local $i i32)
  (local.set $h (call $see (i64.const 0) (global.get $kept)))
  (loop $more
    (local.set $h (call $see (i64.rotl (local.get $h) (i64.const 5)) (array.get $eqs (global.get $table) (local.get $i))))
    (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16))))
  (local.get $h)))
"""
        self.calls = []
        for argument in (0, 1, -1, rng.randint(-100, 100), rng.randint(-(1 << 31), (1 << 31) - 1)):
            self.calls += [("run", [("i32", argument)]), ("state", [])]
