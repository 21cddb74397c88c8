/*
 * The C API of WebAssembly engines, https://github.com/WebAssembly/wasm-c-api, as Warpbeam implements it.
 * Programs that are written for that interface compile with this header and link with libwarpbeam_capi.
 * warpbeam.h has what this interface lacks; docs/c-api.md has the rules and an example.
 *
 * Ownership. WASM_OWN marks what is owned. The caller owns an owned result, and deletes it with the function
 * `..._delete` of its type; so does one who gets something through an owned parameter `out`. Any other owned
 * parameter is handed over, also if the function fails. What is not owned belongs to the object that it came
 * from, and lives as long. An owned vector owns its elements too.
 *
 * References. A pointer to a function, global, table, memory, instance, module, trap or foreign object is one
 * of any number of references to that object; `..._copy` makes another one. Functions, globals, tables,
 * memories, instances and modules live as long as their store (`wasm_module_share` makes a module for
 * others), traps as long as a reference, foreign objects as long as a reference or something in the store
 * refers to them.
 *
 * Deletion. What was deleted must not be used or deleted again: that is undefined, also for a store.
 * References to objects of a store that was deleted stay valid, and must still be deleted. They can be copied
 * and cast, and have their kind; traps and frames keep what they say, but for the instance and the host info.
 * Two of them are the same only if they are one pointer, or refer to one trap. All other functions of them do
 * nothing, and return null, zero or false; `wasm_func_call` returns a trap.
 *
 * Failure. Functions that return a pointer return null if they fail, and functions that write a vector then
 * write an empty one whose `data` is null. Pointers must not be null unless it says so; `..._delete` takes
 * null. Objects of different stores must not be mixed: what notices it fails.
 *
 * Thread-safety. A store, with all its objects, belongs to one thread at a time. Engines, types and shared
 * modules may be used by all threads; one that is being deleted by no other.
 */
#ifndef WASM_H
#define WASM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef WASM_API_EXTERN
#ifdef __GNUC__
#define WASM_API_EXTERN __attribute__((visibility("default")))
#else
#define WASM_API_EXTERN
#endif
#endif

#define WASM_OWN

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers of WebAssembly, and a byte. */
typedef char byte_t;
typedef float float32_t;
typedef double float64_t;

/* ---- What many types have ---- */

/* An opaque type, and the function that ends the ownership of one. */
#define WASM_OPAQUE_(name)                                                                                   \
    typedef struct wasm_##name##_t wasm_##name##_t;                                                          \
    WASM_API_EXTERN void wasm_##name##_delete(WASM_OWN wasm_##name##_t*);

/*
 * A vector: `size` elements from `data` on.
 *   _new_empty           makes one without elements
 *   _new_uninitialized   makes one with that many elements, which are null or zero
 *   _new                 makes one with these elements, whose ownership it takes
 *   _copy                makes one with copies of the elements
 *   _delete              frees it, its elements included; it is then empty
 */
#define WASM_VECTOR_(name, element)                                                                          \
    typedef struct wasm_##name##_vec_t {                                                                     \
        size_t size;                                                                                         \
        element* data;                                                                                       \
    } wasm_##name##_vec_t;                                                                                   \
    WASM_API_EXTERN void wasm_##name##_vec_new_empty(WASM_OWN wasm_##name##_vec_t* out);                     \
    WASM_API_EXTERN void wasm_##name##_vec_new_uninitialized(WASM_OWN wasm_##name##_vec_t* out, size_t);     \
    WASM_API_EXTERN void wasm_##name##_vec_new(WASM_OWN wasm_##name##_vec_t* out, size_t,                    \
                                               WASM_OWN element const[]);                                    \
    WASM_API_EXTERN void wasm_##name##_vec_copy(WASM_OWN wasm_##name##_vec_t* out,                           \
                                                const wasm_##name##_vec_t*);                                 \
    WASM_API_EXTERN void wasm_##name##_vec_delete(WASM_OWN wasm_##name##_vec_t*);

/* A copy that the caller owns; null of null. */
#define WASM_COPY_(name) WASM_API_EXTERN WASM_OWN wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t*);

