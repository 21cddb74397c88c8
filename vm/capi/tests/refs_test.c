#include "check.h"

/* References: identity, copies, host info and casts, of each kind. */

static const char everything[] = "(module (func (export \"f\")) (global (export \"g\") i32 (i32.const 7))"
                                 " (table (export \"t\") 2 funcref) (memory (export \"m\") 1))";

/* The export of that index of a new instance. */
static wasm_extern_t* make_extern(wasm_store_t* store, size_t index) {
    wasm_instance_t* const instance = instantiate(store, everything, NULL, 0);
    wasm_extern_t* const found = export_at(instance, index);
    wasm_instance_delete(instance);
    return found;
}
static wasm_trap_t* make_trap(wasm_store_t* store) {
    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, "no");
    wasm_trap_t* const trap = wasm_trap_new(store, &message);
    wasm_name_delete(&message);
    return trap;
}

/* `count` counts finalizers; how many were called when the last reference was deleted, and at the end. */
#define REFERENCE(name, make, with_last_reference)                                                           \
    TEST(references_to_a_##name) {                                                                           \
        wasm_store_t* const store = open_store();                                                            \
        int count = 0, other = 0;                                                                            \
        wasm_##name##_t* const first = make;                                                                 \
        wasm_##name##_t* const second = make;                                                                \
        REQUIRE(first != NULL && second != NULL);                                                            \
        wasm_##name##_t* const copy = wasm_##name##_copy(first);                                             \
        CHECK(copy != first && wasm_##name##_same(first, copy) && wasm_##name##_same(first, first));         \
        CHECK(!wasm_##name##_same(first, second) && !wasm_##name##_same(first, NULL));                       \
        CHECK(wasm_##name##_same(NULL, NULL));                                                               \
        CHECK(wasm_##name##_copy(NULL) == NULL);                                                             \
        CHECK(wasm_##name##_get_host_info(first) == NULL);                                                   \
        wasm_##name##_set_host_info(first, &other);                                                          \
        CHECK(wasm_##name##_get_host_info(copy) == &other);                                                  \
        CHECK(wasm_##name##_get_host_info(second) == NULL);                                                  \
        wasm_##name##_set_host_info_with_finalizer(copy, &count, count_call);                                \
        CHECK(wasm_##name##_get_host_info(first) == &count && count == 0);                                   \
        wasm_##name##_set_host_info_with_finalizer(first, &other, count_call); /* replaces it */             \
        CHECK(count == 1 && wasm_##name##_get_host_info(copy) == &other);                                    \
        wasm_##name##_delete(first);                                                                         \
        CHECK(wasm_##name##_get_host_info(copy) == &other && other == 0);                                    \
        wasm_##name##_delete(copy);                                                                          \
        CHECK(other == (with_last_reference));                                                               \
        wasm_##name##_delete(second);                                                                        \
        wasm_##name##_delete(NULL);                                                                          \
        close_store(store);                                                                                  \
        CHECK(count == 1 && other == 1);                                                                     \
        CHECK(wasm_##name##_get_host_info(NULL) == NULL);                                                    \
        wasm_##name##_set_host_info_with_finalizer(NULL, &other, count_call);                                \
        CHECK(other == 2);                                                                                   \
    }
REFERENCE(ref, wasm_func_as_ref(wasm_extern_as_func(make_extern(store, 0))), 0)
REFERENCE(func, wasm_extern_as_func(make_extern(store, 0)), 0)
REFERENCE(global, wasm_extern_as_global(make_extern(store, 1)), 0)
REFERENCE(table, wasm_extern_as_table(make_extern(store, 2)), 0)
REFERENCE(memory, wasm_extern_as_memory(make_extern(store, 3)), 0)
REFERENCE(extern, make_extern(store, 3), 0)
REFERENCE(instance, instantiate(store, everything, NULL, 0), 0)
REFERENCE(module, load(store, everything), 1)
REFERENCE(trap, make_trap(store), 1)
REFERENCE(foreign, wasm_foreign_new(store), 0)

/* Casts to `general` and back, which are the same pointer; `other` is what it is not. */
#define CASTS(name, general, make, other)                                                                    \
    TEST(a_##name##_as_##general) {                                                                          \
        wasm_store_t* const store = open_store();                                                            \
        wasm_##name##_t* const object = make;                                                                \
        wasm_##general##_t* const seen = wasm_##name##_as_##general(object);                                 \
        CHECK((void*)seen == (void*)object);                                                                 \
        CHECK(wasm_##name##_as_##general##_const(object) == seen);                                           \
        CHECK(wasm_##general##_as_##name(seen) == object);                                                   \
        CHECK(wasm_##general##_as_##name##_const(seen) == object);                                           \
        CHECK(wasm_##general##_as_##other(seen) == NULL);                                                    \
        CHECK(wasm_##general##_as_##other##_const(seen) == NULL);                                            \
        CHECK(wasm_##name##_as_##general(NULL) == NULL && wasm_##general##_as_##name(NULL) == NULL);         \
        CHECK(wasm_##name##_as_##general##_const(NULL) == NULL);                                             \
        wasm_##general##_delete(seen);                                                                       \
        close_store(store);                                                                                  \
    }
CASTS(func, ref, wasm_extern_as_func(make_extern(store, 0)), global)
CASTS(global, ref, wasm_extern_as_global(make_extern(store, 1)), table)
CASTS(table, ref, wasm_extern_as_table(make_extern(store, 2)), memory)
CASTS(memory, ref, wasm_extern_as_memory(make_extern(store, 3)), func)
CASTS(extern, ref, make_extern(store, 3), instance)
CASTS(instance, ref, instantiate(store, everything, NULL, 0), extern)
CASTS(module, ref, load(store, everything), trap)
CASTS(trap, ref, make_trap(store), foreign)
CASTS(foreign, ref, wasm_foreign_new(store), module)
CASTS(func, extern, wasm_extern_as_func(make_extern(store, 0)), global)
CASTS(global, extern, wasm_extern_as_global(make_extern(store, 1)), table)
CASTS(table, extern, wasm_extern_as_table(make_extern(store, 2)), memory)
CASTS(memory, extern, wasm_extern_as_memory(make_extern(store, 3)), func)

TEST(foreign_objects_end_when_nothing_refers_to_them) {
    wasm_store_t* const store = open_store();
    int count = 0;
    wasm_instance_t* const instance =
        instantiate(store,
                    "(module (global $g (export \"g\") (mut externref) (ref.null extern))"
                    " (func (export \"keep\") (param externref) (global.set $g (local.get 0))))",
                    NULL, 0);
    wasm_global_t* const global = wasm_extern_as_global(export_at(instance, 0));
    wasm_func_t* const keep = func_at(instance, 1);
    wasm_foreign_t* const foreign = wasm_foreign_new(store);
    wasm_foreign_set_host_info_with_finalizer(foreign, &count, count_call);
    wasm_val_t value = WASM_REF_VAL(wasm_foreign_as_ref(foreign));
    const wasm_val_vec_t args = {1, &value};
    CHECK(wasm_func_call(keep, &args, NULL) == NULL);
    wasm_foreign_delete(foreign);
    warpbeam_store_collect(store);
    CHECK(count == 0); /* the global refers to it */
    wasm_global_get(global, &value);
    CHECK(value.kind == WASM_EXTERNREF && wasm_ref_get_host_info(value.of.ref) == &count);
    const wasm_val_t null = WASM_INIT_VAL;
    wasm_global_set(global, &null);
    warpbeam_store_collect(store);
    CHECK(count == 0); /* the value refers to it */
    wasm_val_delete(&value);
    warpbeam_store_collect(store);
    CHECK(count == 1);
    wasm_global_delete(global);
    wasm_func_delete(keep);
    wasm_instance_delete(instance);
    close_store(store);
    CHECK(count == 1);
}

TEST(any_reference_is_an_external_reference_too) {
    wasm_store_t* const store = open_store();
    wasm_instance_t* const instance = instantiate(
        store, "(module (func (export \"f\") (param externref) (result externref) (local.get 0)))", NULL, 0);
    wasm_func_t* const func = func_at(instance, 0);
    wasm_ref_t* refs[] = {wasm_func_as_ref(wasm_extern_as_func(make_extern(store, 0))),
                          wasm_global_as_ref(wasm_extern_as_global(make_extern(store, 1))),
                          wasm_table_as_ref(wasm_extern_as_table(make_extern(store, 2))),
                          wasm_memory_as_ref(wasm_extern_as_memory(make_extern(store, 3))),
                          wasm_instance_as_ref(instantiate(store, everything, NULL, 0)),
                          wasm_module_as_ref(load(store, everything)),
                          wasm_trap_as_ref(make_trap(store)),
                          wasm_foreign_as_ref(wasm_foreign_new(store)),
                          NULL};
    for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); ++i) {
        wasm_val_t arg = WASM_REF_VAL(refs[i]);
        wasm_val_t result = WASM_INIT_VAL;
        const wasm_val_vec_t args = {1, &arg};
        wasm_val_vec_t results = {1, &result};
        CHECK(wasm_func_call(func, &args, &results) == NULL);
        CHECK(wasm_ref_same(result.of.ref, refs[i]));
        wasm_val_delete(&result);
        wasm_ref_delete(refs[i]);
    }
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    close_store(store);
}

TEST(references_to_the_heap_keep_it) {
    wasm_store_t* const store = open_store();
    wasm_instance_t* const instance =
        instantiate(store,
                    "(module (type $s (struct (field i32)))"
                    " (func (export \"make\") (param i32) (result anyref) (struct.new $s (local.get 0)))"
                    " (func (export \"get\") (param anyref) (result i32)"
                    "  (struct.get $s 0 (ref.cast (ref $s) (local.get 0)))))",
                    NULL, 0);
    wasm_func_t* const make = func_at(instance, 0);
    wasm_func_t* const get = func_at(instance, 1);
    int count = 0;
    wasm_val_t number = WASM_I32_VAL(42), object = WASM_INIT_VAL;
    const wasm_val_vec_t numbers = {1, &number};
    wasm_val_vec_t objects = {1, &object}, results = {1, &number};
    CHECK(wasm_func_call(make, &numbers, &objects) == NULL);
    CHECK(object.kind == WARPBEAM_ANYREF && object.of.ref != NULL);
    CHECK(wasm_ref_as_func(object.of.ref) == NULL && wasm_ref_as_foreign(object.of.ref) == NULL);
    wasm_ref_set_host_info_with_finalizer(object.of.ref, &count, count_call);
    number.of.i32 = 0;
    warpbeam_store_collect(store);
    CHECK(wasm_func_call(get, &objects, &results) == NULL);
    CHECK(number.of.i32 == 42);
    wasm_ref_t* const copy = wasm_ref_copy(object.of.ref);
    CHECK(wasm_ref_same(copy, object.of.ref) && wasm_ref_get_host_info(copy) == &count);
    wasm_ref_delete(copy);
    /* a foreign object is an anyref too, but no structure */
    wasm_val_t foreign = WASM_REF_VAL(wasm_foreign_as_ref(wasm_foreign_new(store)));
    const wasm_val_vec_t foreigns = {1, &foreign};
    CHECK(has_message(wasm_func_call(get, &foreigns, &results), "cast failure"));
    wasm_val_delete(&foreign);
    wasm_val_delete(&object);
    warpbeam_store_collect(store);
    CHECK(count == 0); /* the host info keeps the object */
    wasm_func_delete(make);
    wasm_func_delete(get);
    wasm_instance_delete(instance);
    close_store(store);
    CHECK(count == 1);
}

/* A finalizer that deletes a reference, which is all that it may do with one. */
static void delete_memory(void* memory) { wasm_memory_delete(memory); }

TEST(finalizers_may_delete_references) {
    wasm_store_t* const store = open_store();
    wasm_instance_t* const instance = instantiate(store, everything, NULL, 0);
    wasm_instance_set_host_info_with_finalizer(instance, make_extern(store, 3), delete_memory);
    wasm_instance_delete(instance);
    close_store(store);
}

TEST(many_objects_have_host_info) {
    enum { count = 1000 };
    static int places[count];
    wasm_store_t* const store = open_store();
    wasm_global_t* globals[count];
    wasm_globaltype_t* const type = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_VAR);
    const wasm_val_t zero = WASM_I32_VAL(0);
    for (int i = 0; i < count; ++i) {
        places[i] = 0;
        globals[i] = wasm_global_new(store, type, &zero);
        wasm_global_set_host_info_with_finalizer(globals[i], &places[i], count_call);
    }
    int found = 0;
    for (int i = 0; i < count; ++i) {
        found += wasm_global_get_host_info(globals[i]) == &places[i];
        wasm_global_delete(globals[i]);
    }
    CHECK(found == count);
    wasm_globaltype_delete(type);
    close_store(store);
    for (int i = 0; i < count; ++i)
        found -= places[i];
    CHECK(found == 0);
}
