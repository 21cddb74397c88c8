"""Vector and atomic instructions of random functions: a part of program_stack.Function."""
from program_operators import (ATOMIC_RMW, ATOMIC_WIDTHS, FLOAT_SHAPES, INT_SHAPES, SHAPES, VECTOR_BINARY, VECTOR_FLOAT_BINARY,
                               VECTOR_FLOAT_UNARY, VECTOR_TESTS, VECTOR_UNARY)


class VectorsAndAtomics:
    def vector_const(self):
        rng = self.rng
        shape = rng.choice(INT_SHAPES)
        count = SHAPES[shape][0]
        bits = 128 // count
        make = rng.choice([lambda: 0, lambda: (1 << bits) - 1, lambda: 1 << (bits - 1), lambda: rng.randint(0, 20),
                           lambda: rng.getrandbits(bits), lambda: rng.choice([rng.getrandbits(bits), 0, 1])])
        self.emit(f"v128.const {shape} " + " ".join(str(make()) for _ in range(count)))

    def without_nans(self, shape):
        """Replaces the NaNs in the vector on the stack by zeros, since their bits may differ."""
        self.emit(f"local.tee $v local.get $v local.get $v {shape}.eq v128.and")

    def vector(self, stack):
        """An operation on the vector on top of the stack."""
        rng = self.rng
        choice = rng.random()
        if choice < 0.25:
            self.push(stack, "v128")
            self.emit(rng.choice(VECTOR_BINARY))
            stack.pop()
        elif choice < 0.40:
            self.push(stack, "v128")
            op = rng.choice(VECTOR_FLOAT_BINARY)
            self.emit(op)
            self.without_nans(op[:5])
            stack.pop()
        elif choice < 0.55:
            self.emit(rng.choice(VECTOR_UNARY))
        elif choice < 0.63:
            op = rng.choice(VECTOR_FLOAT_UNARY)
            self.emit(op)
            self.without_nans(op[:5])
        elif choice < 0.69:
            self.push(stack, "i32")
            self.emit(f"{rng.choice(INT_SHAPES)}.{rng.choice(['shl', 'shr_s', 'shr_u'])}")
            stack.pop()
        elif choice < 0.74:
            self.push(stack, "v128")
            self.emit("i8x16.shuffle " + " ".join(str(rng.randrange(32)) for _ in range(16)))
            stack.pop()
        elif choice < 0.78:
            self.push(stack, "v128")
            self.push(stack, "v128")
            self.emit("v128.bitselect")
            del stack[-2:]
        elif choice < 0.84:
            self.emit(rng.choice(VECTOR_TESTS))
            stack[-1] = "i32"
        elif choice < 0.91:
            shape = rng.choice(list(SHAPES))
            count, lane = SHAPES[shape]
            sign = rng.choice(["_s", "_u"]) if count > 4 else ""
            self.emit(f"{shape}.extract_lane{sign} {rng.randrange(count)}")
            stack[-1] = lane
        elif choice < 0.96:
            shape = rng.choice(list(SHAPES))
            count, lane = SHAPES[shape]
            self.push(stack, lane)
            self.emit(f"{shape}.replace_lane {rng.randrange(count)}")
            stack.pop()
            if shape in FLOAT_SHAPES:
                self.without_nans(shape)
        elif choice < 0.98:
            shape = rng.choice(list(SHAPES))
            self.push(stack, SHAPES[shape][1])
            self.emit(f"{shape}.splat")
            if shape in FLOAT_SHAPES:
                self.without_nans(shape)
            self.emit("v128.xor")
            stack.pop()
        else:
            self.lane_access(stack)

    def lane_access(self, stack):
        """Loads a lane of the vector on the stack, or stores one."""
        rng = self.rng
        memory, named = self.memory()
        bits = rng.choice([8, 16, 32, 64])
        lane = rng.randrange(128 // bits)
        load = rng.random() < 0.5
        self.emit("local.set $v")
        stack.pop()
        self.push(stack, "i32")
        self.emit(self.address(memory))
        self.emit(f"local.get $v v128.{'load' if load else 'store'}{bits}_lane{named} offset={rng.choice([0, 3])} {lane}")
        stack.pop()
        if load:
            stack.append("v128")

    def atomic(self, stack):
        """An atomic access; operands of narrow ones have bits beyond their width."""
        rng = self.rng
        memory, named = self.memory()
        kind, narrow, bits = rng.choice(ATOMIC_WIDTHS)
        unsigned = "_u" if narrow else ""
        aligned = "" if rng.random() < 0.03 else f"i32.const {-(bits // 8)} i32.and "
        self.push(stack, "i32")
        stack.pop()
        # Often the same few addresses, so that an exchange finds the expected value.
        self.emit(f"i32.const {rng.choice([15, 255])} i32.and {aligned}"
                  + ("i64.extend_i32_u" if self.module.memories[memory] == "i64" else ""))
        op = rng.choice(["load", "store", "fence", "notify"] + ATOMIC_RMW + ["cmpxchg"] * 3)
        if op == "load":
            self.emit(f"{kind}.atomic.load{narrow}{unsigned}{named}")
            stack.append(kind)
        elif op == "fence":
            self.emit("drop atomic.fence")
        elif op == "notify":
            self.push([], "i32")
            self.emit(f"memory.atomic.notify{named} offset={4 if not aligned else 0}" if bits >= 32 else
                      "drop drop i32.const 0")
            stack.append("i32")
        elif op == "cmpxchg":
            # The expected value: small numbers, which occur, with more bits above them.
            above = rng.choice([0, 0, 1, rng.getrandbits(32)]) << bits
            expected = (rng.choice([0, 0, 1, 5, 255]) | above) & ((1 << (32 if kind == "i32" else 64)) - 1)
            self.emit(f"{kind}.const {expected}")
            if rng.random() < 0.7:
                self.emit(f"{kind}.const {rng.choice([0, 1, 5, 255, 0x1ff, -1])}")
            else:
                self.push([], kind)
            self.emit(f"{kind}.atomic.rmw{narrow}.cmpxchg{unsigned}{named}")
            stack.append(kind)
        else:
            self.push([], kind)
            if op == "store":
                self.emit(f"{kind}.atomic.store{narrow}{named}")
            else:
                self.emit(f"{kind}.atomic.rmw{narrow}.{op}{unsigned}{named}")
                stack.append(kind)