/* A type of WebAssembly's: immutable, independent of engines and stores, with vectors of pointers to it. */
#define WASM_TYPE_(name) WASM_OPAQUE_(name) WASM_VECTOR_(name, wasm_##name##_t*) WASM_COPY_(name)

/*
 * A reference.
 *   _same                           whether both refer to the same object; null is the same as null
 *   _get_host_info                  the pointer that was set for the object, through any reference; or null
 *   _set_host_info                  sets it
 *   _set_host_info_with_finalizer   sets it, with a function that is called with the pointer when it is
 *                                   replaced, or when the object ends; it must not use the store
 * If memory runs out, nothing is set, and the finalizer is called at once.
 */
#define WASM_REF_BASE_(name)                                                                                 \
    WASM_OPAQUE_(name)                                                                                       \
    WASM_COPY_(name)                                                                                         \
    WASM_API_EXTERN bool wasm_##name##_same(const wasm_##name##_t*, const wasm_##name##_t*);                 \
    WASM_API_EXTERN void* wasm_##name##_get_host_info(const wasm_##name##_t*);                               \
    WASM_API_EXTERN void wasm_##name##_set_host_info(wasm_##name##_t*, void* info);                          \
    WASM_API_EXTERN void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t*, void* info,            \
                                                                    void (*finalizer)(void* info));

/* The same pointer as one of type `to`: null for null, and if the object is of another kind. */
#define WASM_CAST_(from, to)                                                                                 \
    WASM_API_EXTERN wasm_##to##_t* wasm_##from##_as_##to(wasm_##from##_t*);                                  \
    WASM_API_EXTERN const wasm_##to##_t* wasm_##from##_as_##to##_const(const wasm_##from##_t*);

/* A reference that is converted to `wasm_ref_t` and back. `_as_ref` is never null for a reference. */
#define WASM_CAST_REF_(name)                                                                                 \
    WASM_API_EXTERN wasm_ref_t* wasm_##name##_as_ref(wasm_##name##_t*);                                      \
    WASM_API_EXTERN const wasm_ref_t* wasm_##name##_as_ref_const(const wasm_##name##_t*);                    \
    WASM_API_EXTERN wasm_##name##_t* wasm_ref_as_##name(wasm_ref_t*);                                        \
    WASM_API_EXTERN const wasm_##name##_t* wasm_ref_as_##name##_const(const wasm_ref_t*);
#define WASM_REF_(name) WASM_REF_BASE_(name) WASM_CAST_REF_(name)

/* ---- Bytes and names ---- */

typedef byte_t wasm_byte_t;
WASM_VECTOR_(byte, wasm_byte_t)

/* A name: bytes that need not end with a zero. */
typedef wasm_byte_vec_t wasm_name_t;
#define wasm_name wasm_byte_vec
#define wasm_name_new wasm_byte_vec_new
#define wasm_name_new_empty wasm_byte_vec_new_empty
#define wasm_name_new_new_uninitialized wasm_byte_vec_new_uninitialized
#define wasm_name_new_uninitialized wasm_byte_vec_new_uninitialized
#define wasm_name_copy wasm_byte_vec_copy
#define wasm_name_delete wasm_byte_vec_delete

/* @{ A copy of a string, without its final zero, and with it (`nt`). */
static inline void wasm_name_new_from_string(WASM_OWN wasm_name_t* out, const char* string) {
    wasm_byte_vec_new(out, strlen(string), string);
}
static inline void wasm_name_new_from_string_nt(WASM_OWN wasm_name_t* out, const char* string) {
    wasm_byte_vec_new(out, strlen(string) + 1, string);
}
/* @} */

/* ---- Engines and stores ---- */

/* How an engine is configured. warpbeam.h has functions to change it. */
WASM_OPAQUE_(config)
WASM_API_EXTERN WASM_OWN wasm_config_t* wasm_config_new(void);

/* What modules and stores share: the configuration and types. It lives as long as anything made with it. */
WASM_OPAQUE_(engine)
WASM_API_EXTERN WASM_OWN wasm_engine_t* wasm_engine_new(void);
WASM_API_EXTERN WASM_OWN wasm_engine_t* wasm_engine_new_with_config(WASM_OWN wasm_config_t*);

