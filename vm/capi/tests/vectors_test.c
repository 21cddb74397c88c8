#include "check.h"
#include "shorthands.h"

/* Vectors, each with all of its functions. */

/* A vector of pointers whose elements `make` makes. */
#define POINTER_VECTOR(name, make)                                                                           \
    TEST(vectors_of_##name##_own_their_elements) {                                                           \
        wasm_##name##_t* elements[2];                                                                        \
        wasm_##name##_vec_t vec, copy, empty, zeros;                                                         \
        elements[0] = make;                                                                                  \
        elements[1] = NULL;                                                                                  \
        REQUIRE(elements[0] != NULL);                                                                        \
        wasm_##name##_vec_new(&vec, 2, elements);                                                            \
        CHECK(vec.size == 2 && vec.data[0] == elements[0] && vec.data[1] == NULL);                           \
        wasm_##name##_vec_copy(&copy, &vec);                                                                 \
        CHECK(copy.size == 2 && copy.data[0] != NULL && copy.data[0] != vec.data[0]);                        \
        CHECK(copy.data[1] == NULL);                                                                         \
        wasm_##name##_vec_new_empty(&empty);                                                                 \
        CHECK(empty.size == 0 && empty.data == NULL);                                                        \
        wasm_##name##_vec_new_uninitialized(&zeros, 3);                                                      \
        CHECK(zeros.size == 3 && zeros.data[0] == NULL && zeros.data[2] == NULL);                            \
        wasm_##name##_vec_delete(&vec);                                                                      \
        wasm_##name##_vec_delete(&copy);                                                                     \
        wasm_##name##_vec_delete(&empty);                                                                    \
        wasm_##name##_vec_delete(&zeros);                                                                    \
        CHECK(vec.size == 0 && vec.data == NULL);                                                            \
        wasm_##name##_vec_delete(&vec); /* once more does nothing */                                         \
        wasm_##name##_vec_delete(NULL);                                                                      \
    }

static const wasm_limits_t limits = {1, 2};

static wasm_importtype_t* make_importtype(void) {
    wasm_name_t module, name;
    wasm_name_new_from_string(&module, "m");
    wasm_name_new_from_string(&name, "n");
    return wasm_importtype_new(&module, &name, wasm_functype_as_externtype(wasm_functype_new_0_0()));
}
static wasm_exporttype_t* make_exporttype(void) {
    wasm_name_t name;
    wasm_name_new_from_string(&name, "n");
    return wasm_exporttype_new(&name, wasm_functype_as_externtype(wasm_functype_new_0_0()));
}

POINTER_VECTOR(valtype, wasm_valtype_new_i32())
POINTER_VECTOR(functype, wasm_functype_new_1_0(wasm_valtype_new_i64()))
POINTER_VECTOR(globaltype, wasm_globaltype_new(wasm_valtype_new_f32(), WASM_VAR))
POINTER_VECTOR(tabletype, wasm_tabletype_new(wasm_valtype_new_funcref(), &limits))
POINTER_VECTOR(memorytype, wasm_memorytype_new(&limits))
POINTER_VECTOR(externtype, wasm_memorytype_as_externtype(wasm_memorytype_new(&limits)))
POINTER_VECTOR(importtype, make_importtype())
POINTER_VECTOR(exporttype, make_exporttype())

TEST(vectors_of_externs_own_their_elements) {
    wasm_store_t* const store = open_store();
    wasm_memorytype_t* const type = wasm_memorytype_new(&limits);
    wasm_extern_t* elements[] = {wasm_memory_as_extern(wasm_memory_new(store, type)), NULL};
    wasm_extern_vec_t vec, copy, empty, zeros;
    wasm_memorytype_delete(type);
    wasm_extern_vec_new(&vec, 2, elements);
    wasm_extern_vec_copy(&copy, &vec);
    CHECK(copy.size == 2 && copy.data[0] != vec.data[0] && wasm_extern_same(copy.data[0], vec.data[0]));
    wasm_extern_vec_new_empty(&empty);
    CHECK(empty.size == 0);
    wasm_extern_vec_new_uninitialized(&zeros, 1);
    CHECK(zeros.size == 1 && zeros.data[0] == NULL);
    wasm_extern_vec_delete(&vec);
    wasm_extern_vec_delete(&copy);
    wasm_extern_vec_delete(&zeros);
    close_store(store);
}

TEST(vectors_of_frames_own_their_elements) {
    wasm_store_t* const store = open_store();
    wasm_instance_t* const instance =
        instantiate(store, "(module (func $f unreachable) (func (export \"f\") call $f))", NULL, 0);
    wasm_func_t* const func = func_at(instance, 0);
    wasm_trap_t* const trap = wasm_func_call(func, NULL, NULL);
    wasm_frame_vec_t trace, copy, moved, empty, zeros;
    REQUIRE(trap != NULL);
    wasm_trap_trace(trap, &trace);
    CHECK(trace.size == 2);
    wasm_frame_vec_copy(&copy, &trace);
    CHECK(copy.size == 2 && copy.data[1] != trace.data[1]);
    CHECK(wasm_frame_func_index(copy.data[1]) == wasm_frame_func_index(trace.data[1]));
    wasm_frame_vec_new(&moved, copy.size, copy.data);
    CHECK(moved.size == 2 && moved.data[0] == copy.data[0]);
    copy.data[0] = copy.data[1] = NULL;
    wasm_frame_vec_new_empty(&empty);
    CHECK(empty.size == 0 && empty.data == NULL);
    wasm_frame_vec_new_uninitialized(&zeros, 2);
    CHECK(zeros.size == 2 && zeros.data[1] == NULL);
    wasm_frame_vec_delete(&trace);
    wasm_frame_vec_delete(&copy);
    wasm_frame_vec_delete(&moved);
    wasm_frame_vec_delete(&zeros);
    wasm_trap_delete(trap);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    close_store(store);
}

