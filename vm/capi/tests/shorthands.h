#ifndef SHORTHANDS_H
#define SHORTHANDS_H

#include <warpbeam.h>

/* Uses the initialisers of wasm.h in what is C99 and C++11 at once. */
static inline bool shorthands_are_right(void) {
    static int object;
    wasm_ref_t* const ref = (wasm_ref_t*)(void*)&object;
    wasm_val_t one = WASM_I64_VAL(-1);
    wasm_val_t values[] = {WASM_I32_VAL(-7), WASM_F32_VAL(0.5f), WASM_F64_VAL(0.25), WASM_REF_VAL(ref),
                           WASM_INIT_VAL};
    const wasm_val_vec_t all = WASM_ARRAY_VEC(values);
    const wasm_val_vec_t none = WASM_EMPTY_VEC;
    bool right = all.size == 5 && all.data == values && none.size == 0 && none.data == NULL;
    right = right && one.kind == WASM_I64 && one.of.i64 == -1;
    right = right && values[0].kind == WASM_I32 && values[0].of.i32 == -7;
    right = right && values[1].kind == WASM_F32 && values[1].of.f32 > 0.4f && values[1].of.f32 < 0.6f;
    right = right && values[2].kind == WASM_F64 && values[2].of.f64 > 0.2 && values[2].of.f64 < 0.3;
    right = right && values[3].kind == WASM_EXTERNREF && values[3].of.ref == ref;
    right = right && values[4].kind == WASM_EXTERNREF && values[4].of.ref == NULL;
    wasm_val_init_ptr(&one, &object);
    return right && wasm_val_ptr(&one) == &object;
}

#endif