/*
 * Owns instances, functions, globals, tables and memories. No code may be running in a store that is deleted,
 * and no finalizer of its objects; all finalizers have been called then.
 */
WASM_OPAQUE_(store)
WASM_API_EXTERN WASM_OWN wasm_store_t* wasm_store_new(wasm_engine_t*);

/* ---- Types ---- */

/* Whether a global can be set. */
typedef uint8_t wasm_mutability_t;
enum wasm_mutability_enum { WASM_CONST = 0, WASM_VAR = 1 };

/* A minimum and a maximum number of pages or elements. Larger numbers of 64-bit limits are shown as the
 * greatest of 32 bits, which as a maximum means that there is none. */
typedef struct wasm_limits_t {
    uint32_t min;
    uint32_t max;
} wasm_limits_t;
static const uint32_t wasm_limits_max_default = UINT32_MAX;

/* The kinds of value types. warpbeam.h has more, which module types can contain. References are of the kind
 * that their type belongs to, such as WASM_FUNCREF for all functions. */
typedef uint8_t wasm_valkind_t;
enum wasm_valkind_enum {
    WASM_I32 = 0,
    WASM_I64 = 1,
    WASM_F32 = 2,
    WASM_F64 = 3,
    WASM_EXTERNREF = 128,
    WASM_FUNCREF = 129
};
static inline bool wasm_valkind_is_ref(wasm_valkind_t kind) { return kind >= WASM_EXTERNREF; }
static inline bool wasm_valkind_is_num(wasm_valkind_t kind) { return !wasm_valkind_is_ref(kind); }

/* The type of a value. Null if there is no such kind. */
WASM_TYPE_(valtype)
WASM_API_EXTERN WASM_OWN wasm_valtype_t* wasm_valtype_new(wasm_valkind_t);
WASM_API_EXTERN wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t*);
static inline bool wasm_valtype_is_ref(const wasm_valtype_t* type) {
    return wasm_valkind_is_ref(wasm_valtype_kind(type));
}
static inline bool wasm_valtype_is_num(const wasm_valtype_t* type) {
    return wasm_valkind_is_num(wasm_valtype_kind(type));
}

/* The type of a function. The vectors are handed over, and are then empty. Null if one of the types is. */
WASM_TYPE_(functype)
WASM_API_EXTERN WASM_OWN wasm_functype_t* wasm_functype_new(WASM_OWN wasm_valtype_vec_t* params,
                                                            WASM_OWN wasm_valtype_vec_t* results);
WASM_API_EXTERN const wasm_valtype_vec_t* wasm_functype_params(const wasm_functype_t*);
WASM_API_EXTERN const wasm_valtype_vec_t* wasm_functype_results(const wasm_functype_t*);

/* The type of a global. Null if the content is. */
WASM_TYPE_(globaltype)
WASM_API_EXTERN WASM_OWN wasm_globaltype_t* wasm_globaltype_new(WASM_OWN wasm_valtype_t* content,
                                                                wasm_mutability_t);
WASM_API_EXTERN const wasm_valtype_t* wasm_globaltype_content(const wasm_globaltype_t*);
WASM_API_EXTERN wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t*);

/* The type of a table. Null if the element is, or is no reference. */
WASM_TYPE_(tabletype)
WASM_API_EXTERN WASM_OWN wasm_tabletype_t* wasm_tabletype_new(WASM_OWN wasm_valtype_t* element,
                                                              const wasm_limits_t*);
WASM_API_EXTERN const wasm_valtype_t* wasm_tabletype_element(const wasm_tabletype_t*);
WASM_API_EXTERN const wasm_limits_t* wasm_tabletype_limits(const wasm_tabletype_t*);

/* The type of a memory, with limits in pages. */
WASM_TYPE_(memorytype)
WASM_API_EXTERN WASM_OWN wasm_memorytype_t* wasm_memorytype_new(const wasm_limits_t*);
WASM_API_EXTERN const wasm_limits_t* wasm_memorytype_limits(const wasm_memorytype_t*);

/* The kinds of imports and exports; warpbeam.h adds tags. */
typedef uint8_t wasm_externkind_t;
enum wasm_externkind_enum {
    WASM_EXTERN_FUNC = 0,
    WASM_EXTERN_GLOBAL = 1,
    WASM_EXTERN_TABLE = 2,
    WASM_EXTERN_MEMORY = 3
};

