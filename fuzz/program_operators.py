"""Operators by operand and result types, for the generators of random programs."""
INT_BINARY = ("add sub mul and or xor shl shr_s shr_u rotl rotr div_s div_u rem_s rem_u").split()
INT_COMPARE = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split()
FLOAT_BINARY = "add sub mul div min max".split()
FLOAT_COMPARE = "eq ne lt gt le ge".split()
UNARY = {
    "i32": ["i32.clz", "i32.ctz", "i32.popcnt", "i32.extend8_s", "i32.extend16_s"],
    "i64": ["i64.clz", "i64.ctz", "i64.popcnt", "i64.extend8_s", "i64.extend16_s", "i64.extend32_s"],
    "f32": ["f32.abs", "f32.neg", "f32.ceil", "f32.floor", "f32.trunc", "f32.nearest", "f32.sqrt"],
    "f64": ["f64.abs", "f64.neg", "f64.ceil", "f64.floor", "f64.trunc", "f64.nearest", "f64.sqrt"],
}
CONVERT = [("i32", "i64", "i32.wrap_i64"), ("i64", "i32", "i64.extend_i32_s"), ("i64", "i32", "i64.extend_i32_u"),
           ("i32", "i32", "i32.eqz"), ("i32", "i64", "i64.eqz"),
           ("f32", "f64", "f32.demote_f64"), ("f64", "f32", "f64.promote_f32")]
for _to in ("i32", "i64"):
    for _from in ("f32", "f64"):
        for _sign in "su":
            CONVERT.append((_to, _from, f"{_to}.trunc_sat_{_from}_{_sign}"))
            CONVERT.append((_from, _to, f"{_from}.convert_{_to}_{_sign}"))
LOADS = {"i32": ["i32.load", "i32.load8_s", "i32.load8_u", "i32.load16_s", "i32.load16_u"],
         "i64": ["i64.load", "i64.load8_s", "i64.load16_u", "i64.load32_s", "i64.load32_u"],
         "v128": ["v128.load", "v128.load32_zero", "v128.load64_zero"]
                 + [f"v128.load{shape}_{sign}" for shape in ("8x8", "16x4", "32x2") for sign in "su"]
                 + [f"v128.load{bits}_splat" for bits in (8, 16, 32, 64)]}
STORES = {"i32": ["i32.store", "i32.store8", "i32.store16"], "i64": ["i64.store", "i64.store8", "i64.store32"],
          "v128": ["v128.store"]}

# ---- Vectors ----

# Shape: the number of lanes, and the type of a lane's value.
SHAPES = {"i8x16": (16, "i32"), "i16x8": (8, "i32"), "i32x4": (4, "i32"), "i64x2": (2, "i64"), "f32x4": (4, "f32"),
          "f64x2": (2, "f64")}
INT_SHAPES = ("i8x16", "i16x8", "i32x4", "i64x2")
FLOAT_SHAPES = ("f32x4", "f64x2")
_WIDER = (("i16x8", "i8x16"), ("i32x4", "i16x8"), ("i64x2", "i32x4"))
_SIGNED_COMPARE = "lt_s gt_s le_s ge_s".split()

VECTOR_UNARY = (
    ["v128.not", "i8x16.popcnt"] + [f"{shape}.{op}" for shape in INT_SHAPES for op in ("abs", "neg")]
    + [f"{wide}.extend_{half}_{narrow}_{sign}" for wide, narrow in _WIDER for half in ("low", "high") for sign in "su"]
    + [f"{wide}.extadd_pairwise_{narrow}_{sign}" for wide, narrow in _WIDER[:2] for sign in "su"]
    + [f"{shape}.{op}" for shape in FLOAT_SHAPES for op in ("abs", "neg")]
    + [f"i32x4.trunc_sat_{source}" for source in ("f32x4_s", "f32x4_u", "f64x2_s_zero", "f64x2_u_zero")]
    + [f"f32x4.convert_i32x4_{sign}" for sign in "su"] + [f"f64x2.convert_low_i32x4_{sign}" for sign in "su"])
VECTOR_BINARY = (
    ["v128.and", "v128.or", "v128.xor", "v128.andnot", "i8x16.swizzle", "i32x4.dot_i16x8_s", "i16x8.q15mulr_sat_s"]
    + [f"{narrow}.narrow_{wide}_{sign}" for wide, narrow in _WIDER[:2] for sign in "su"]
    + [f"{shape}.{op}" for shape in INT_SHAPES for op in ["add", "sub", "eq", "ne"] + _SIGNED_COMPARE]
    + [f"{shape}.{op}" for shape in INT_SHAPES[1:] for op in ["mul"]]
    + [f"{shape}.{op}_{sign}" for shape in INT_SHAPES[:3] for op in ("min", "max") for sign in "su"]
    + [f"{shape}.{op}_u" for shape in INT_SHAPES[:3] for op in ("lt", "gt", "le", "ge")]
    + [f"{shape}.{op}_sat_{sign}" for shape in INT_SHAPES[:2] for op in ("add", "sub") for sign in "su"]
    + [f"{shape}.avgr_u" for shape in INT_SHAPES[:2]]
    + [f"{wide}.extmul_{half}_{narrow}_{sign}" for wide, narrow in _WIDER for half in ("low", "high") for sign in "su"]
    + [f"{shape}.{op}" for shape in FLOAT_SHAPES for op in FLOAT_COMPARE])
VECTOR_TESTS = ["v128.any_true"] + [f"{shape}.{op}" for shape in INT_SHAPES for op in ("all_true", "bitmask")]
# Operators that may give a NaN with unspecified bits.
VECTOR_FLOAT_UNARY = ([f"{shape}.{op}" for shape in FLOAT_SHAPES for op in "sqrt ceil floor trunc nearest".split()]
                      + ["f32x4.demote_f64x2_zero", "f64x2.promote_low_f32x4"])
VECTOR_FLOAT_BINARY = [f"{shape}.{op}" for shape in FLOAT_SHAPES for op in FLOAT_BINARY + ["pmin", "pmax"]]

# ---- Atomics: type, suffix, bits of the memory ----

ATOMIC_WIDTHS = [("i32", "", 32), ("i32", "8", 8), ("i32", "16", 16), ("i64", "", 64), ("i64", "8", 8), ("i64", "16", 16),
                 ("i64", "32", 32)]
ATOMIC_RMW = "add sub and or xor xchg cmpxchg".split()