TEST(vectors_of_values_copy_references) {
    wasm_store_t* const store = open_store();
    wasm_val_t values[] = {WASM_I32_VAL(-7), WASM_INIT_VAL, WASM_F64_VAL(0.5), WASM_INIT_VAL};
    wasm_val_vec_t vec, copy, empty, zeros;
    values[1].of.ref = wasm_foreign_as_ref(wasm_foreign_new(store));
    wasm_val_vec_new(&vec, 4, values);
    wasm_val_vec_copy(&copy, &vec);
    CHECK(copy.size == 4 && copy.data[0].of.i32 == -7 && copy.data[2].of.f64 == 0.5);
    CHECK(copy.data[1].of.ref != vec.data[1].of.ref);
    CHECK(wasm_ref_same(copy.data[1].of.ref, vec.data[1].of.ref));
    CHECK(copy.data[3].of.ref == NULL);
    wasm_val_vec_new_empty(&empty);
    CHECK(empty.size == 0 && empty.data == NULL);
    wasm_val_vec_new_uninitialized(&zeros, 2);
    CHECK(zeros.size == 2 && zeros.data[1].kind == WASM_I32 && zeros.data[1].of.i64 == 0);
    wasm_val_vec_delete(&vec);
    wasm_val_vec_delete(&copy);
    wasm_val_vec_delete(&zeros);
    close_store(store);
}

TEST(values_can_be_copied_and_deleted) {
    wasm_store_t* const store = open_store();
    wasm_val_t value = WASM_REF_VAL(wasm_foreign_as_ref(wasm_foreign_new(store)));
    wasm_val_t copy;
    wasm_val_copy(&copy, &value);
    CHECK(copy.kind == WASM_EXTERNREF && wasm_ref_same(copy.of.ref, value.of.ref));
    wasm_val_delete(&copy);
    CHECK(copy.of.ref == NULL);
    wasm_val_delete(&copy);
    wasm_val_delete(&value);
    wasm_val_delete(NULL);
    const wasm_val_t number = WASM_I64_VAL(INT64_MIN);
    wasm_val_copy(&copy, &number);
    CHECK(copy.kind == WASM_I64 && copy.of.i64 == INT64_MIN);
    wasm_val_delete(&copy);
    close_store(store);
}

TEST(values_hold_pointers) {
    int place;
    wasm_val_t value;
    wasm_val_init_ptr(&value, &place);
    CHECK(wasm_val_ptr(&value) == &place);
    CHECK(value.kind == (sizeof(void*) == 4 ? WASM_I32 : WASM_I64));
}

TEST(names_are_vectors_of_bytes) {
    wasm_byte_vec_t name, terminated, copy, empty, zeros;
    wasm_name_new_from_string(&name, "abc");
    CHECK(is_name(&name, "abc"));
    wasm_name_new_from_string_nt(&terminated, "abc");
    CHECK(terminated.size == 4 && terminated.data[3] == 0);
    wasm_byte_vec_copy(&copy, &name);
    CHECK(is_name(&copy, "abc") && copy.data != name.data);
    wasm_byte_vec_new_empty(&empty);
    CHECK(empty.size == 0 && empty.data == NULL);
    wasm_byte_vec_new_uninitialized(&zeros, 2);
    CHECK(zeros.size == 2);
    wasm_byte_vec_delete(&name);
    wasm_byte_vec_delete(&terminated);
    wasm_byte_vec_delete(&copy);
    wasm_byte_vec_delete(&zeros);
    wasm_byte_vec_new(&name, 0, NULL);
    CHECK(name.size == 0 && name.data == NULL);
    wasm_byte_vec_new(&name, 5, NULL); /* there are none to copy */
    CHECK(name.size == 0 && name.data == NULL);
}

TEST(vectors_that_are_too_large_are_empty) {
    wasm_byte_vec_t bytes;
    wasm_val_vec_t values;
    wasm_extern_vec_t externs;
    wasm_byte_vec_new_uninitialized(&bytes, SIZE_MAX);
    CHECK(bytes.size == 0 && bytes.data == NULL);
    wasm_val_vec_new_uninitialized(&values, SIZE_MAX / sizeof(wasm_val_t) + 2);
    CHECK(values.size == 0 && values.data == NULL);
    wasm_extern_vec_new_uninitialized(&externs, SIZE_MAX / 8 + 1);
    CHECK(externs.size == 0 && externs.data == NULL);
}

TEST(vectors_delete_what_they_have_no_memory_for) {
    wasm_valtype_t* types[] = {wasm_valtype_new_i32(), wasm_valtype_new_i64()};
    wasm_valtype_vec_t vec;
    allow_allocations(0, false);
    wasm_valtype_vec_new(&vec, 2, types);
    allow_allocations(SIZE_MAX, false);
    CHECK(vec.size == 0 && vec.data == NULL);
}

bool shorthands_are_right_in_cpp(void);

TEST(shorthands_are_the_same_in_both_languages) {
    CHECK(shorthands_are_right());
    CHECK(shorthands_are_right_in_cpp());
}