/* The type of an import or export: one of the above, seen as the same thing. */
WASM_TYPE_(externtype)
WASM_API_EXTERN wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t*);
#define WASM_CAST_TYPE_(name) WASM_CAST_(name##type, externtype) WASM_CAST_(externtype, name##type)
WASM_CAST_TYPE_(func)
WASM_CAST_TYPE_(global)
WASM_CAST_TYPE_(table)
WASM_CAST_TYPE_(memory)

/* Something that a module imports. The names are handed over, and are then empty. */
WASM_TYPE_(importtype)
WASM_API_EXTERN WASM_OWN wasm_importtype_t*
wasm_importtype_new(WASM_OWN wasm_name_t* module, WASM_OWN wasm_name_t* name, WASM_OWN wasm_externtype_t*);
WASM_API_EXTERN const wasm_name_t* wasm_importtype_module(const wasm_importtype_t*);
WASM_API_EXTERN const wasm_name_t* wasm_importtype_name(const wasm_importtype_t*);
WASM_API_EXTERN const wasm_externtype_t* wasm_importtype_type(const wasm_importtype_t*);

/* Something that a module exports. The name is handed over, and is then empty. */
WASM_TYPE_(exporttype)
WASM_API_EXTERN WASM_OWN wasm_exporttype_t* wasm_exporttype_new(WASM_OWN wasm_name_t*,
                                                                WASM_OWN wasm_externtype_t*);
WASM_API_EXTERN const wasm_name_t* wasm_exporttype_name(const wasm_exporttype_t*);
WASM_API_EXTERN const wasm_externtype_t* wasm_exporttype_type(const wasm_exporttype_t*);

/* ---- Values and references ---- */

/* Any reference. */
WASM_REF_BASE_(ref)

/* A value. `of.ref` is null for the null reference. It owns its reference: a copy has one of its own, or null
 * if memory runs out. */
typedef struct wasm_val_t {
    wasm_valkind_t kind;
    union {
        int32_t i32;
        int64_t i64;
        float32_t f32;
        float64_t f64;
        wasm_ref_t* ref;
    } of;
} wasm_val_t;
WASM_API_EXTERN void wasm_val_delete(WASM_OWN wasm_val_t*);
WASM_API_EXTERN void wasm_val_copy(WASM_OWN wasm_val_t* out, const wasm_val_t*);
WASM_VECTOR_(val, wasm_val_t)

/*
 * A function on the stack when a trap occurred: its instance, its index in the module, and where it trapped
 * or called: bytes from the beginning of its body, its locals included, and bytes from the beginning of the
 * module. Offsets that are not known are SIZE_MAX. The instance belongs to the frame. It is null once the
 * store is deleted, or if a callback has passed the trap from one store to another.
 */
WASM_OPAQUE_(frame)
WASM_VECTOR_(frame, wasm_frame_t*)
WASM_COPY_(frame)
WASM_API_EXTERN struct wasm_instance_t* wasm_frame_instance(const wasm_frame_t*);
WASM_API_EXTERN uint32_t wasm_frame_func_index(const wasm_frame_t*);
WASM_API_EXTERN size_t wasm_frame_func_offset(const wasm_frame_t*);
WASM_API_EXTERN size_t wasm_frame_module_offset(const wasm_frame_t*);

/* A message ends with a zero, which its size includes. The one that `wasm_trap_new` gets may lack it. All
 * other bytes of that message stay as they are; those of the engine's messages are safe to print. */
typedef wasm_name_t wasm_message_t;

/*
 * Why a computation was aborted. A trap that a callback returns ends the code that called it, and is the same
 * trap for the caller of that code, with the frames that it came through. The trace has the innermost
 * function first, at most 64 of them; the origin is the first, or null if no function was active.
 */
WASM_REF_(trap)
WASM_API_EXTERN WASM_OWN wasm_trap_t* wasm_trap_new(wasm_store_t*, const wasm_message_t*);
WASM_API_EXTERN void wasm_trap_message(const wasm_trap_t*, WASM_OWN wasm_message_t* out);
WASM_API_EXTERN WASM_OWN wasm_frame_t* wasm_trap_origin(const wasm_trap_t*);
WASM_API_EXTERN void wasm_trap_trace(const wasm_trap_t*, WASM_OWN wasm_frame_vec_t* out);

/*
 * An object of the host that code can only pass on, as an external reference. Its host info says what it is;
 * the finalizer is called after a garbage collection has found that nothing refers to it. Every other
 * reference can be passed as an external reference too, and comes back as what it was.
 */
WASM_REF_(foreign)
WASM_API_EXTERN WASM_OWN wasm_foreign_t* wasm_foreign_new(wasm_store_t*);

/* ---- Modules ---- */

/* A decoded and validated module. Null if it is not valid: warpbeam_module_new says why. */
WASM_REF_(module)
WASM_API_EXTERN WASM_OWN wasm_module_t* wasm_module_new(wasm_store_t*, const wasm_byte_vec_t* binary);
WASM_API_EXTERN bool wasm_module_validate(wasm_store_t*, const wasm_byte_vec_t* binary);
WASM_API_EXTERN void wasm_module_imports(const wasm_module_t*, WASM_OWN wasm_importtype_vec_t* out);
WASM_API_EXTERN void wasm_module_exports(const wasm_module_t*, WASM_OWN wasm_exporttype_vec_t* out);

/* The module as bytes, and back. The bytes are not trusted: they are validated again. */
WASM_API_EXTERN void wasm_module_serialize(const wasm_module_t*, WASM_OWN wasm_byte_vec_t* out);
WASM_API_EXTERN WASM_OWN wasm_module_t* wasm_module_deserialize(wasm_store_t*, const wasm_byte_vec_t*);

/* A module that belongs to no store: any thread may obtain it for its own, without loading it again. */
WASM_OPAQUE_(shared_module)
WASM_API_EXTERN WASM_OWN wasm_shared_module_t* wasm_module_share(const wasm_module_t*);
WASM_API_EXTERN WASM_OWN wasm_module_t* wasm_module_obtain(wasm_store_t*, const wasm_shared_module_t*);

/* ---- Functions ---- */

WASM_REF_(func)

/*
 * A function of the host. It gets one argument for each parameter, which it does not own, and writes a result
 * for each element of `results`, which are zeros and nulls of the right kinds at first; it hands over
 * references there. If it returns a trap, which is handed over, results are ignored. It may call functions of
 * the store.
 */
typedef WASM_OWN wasm_trap_t* (*wasm_func_callback_t)(const wasm_val_vec_t* args, wasm_val_vec_t* results);
typedef WASM_OWN wasm_trap_t* (*wasm_func_callback_with_env_t)(void* env, const wasm_val_vec_t* args,
                                                               wasm_val_vec_t* results);

/*
 * Makes a function of the host. `env` is passed to every call; `finalizer`, unless it is null, gets it when
 * the store is deleted, or at once if no function can be made.
 */
WASM_API_EXTERN WASM_OWN wasm_func_t* wasm_func_new(wasm_store_t*, const wasm_functype_t*,
                                                    wasm_func_callback_t);
WASM_API_EXTERN WASM_OWN wasm_func_t* wasm_func_new_with_env(wasm_store_t*, const wasm_functype_t*,
                                                             wasm_func_callback_with_env_t, void* env,
                                                             void (*finalizer)(void* env));
WASM_API_EXTERN WASM_OWN wasm_functype_t* wasm_func_type(const wasm_func_t*);
WASM_API_EXTERN size_t wasm_func_param_arity(const wasm_func_t*);
WASM_API_EXTERN size_t wasm_func_result_arity(const wasm_func_t*);

/*
 * Calls a function. Null if it has returned; its results are then in `results`, as far as that has elements
 * for them. Otherwise a trap, also if the arguments are too few, too many or of the wrong kind; `results` is
 * then unchanged. Either vector may be null if it would be empty.
 */
WASM_API_EXTERN WASM_OWN wasm_trap_t* wasm_func_call(const wasm_func_t*, const wasm_val_vec_t* args,
                                                     wasm_val_vec_t* results);

/* ---- Globals, tables and memories ---- */

/* Null if the value does not fit the type. Setting a value that does not fit, or a constant, does nothing. */
WASM_REF_(global)
WASM_API_EXTERN WASM_OWN wasm_global_t* wasm_global_new(wasm_store_t*, const wasm_globaltype_t*,
                                                        const wasm_val_t*);
WASM_API_EXTERN WASM_OWN wasm_globaltype_t* wasm_global_type(const wasm_global_t*);
WASM_API_EXTERN void wasm_global_get(const wasm_global_t*, WASM_OWN wasm_val_t* out);
WASM_API_EXTERN void wasm_global_set(wasm_global_t*, const wasm_val_t*);

/*
 * Elements and initial values may be null references. `_get` gives null also outside of the table. `_set` and
 * `_grow` return false, and change nothing, if the index, the number or the element does not fit.
 */
typedef uint32_t wasm_table_size_t;
WASM_REF_(table)
WASM_API_EXTERN WASM_OWN wasm_table_t* wasm_table_new(wasm_store_t*, const wasm_tabletype_t*,
                                                      wasm_ref_t* init);
WASM_API_EXTERN WASM_OWN wasm_tabletype_t* wasm_table_type(const wasm_table_t*);
WASM_API_EXTERN WASM_OWN wasm_ref_t* wasm_table_get(const wasm_table_t*, wasm_table_size_t index);
WASM_API_EXTERN bool wasm_table_set(wasm_table_t*, wasm_table_size_t index, wasm_ref_t*);
WASM_API_EXTERN wasm_table_size_t wasm_table_size(const wasm_table_t*);
WASM_API_EXTERN bool wasm_table_grow(wasm_table_t*, wasm_table_size_t delta, wasm_ref_t* init);

/*
 * Sizes are in pages of the memory, except `_data_size`, which is in bytes. The bytes of a memory may move
 * when it grows, and code of the store may grow it; `_data` is to be asked for again then.
 */
typedef uint32_t wasm_memory_pages_t;
static const size_t MEMORY_PAGE_SIZE = 0x10000;
WASM_REF_(memory)
WASM_API_EXTERN WASM_OWN wasm_memory_t* wasm_memory_new(wasm_store_t*, const wasm_memorytype_t*);
WASM_API_EXTERN WASM_OWN wasm_memorytype_t* wasm_memory_type(const wasm_memory_t*);
WASM_API_EXTERN byte_t* wasm_memory_data(wasm_memory_t*);
WASM_API_EXTERN size_t wasm_memory_data_size(const wasm_memory_t*);
WASM_API_EXTERN wasm_memory_pages_t wasm_memory_size(const wasm_memory_t*);
WASM_API_EXTERN bool wasm_memory_grow(wasm_memory_t*, wasm_memory_pages_t delta);

/* ---- Imports, exports and instances ---- */

/* An object that can be imported and exported: one of the above, seen as the same thing. */
WASM_REF_(extern)
WASM_VECTOR_(extern, wasm_extern_t*)
WASM_API_EXTERN wasm_externkind_t wasm_extern_kind(const wasm_extern_t*);
WASM_API_EXTERN WASM_OWN wasm_externtype_t* wasm_extern_type(const wasm_extern_t*);
#define WASM_CAST_EXTERN_(name) WASM_CAST_(name, extern) WASM_CAST_(extern, name)
WASM_CAST_EXTERN_(func)
WASM_CAST_EXTERN_(global)
WASM_CAST_EXTERN_(table)
WASM_CAST_EXTERN_(memory)

/*
 * Makes an instance and runs its start function; `imports` are in the order of the module's, and null means
 * none. Null if that fails: `*trap`, unless `trap` is null, is then a trap that says why, such as the imports
 * that do not fit, a line for each; otherwise it becomes null. More imports than the module has are ignored.
 * `_exports` gives the exports in the order of the module's.
 */
WASM_REF_(instance)
WASM_API_EXTERN WASM_OWN wasm_instance_t* wasm_instance_new(wasm_store_t*, const wasm_module_t*,
                                                            const wasm_extern_vec_t* imports,
                                                            WASM_OWN wasm_trap_t** trap);
WASM_API_EXTERN void wasm_instance_exports(const wasm_instance_t*, WASM_OWN wasm_extern_vec_t* out);

/* ---- Shorthands ---- */

/* @{ Initialisers of vectors that are not deleted, and of values. */
#define WASM_EMPTY_VEC {0, NULL}
#define WASM_ARRAY_VEC(array) {sizeof(array) / sizeof((array)[0]), array}
#ifdef __cplusplus
/* C++11 has no designated initialisers. */
#define WASM_MAKE_VAL_(type, kind_, member)                                                                  \
    static inline wasm_val_t wasm_val_of_##member##_(type value) {                                           \
        wasm_val_t made;                                                                                     \
        made.kind = kind_;                                                                                   \
        made.of.member = value;                                                                              \
        return made;                                                                                         \
    }
WASM_MAKE_VAL_(int32_t, WASM_I32, i32)
WASM_MAKE_VAL_(int64_t, WASM_I64, i64)
WASM_MAKE_VAL_(float32_t, WASM_F32, f32)
WASM_MAKE_VAL_(float64_t, WASM_F64, f64)
WASM_MAKE_VAL_(wasm_ref_t*, WASM_EXTERNREF, ref)
#undef WASM_MAKE_VAL_
#define WASM_VAL_(kind_, member, value) wasm_val_of_##member##_(value)
#else
#define WASM_VAL_(kind_, member, value)                                                                      \
    {                                                                                                        \
        .kind = kind_, .of = {.member = value }                                                              \
    }
#endif
#define WASM_I32_VAL(value) WASM_VAL_(WASM_I32, i32, value)
#define WASM_I64_VAL(value) WASM_VAL_(WASM_I64, i64, value)
#define WASM_F32_VAL(value) WASM_VAL_(WASM_F32, f32, value)
#define WASM_F64_VAL(value) WASM_VAL_(WASM_F64, f64, value)
#define WASM_REF_VAL(value) WASM_VAL_(WASM_EXTERNREF, ref, value)
#define WASM_INIT_VAL WASM_REF_VAL(NULL)
/* @} */

/* A pointer as an integer of the same size, and back. */
static inline void wasm_val_init_ptr(WASM_OWN wasm_val_t* out, void* pointer) {
    if (sizeof(pointer) == 4) {
        out->kind = WASM_I32;
        out->of.i32 = (int32_t)(intptr_t)pointer;
    } else {
        out->kind = WASM_I64;
        out->of.i64 = (int64_t)(intptr_t)pointer;
    }
}
static inline void* wasm_val_ptr(const wasm_val_t* value) {
    return (void*)(value->kind == WASM_I32 ? (intptr_t)value->of.i32 : (intptr_t)value->of.i64);
}

#define WASM_SHORT_VALTYPE_(name, kind)                                                                      \
    static inline WASM_OWN wasm_valtype_t* wasm_valtype_new_##name(void) { return wasm_valtype_new(kind); }
WASM_SHORT_VALTYPE_(i32, WASM_I32)
WASM_SHORT_VALTYPE_(i64, WASM_I64)
WASM_SHORT_VALTYPE_(f32, WASM_F32)
WASM_SHORT_VALTYPE_(f64, WASM_F64)
WASM_SHORT_VALTYPE_(externref, WASM_EXTERNREF)
WASM_SHORT_VALTYPE_(funcref, WASM_FUNCREF)

/* For the functions below: the type with the first of these parameters and results, which are handed over. */
static inline WASM_OWN wasm_functype_t* wasm_functype_of_(size_t param_count, size_t result_count,
                                                          wasm_valtype_t* p1, wasm_valtype_t* p2,
                                                          wasm_valtype_t* p3, wasm_valtype_t* r1,
                                                          wasm_valtype_t* r2) {
    wasm_valtype_t* const param_array[] = {p1, p2, p3};
    wasm_valtype_t* const result_array[] = {r1, r2};
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_new(&params, param_count, param_array);
    wasm_valtype_vec_new(&results, result_count, result_array);
    if (params.size == param_count && results.size == result_count)
        return wasm_functype_new(&params, &results);
    wasm_valtype_vec_delete(&params); /* memory has run out */
    wasm_valtype_vec_delete(&results);
    return NULL;
}

/* @{ The function types with few parameters and results: wasm_functype_new_PARAMS_RESULTS. */
static inline WASM_OWN wasm_functype_t* wasm_functype_new_0_0(void) {
    return wasm_functype_of_(0, 0, NULL, NULL, NULL, NULL, NULL);
}
static inline WASM_OWN wasm_functype_t* wasm_functype_new_0_1(WASM_OWN wasm_valtype_t* r1) {
    return wasm_functype_of_(0, 1, NULL, NULL, NULL, r1, NULL);
}
static inline WASM_OWN wasm_functype_t* wasm_functype_new_0_2(WASM_OWN wasm_valtype_t* r1,
                                                              WASM_OWN wasm_valtype_t* r2) {
    return wasm_functype_of_(0, 2, NULL, NULL, NULL, r1, r2);
}
static inline WASM_OWN wasm_functype_t* wasm_functype_new_1_0(WASM_OWN wasm_valtype_t* p1) {
    return wasm_functype_of_(1, 0, p1, NULL, NULL, NULL, NULL);
}
static inline WASM_OWN wasm_functype_t* wasm_functype_new_1_1(WASM_OWN wasm_valtype_t* p1,
                                                              WASM_OWN wasm_valtype_t* r1) {
    return wasm_functype_of_(1, 1, p1, NULL, NULL, r1, NULL);
}
static inline WASM_OWN wasm_functype_t*
wasm_functype_new_1_2(WASM_OWN wasm_valtype_t* p1, WASM_OWN wasm_valtype_t* r1, WASM_OWN wasm_valtype_t* r2) {
    return wasm_functype_of_(1, 2, p1, NULL, NULL, r1, r2);
}
static inline WASM_OWN wasm_functype_t* wasm_functype_new_2_0(WASM_OWN wasm_valtype_t* p1,
                                                              WASM_OWN wasm_valtype_t* p2) {
    return wasm_functype_of_(2, 0, p1, p2, NULL, NULL, NULL);
}
static inline WASM_OWN wasm_functype_t*
wasm_functype_new_2_1(WASM_OWN wasm_valtype_t* p1, WASM_OWN wasm_valtype_t* p2, WASM_OWN wasm_valtype_t* r1) {
    return wasm_functype_of_(2, 1, p1, p2, NULL, r1, NULL);
}
static inline WASM_OWN wasm_functype_t* wasm_functype_new_2_2(WASM_OWN wasm_valtype_t* p1,
                                                              WASM_OWN wasm_valtype_t* p2,
                                                              WASM_OWN wasm_valtype_t* r1,
                                                              WASM_OWN wasm_valtype_t* r2) {
    return wasm_functype_of_(2, 2, p1, p2, NULL, r1, r2);
}
static inline WASM_OWN wasm_functype_t*
wasm_functype_new_3_0(WASM_OWN wasm_valtype_t* p1, WASM_OWN wasm_valtype_t* p2, WASM_OWN wasm_valtype_t* p3) {
    return wasm_functype_of_(3, 0, p1, p2, p3, NULL, NULL);
}
static inline WASM_OWN wasm_functype_t* wasm_functype_new_3_1(WASM_OWN wasm_valtype_t* p1,
                                                              WASM_OWN wasm_valtype_t* p2,
                                                              WASM_OWN wasm_valtype_t* p3,
                                                              WASM_OWN wasm_valtype_t* r1) {
    return wasm_functype_of_(3, 1, p1, p2, p3, r1, NULL);
}
static inline WASM_OWN wasm_functype_t*
wasm_functype_new_3_2(WASM_OWN wasm_valtype_t* p1, WASM_OWN wasm_valtype_t* p2, WASM_OWN wasm_valtype_t* p3,
                      WASM_OWN wasm_valtype_t* r1, WASM_OWN wasm_valtype_t* r2) {
    return wasm_functype_of_(3, 2, p1, p2, p3, r1, r2);
}
/* @} */

#undef WASM_OWN
#undef WASM_OPAQUE_
#undef WASM_VECTOR_
#undef WASM_COPY_
#undef WASM_TYPE_
#undef WASM_REF_BASE_
#undef WASM_CAST_
#undef WASM_CAST_TYPE_
#undef WASM_CAST_REF_
#undef WASM_CAST_EXTERN_
#undef WASM_REF_
#undef WASM_SHORT_VALTYPE_

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WASM_H */
