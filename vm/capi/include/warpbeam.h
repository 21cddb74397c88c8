/*
 * What Warpbeam has beyond wasm.h: limits, fuel, interruption, linking by name, WASI, access to memories,
 * executions that wait and go on, snapshots, objects of the heap, exceptions, names. It is in the style of
 * wasm.h, whose rules on ownership, references, failure and threads apply here too; docs/c-api.md has an
 * example and the rules of the binary interface.
 *
 * Ownership is in the names. `..._new` and `..._take` give an object that the caller owns and deletes with
 * `..._delete` of its type; so does a parameter `out`. Nothing else is owned, and nothing is handed over
 * unless it says so.
 *
 * Errors. A function that can fail for a reason worth telling returns null, or a `warpbeam_error_t` that the
 * caller owns; what it writes is then null or empty. A reference, store or execution that is null, and a
 * reference or execution of another store, or of one that was deleted, is the error WARPBEAM_ERROR_USAGE;
 * other pointers must not be null unless it says so. Memory that runs out is always reported.
 *
 * Deletion. What was deleted must not be used or deleted again: that is undefined. A `wasm_store_t*` is no
 * exception: only the references and executions that are left notice that their store was deleted.
 *
 * Options are in structs that begin with their size in bytes, as the caller was compiled; `..._init` writes
 * it, and the defaults. Later versions add members at the end, so programs keep working without being
 * compiled again, and a program that needs a later version is told so.
 */
#ifndef WARPBEAM_H
#define WARPBEAM_H

#include "wasm.h"

/* The version of this header, by the rules of https://semver.org. Before 1.0, minor versions are not
 * compatible with each other. */
#define WARPBEAM_VERSION_MAJOR 0
#define WARPBEAM_VERSION_MINOR 1
#define WARPBEAM_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that the program runs with, as "MAJOR.MINOR.PATCH". Any thread may call it. */
WASM_API_EXTERN const char* warpbeam_version(void);

/* ---- Kinds that wasm.h lacks ---- */

/*
 * Kinds of types (wasm_valtype_kind). A v128 has no room in a wasm_val_t: functions that take or return one
 * can't be called from C. References to objects of the heap and to exceptions are plain `wasm_ref_t`.
 */
enum { WARPBEAM_V128 = 4, WARPBEAM_ANYREF = 130, WARPBEAM_EXNREF = 131, WARPBEAM_CONTREF = 132 };

/* The kind of imports and exports that are tags of exceptions (wasm_externtype_kind, wasm_extern_kind). */
enum { WARPBEAM_EXTERN_TAG = 4 };

/* The function type of a tag's type, whose parameters are what an exception carries. It belongs to the type.
 * Null if the type is not one of a tag. */
WASM_API_EXTERN const wasm_functype_t* warpbeam_externtype_as_tag_functype(const wasm_externtype_t*);

/* ---- Errors ---- */

/* Why something failed. Immutable; any thread may use it. */
typedef struct warpbeam_error_t warpbeam_error_t;

/* What kind of fault it is. */
typedef enum warpbeam_error_code_t {
    WARPBEAM_ERROR_MALFORMED = 0,     /* the bytes or the text are not in the format */
    WARPBEAM_ERROR_INVALID = 1,       /* the module breaks a validation rule */
    WARPBEAM_ERROR_UNSUPPORTED = 2,   /* the module uses a feature that is switched off */
    WARPBEAM_ERROR_LIMIT = 3,         /* a limit is exceeded */
    WARPBEAM_ERROR_OUT_OF_MEMORY = 4, /* there is no more memory */
    WARPBEAM_ERROR_UNLINKABLE = 5,    /* an import is missing or has another type */
    WARPBEAM_ERROR_USAGE = 6          /* the program asked for something that does not exist or fit */
} warpbeam_error_code_t;

/* Ends the ownership of an error; null does nothing. */
WASM_API_EXTERN void warpbeam_error_delete(warpbeam_error_t*);

/* The kind of fault. */
WASM_API_EXTERN warpbeam_error_code_t warpbeam_error_code(const warpbeam_error_t*);

/* What went wrong, in English, for people. It ends with a zero, is safe to print, and lives as long as the
 * error. */
WASM_API_EXTERN const char* warpbeam_error_message(const warpbeam_error_t*);

/* The position of the fault in the module or text, in bytes; SIZE_MAX if there is none. */
WASM_API_EXTERN size_t warpbeam_error_offset(const warpbeam_error_t*);

/* ---- Configuration ---- */

/*
 * Where an engine takes its memory from. `allocate` returns that many bytes (never 0), aligned to a power of
 * two, or null; `deallocate` gets what it returned, with the same size and alignment. Both get `env`, may be
 * called by every thread that uses the engine, and must not use it. The pages of linear memories come from
 * the operating system, and types, vectors and errors from the C++ heap. The allocator must outlive the
 * engine and everything made with it. Null if memory runs out.
 */
typedef struct warpbeam_allocator_t warpbeam_allocator_t;
WASM_API_EXTERN warpbeam_allocator_t*
warpbeam_allocator_new(void* env, void* (*allocate)(void* env, size_t size, size_t alignment),
                       void (*deallocate)(void* env, void* block, size_t size, size_t alignment));
/* Ends it; null does nothing. */
WASM_API_EXTERN void warpbeam_allocator_delete(warpbeam_allocator_t*);

/* How an engine runs code. */
typedef struct warpbeam_options_t {
    size_t size;               /* of this struct, in bytes */
    bool fuel;                 /* whether code consumes fuel (warpbeam_store_set_fuel); false */
    bool interruption;         /* whether code can be interrupted (warpbeam_interrupt_new); false */
    bool patched_interruption; /* with `interruption`: code that runs costs nothing, a request more; false */
    bool waiting;              /* whether memory.atomic.wait may suspend its thread; true */
    bool guard_pages;          /* whether the processor checks bounds, with 8 GiB of addresses each; false */
    bool eager;                /* whether all functions are prepared when a module is loaded; false */
    bool deterministic;        /* whether results are the same on every machine; false */
    uint32_t host_call_depth;  /* how deeply calls from the host into code may nest; 100 */
    size_t stack_size;         /* of the calls of a store, in bytes; 4 MiB */
    size_t native_stack_reserve;           /* bytes of native stack that callbacks may rely on; 32 KiB */
    const warpbeam_allocator_t* allocator; /* null: the C++ heap; it must outlive the engine */
} warpbeam_options_t;

/* Writes the defaults; `size` is sizeof(warpbeam_options_t). */
WASM_API_EXTERN void warpbeam_options_init(warpbeam_options_t* out, size_t size);

/* Sets all options of a configuration. Errors: WARPBEAM_ERROR_USAGE if the struct has members that this
 * version of the library does not know. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_config_set_options(wasm_config_t*, const warpbeam_options_t*);

/* Switches a feature of WebAssembly's on or off, by the name that `warpbeam --help` lists, such as "threads".
 * Errors: WARPBEAM_ERROR_USAGE if there is none of that name. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_config_set_feature(wasm_config_t*, const char* name, bool on);

/* Limits on all objects of a store together, and what they use. No limit is the greatest number. */
typedef struct warpbeam_limits_t {
    size_t size;              /* of this struct, in bytes */
    uint64_t memory_bytes;    /* of all memories; no limit */
    uint64_t table_elements;  /* of all tables; 10,000,000 */
    uint64_t heap_bytes;      /* of garbage-collected objects; 1 GiB */
    uint64_t execution_bytes; /* of the stacks of executions; no limit */
    uint32_t instances;       /* their number; no limit */
    uint32_t memories;        /* their number; no limit */
    uint32_t tables;          /* their number; no limit */
    uint32_t executions;      /* their number; no limit */
} warpbeam_limits_t;

/* Writes the defaults; `size` is sizeof(warpbeam_limits_t). */
WASM_API_EXTERN void warpbeam_limits_init(warpbeam_limits_t* out, size_t size);

/* Sets the limits of all stores of an engine. Errors: as for warpbeam_config_set_options. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_config_set_limits(wasm_config_t*, const warpbeam_limits_t*);

/* What the objects of a store use; `size` is sizeof(warpbeam_limits_t). Zeros for null. */
WASM_API_EXTERN void warpbeam_store_usage(const wasm_store_t*, warpbeam_limits_t* out, size_t size);

/* ---- Fuel, interruption, collection ---- */

/* Sets the fuel that code of the store may use: about a unit for each call and loop. Without fuel it traps
 * with WARPBEAM_TRAP_OUT_OF_FUEL. A new store has none. No effect without the option `fuel`. */
WASM_API_EXTERN void warpbeam_store_set_fuel(wasm_store_t*, uint64_t units);

/* The fuel that is left. */
WASM_API_EXTERN uint64_t warpbeam_store_fuel(const wasm_store_t*);

/* The right to interrupt a store. Any thread may use and delete it, also after the store was deleted, when it
 * has no effect. */
typedef struct warpbeam_interrupt_t warpbeam_interrupt_t;

/* Makes one. Null if there is no store or memory runs out. It has no effect without the option
 * `interruption`. */
WASM_API_EXTERN warpbeam_interrupt_t* warpbeam_interrupt_new(const wasm_store_t*);

/* Ends the ownership; null does nothing. */
WASM_API_EXTERN void warpbeam_interrupt_delete(warpbeam_interrupt_t*);

/* Makes the code that runs in the store, or runs there next, trap with WARPBEAM_TRAP_INTERRUPTED. One request
 * stops one computation. Signal handlers may call it. */
WASM_API_EXTERN void warpbeam_interrupt_request(const warpbeam_interrupt_t*);

/* Withdraws a request that has had no effect yet. */
WASM_API_EXTERN void warpbeam_store_clear_interrupt(wasm_store_t*);

/* Collects garbage now, so that foreign objects to which nothing refers are finalized. */
WASM_API_EXTERN void warpbeam_store_collect(wasm_store_t*);

/* ---- Modules and instances ---- */

/* Translates a module from the text format to the binary format. It does not validate. Errors:
 * WARPBEAM_ERROR_MALFORMED, with line, column and the line itself in the message. Any thread may call it. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_wat2wasm(const char* text, size_t size, wasm_byte_vec_t* out);

/* Makes a module as wasm_module_new does, and says why it could not. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_module_new(wasm_store_t*, const wasm_byte_vec_t* binary,
                                                      wasm_module_t** out);

/* The export of that name; null if there is none, or memory runs out. */
WASM_API_EXTERN wasm_extern_t* warpbeam_instance_export_new(const wasm_instance_t*, const char* name);

/* ---- Linking by name ---- */

/* Definitions for imports. Host functions that are defined here can be used in all stores of the engine, all
 * other objects in their own. One thread at a time changes it; several may then instantiate at once. */
typedef struct warpbeam_linker_t warpbeam_linker_t;

/* Makes an empty one. Null if memory runs out. */
WASM_API_EXTERN warpbeam_linker_t* warpbeam_linker_new(wasm_engine_t*);

/* Ends it; null does nothing. Instances that were made with it stay. */
WASM_API_EXTERN void warpbeam_linker_delete(warpbeam_linker_t*);

/* Whether later definitions may replace earlier ones of the same name; at first they may not. */
WASM_API_EXTERN void warpbeam_linker_allow_shadowing(warpbeam_linker_t*, bool allow);

/* Defines a name. Errors of this and the following: WARPBEAM_ERROR_USAGE if the name is defined already. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_linker_define(warpbeam_linker_t*, const char* module,
                                                         const char* name, const wasm_extern_t*);

/* Defines all exports of an instance. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_linker_define_instance(warpbeam_linker_t*, const char* module,
                                                                  const wasm_instance_t*);

/* Defines a host function. `finalizer`, unless it is null, gets `env` when nothing can call the function any
 * more, or at once if there is an error. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_linker_define_func(warpbeam_linker_t*, const char* module,
                                                              const char* name, const wasm_functype_t*,
                                                              wasm_func_callback_with_env_t, void* env,
                                                              void (*finalizer)(void* env));

/* Defines a host call: no function runs, the execution that calls it waits (warpbeam_execution_answer). */
WASM_API_EXTERN warpbeam_error_t* warpbeam_linker_define_host_call(warpbeam_linker_t*, const char* module,
                                                                   const char* name, const wasm_functype_t*);

/* Makes an instance with the definitions of the names that it imports. Null, and a trap, as for
 * wasm_instance_new. */
WASM_API_EXTERN wasm_instance_t* warpbeam_linker_instance_new(const warpbeam_linker_t*, wasm_store_t*,
                                                              const wasm_module_t*, wasm_trap_t** trap);

/* ---- WASI ---- */

/* The world of a program for WASI preview 1, which at first has the standard streams of the process, and no
 * arguments, variables and directories. It must outlive the linkers and stores that use it. One thread at a
 * time. */
typedef struct warpbeam_wasi_t warpbeam_wasi_t;

/* Makes one. Null if memory runs out. */
WASM_API_EXTERN warpbeam_wasi_t* warpbeam_wasi_new(void);

/* Ends it; null does nothing. */
WASM_API_EXTERN void warpbeam_wasi_delete(warpbeam_wasi_t*);

/* Appends an argument; the first is the name of the program. Null is an empty string, here and below. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_wasi_add_arg(warpbeam_wasi_t*, const char* arg);

/* Adds an environment variable. Errors: WARPBEAM_ERROR_USAGE if its name is empty or contains '='. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_wasi_add_env(warpbeam_wasi_t*, const char* name,
                                                        const char* value);

/* Gives the program a directory of the operating system under a name, and all that is below it. Errors:
 * WARPBEAM_ERROR_USAGE if it can't be opened. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_wasi_add_directory(warpbeam_wasi_t*, const char* name,
                                                              const char* path, bool writable);

/* Gives the program these bytes as its standard input, instead of that of the process. They are copied. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_wasi_set_input(warpbeam_wasi_t*, const wasm_byte_vec_t*);

/* Collects what the program writes, up to so many bytes of each of standard output and error, instead of
 * writing it to those of the process. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_wasi_collect_output(warpbeam_wasi_t*, size_t max_size);

/* What was collected: of standard output (stream 1) or error (2). Empty if nothing is collected. */
WASM_API_EXTERN void warpbeam_wasi_output(const warpbeam_wasi_t*, int stream, wasm_byte_vec_t* out);

/* Defines the functions of WASI. A program that ends itself traps with WARPBEAM_TRAP_EXIT. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_linker_define_wasi(warpbeam_linker_t*, warpbeam_wasi_t*);

/* ---- Memories ---- */

/* Copies bytes from a memory, or to it. False, and nothing is copied, if they are not all inside. */
WASM_API_EXTERN bool warpbeam_memory_read(const wasm_memory_t*, uint64_t address, void* to, size_t size);
WASM_API_EXTERN bool warpbeam_memory_write(wasm_memory_t*, uint64_t address, const void* from, size_t size);

/* Allocates bytes in the memory of a guest, with its own `malloc` or `cabi_realloc` if it exports them, else
 * with an allocator outside of it. `alignment` is a power of two. The trap is owned by the caller; null if
 * there is none. */
WASM_API_EXTERN wasm_trap_t* warpbeam_guest_allocate(wasm_instance_t*, uint64_t size, uint64_t alignment,
                                                     uint64_t* address);

/* Frees what was allocated so, or what the guest gave. */
WASM_API_EXTERN wasm_trap_t* warpbeam_guest_free(wasm_instance_t*, uint64_t address);

/* ---- Traps, names and positions ---- */

/* Why a computation was aborted. Most are traps of WebAssembly. HOST is a failure of a host function, with
 * its message; LIMIT a function that is too large, or a limit of the caller's; SUSPENDED what a callback
 * returns that answers later, and CANNOT_SUSPEND that no execution called it; USAGE a call that does not fit,
 * such as its arguments or the imports of an instance, so that nothing was executed. */
typedef enum warpbeam_trap_code_t {
    WARPBEAM_TRAP_UNREACHABLE = 0,
    WARPBEAM_TRAP_MEMORY_OUT_OF_BOUNDS = 1,
    WARPBEAM_TRAP_TABLE_OUT_OF_BOUNDS = 2,
    WARPBEAM_TRAP_UNDEFINED_ELEMENT = 3,
    WARPBEAM_TRAP_UNINITIALIZED_ELEMENT = 4,
    WARPBEAM_TRAP_INDIRECT_CALL_TYPE_MISMATCH = 5,
    WARPBEAM_TRAP_INTEGER_DIVIDE_BY_ZERO = 6,
    WARPBEAM_TRAP_INTEGER_OVERFLOW = 7,
    WARPBEAM_TRAP_INVALID_CONVERSION_TO_INTEGER = 8,
    WARPBEAM_TRAP_NULL_REFERENCE = 9,
    WARPBEAM_TRAP_NULL_FUNCTION_REFERENCE = 10,
    WARPBEAM_TRAP_NULL_STRUCTURE_REFERENCE = 11,
    WARPBEAM_TRAP_NULL_ARRAY_REFERENCE = 12,
    WARPBEAM_TRAP_NULL_I31_REFERENCE = 13,
    WARPBEAM_TRAP_NULL_EXCEPTION_REFERENCE = 14,
    WARPBEAM_TRAP_NULL_DESCRIPTOR_REFERENCE = 15,
    WARPBEAM_TRAP_ARRAY_OUT_OF_BOUNDS = 16,
    WARPBEAM_TRAP_CAST_FAILURE = 17,
    WARPBEAM_TRAP_NULL_CONTINUATION_REFERENCE = 18,
    WARPBEAM_TRAP_CONTINUATION_CONSUMED = 19,
    WARPBEAM_TRAP_UNHANDLED_SUSPENSION = 20,
    WARPBEAM_TRAP_UNALIGNED_ATOMIC = 21,
    WARPBEAM_TRAP_EXPECTED_SHARED_MEMORY = 22,
    WARPBEAM_TRAP_CALL_STACK_EXHAUSTED = 23,
    WARPBEAM_TRAP_OUT_OF_FUEL = 24,
    WARPBEAM_TRAP_INTERRUPTED = 25,
    WARPBEAM_TRAP_UNCAUGHT_EXCEPTION = 26,
    WARPBEAM_TRAP_WAITING_FORBIDDEN = 27,
    WARPBEAM_TRAP_OUT_OF_MEMORY = 28,
    WARPBEAM_TRAP_HEAP_EXHAUSTED = 29,
    WARPBEAM_TRAP_LIMIT = 30,
    WARPBEAM_TRAP_INVALID_CODE = 31,
    WARPBEAM_TRAP_HOST = 32,
    WARPBEAM_TRAP_EXIT = 33,
    WARPBEAM_TRAP_SUSPENDED = 34,
    WARPBEAM_TRAP_CANNOT_SUSPEND = 35,
    WARPBEAM_TRAP_USAGE = 36
} warpbeam_trap_code_t;

/* The code of a trap; WARPBEAM_TRAP_HOST for those of wasm_trap_new. */
WASM_API_EXTERN warpbeam_trap_code_t warpbeam_trap_code(const wasm_trap_t*);

/* The exit status of a program that has ended itself; 0 for other traps. */
WASM_API_EXTERN int32_t warpbeam_trap_exit_status(const wasm_trap_t*);

/* The message and the trace with names, for people: several lines, without a zero or a newline at the end.
 * Bytes that are not safe to print are escaped as in the text format: a newline of wasm_trap_new is `\0a`. */
WASM_API_EXTERN void warpbeam_trap_text(const wasm_trap_t*, wasm_byte_vec_t* out);

/* The name of the function of a frame, or of its module, from the module's name section or exports; empty if
 * there is none. Not escaped. */
WASM_API_EXTERN void warpbeam_frame_func_name(const wasm_frame_t*, wasm_name_t* out);
WASM_API_EXTERN void warpbeam_frame_module_name(const wasm_frame_t*, wasm_name_t* out);

/* ---- Executions ---- */

/* A call that stops and goes on: without fuel, at interrupts, and while a host call waits for its answer. It
 * belongs to its store. Deleting it runs nothing. */
typedef struct warpbeam_execution_t warpbeam_execution_t;

/* Why an execution is not running. */
typedef enum warpbeam_state_t {
    WARPBEAM_STATE_READY = 0,       /* it has not begun, or its host call is answered */
    WARPBEAM_STATE_OUT_OF_FUEL = 1, /* it goes on when it has fuel */
    WARPBEAM_STATE_INTERRUPTED = 2, /* it can go on */
    WARPBEAM_STATE_HOST_CALL = 3,   /* it waits for an answer */
    WARPBEAM_STATE_DONE = 4,        /* it has results */
    WARPBEAM_STATE_TRAPPED = 5      /* it has a trap; or its store was deleted, and then it has none */
} warpbeam_state_t;

/* Prepares a call; null arguments are none. Errors: WARPBEAM_ERROR_USAGE if they do not fit the function;
 * WARPBEAM_ERROR_LIMIT. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_execution_new(const wasm_func_t*, const wasm_val_vec_t* args,
                                                         warpbeam_execution_t** out);

/* Ends it; null does nothing. */
WASM_API_EXTERN void warpbeam_execution_delete(warpbeam_execution_t*);

/* Its state. */
WASM_API_EXTERN warpbeam_state_t warpbeam_execution_state(const warpbeam_execution_t*);

/* Runs until it stops; `fuel` is added to what it has left. Errors: WARPBEAM_ERROR_USAGE if it has ended,
 * waits for an answer, or runs. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_execution_resume(warpbeam_execution_t*, uint64_t fuel);

/* The fuel that it has left. */
WASM_API_EXTERN uint64_t warpbeam_execution_fuel(const warpbeam_execution_t*);

/* Its results. Errors: WARPBEAM_ERROR_USAGE if it is not done. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_execution_results(const warpbeam_execution_t*,
                                                             wasm_val_vec_t* out);

/* Its trap, which the caller owns; null if it has none. */
WASM_API_EXTERN wasm_trap_t* warpbeam_execution_trap_new(const warpbeam_execution_t*);

/* The names of the import that it has called and waits for; empty if it does not wait. */
WASM_API_EXTERN void warpbeam_execution_call_name(const warpbeam_execution_t*, wasm_name_t* module,
                                                  wasm_name_t* name);

/* The arguments of that call. Errors: WARPBEAM_ERROR_USAGE if it does not wait. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_execution_call_args(const warpbeam_execution_t*,
                                                               wasm_val_vec_t* out);

/* Answers it with results, which are not handed over. Errors: WARPBEAM_ERROR_USAGE if it does not wait, or
 * they do not fit; it then still waits. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_execution_answer(warpbeam_execution_t*, const wasm_val_vec_t*);

/* Answers it with a trap, which is not handed over. Errors: as above. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_execution_refuse(warpbeam_execution_t*, const wasm_trap_t*);

/* For a callback to return, instead of results: the execution that called it waits for its answer, as at a
 * host call. Where no execution called, the call traps with WARPBEAM_TRAP_CANNOT_SUSPEND. */
WASM_API_EXTERN wasm_trap_t* warpbeam_trap_suspend_new(wasm_store_t*);

/* ---- Snapshots and forks ---- */

/* What a snapshot is made of: instances and executions of one store, and all that these refer to. */
typedef struct warpbeam_contents_t {
    size_t size; /* of this struct, in bytes */
    const wasm_instance_t* const* instances;
    size_t instance_count;
    const warpbeam_execution_t* const* executions; /* that have not ended and do not run */
    size_t execution_count;
} warpbeam_contents_t;

/* Empties it; `size` is sizeof(warpbeam_contents_t). */
WASM_API_EXTERN void warpbeam_contents_init(warpbeam_contents_t* out, size_t size);

/* Saves them; modules are not part of it. Errors: WARPBEAM_ERROR_USAGE if something can't be saved, such as a
 * reference to a foreign object. No code may be running in the store. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_snapshot_save(wasm_store_t*, const warpbeam_contents_t*,
                                                         wasm_byte_vec_t* out);

/* What was restored or forked: a store with instances and executions, in the order of the contents. */
typedef struct warpbeam_restored_t warpbeam_restored_t;

/* Restores a snapshot, whose bytes are not trusted, in a new store. `modules` has those that it needs, in any
 * order; `linker`, which may be null, has the host functions that they import. Errors:
 * WARPBEAM_ERROR_MALFORMED, WARPBEAM_ERROR_INVALID, WARPBEAM_ERROR_UNLINKABLE, WARPBEAM_ERROR_LIMIT. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_snapshot_restore(wasm_engine_t*, const wasm_byte_vec_t* snapshot,
                                                            const wasm_module_t* const* modules,
                                                            size_t module_count,
                                                            const warpbeam_linker_t* linker,
                                                            warpbeam_restored_t** out);

/* Copies them to a new store of the same engine, which another thread may use. Memories are shared until they
 * are written. Callbacks must work for both stores. Errors: as for warpbeam_snapshot_save. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_store_fork(wasm_store_t*, const warpbeam_contents_t*,
                                                      warpbeam_restored_t** out);

/* Ends it, with what was not taken; null does nothing. */
WASM_API_EXTERN void warpbeam_restored_delete(warpbeam_restored_t*);

/* The store, which the caller then owns, and which outlives the rest. Null if it was taken. */
WASM_API_EXTERN wasm_store_t* warpbeam_restored_take_store(warpbeam_restored_t*);

/* A reference to an instance, by its position in the contents; null if there is none. */
WASM_API_EXTERN wasm_instance_t* warpbeam_restored_instance_new(const warpbeam_restored_t*, size_t index);

/* An execution, which the caller then owns; null if there is none, or it was taken. */
WASM_API_EXTERN warpbeam_execution_t* warpbeam_restored_take_execution(warpbeam_restored_t*, size_t index);

/* ---- Objects of the heap ---- */

/* A type of a module, by its index there, as a number in its engine; UINT32_MAX if there is none. */
WASM_API_EXTERN uint32_t warpbeam_module_type(const wasm_module_t*, uint32_t index);

/* Makes a structure, with a value for each field. Errors: WARPBEAM_ERROR_USAGE if the values do not fit, or
 * it is no type of a structure; WARPBEAM_ERROR_LIMIT if the heap is full. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_struct_new(wasm_store_t*, uint32_t type,
                                                      const wasm_val_vec_t* fields, wasm_ref_t** out);

/* Makes an array of so many equal elements. Errors: as above. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_array_new(wasm_store_t*, uint32_t type, uint32_t length,
                                                     const wasm_val_t* element, wasm_ref_t** out);

/* The number of fields or elements; 0 if it is no structure or array. */
WASM_API_EXTERN uint32_t warpbeam_object_size(const wasm_ref_t*);

/* Reads or sets a field or element. Errors: WARPBEAM_ERROR_USAGE if there is no such one, or it can't be set
 * to that. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_object_get(const wasm_ref_t*, uint32_t index, wasm_val_t* out);
WASM_API_EXTERN warpbeam_error_t* warpbeam_object_set(wasm_ref_t*, uint32_t index, const wasm_val_t*);

/* A reference to a number of 31 bits; null if memory runs out. */
WASM_API_EXTERN wasm_ref_t* warpbeam_i31_new(wasm_store_t*, uint32_t number);

/* The number, zero-extended; false if the reference is to none. */
WASM_API_EXTERN bool warpbeam_i31_get(const wasm_ref_t*, uint32_t* out);

/* ---- Exceptions ---- */

/* Makes a tag, whose exceptions carry values of the parameters' types. Null if memory runs out. */
WASM_API_EXTERN wasm_extern_t* warpbeam_tag_new(wasm_store_t*, const wasm_functype_t*);

/* Makes an exception. Errors: WARPBEAM_ERROR_USAGE if the values do not fit the tag. */
WASM_API_EXTERN warpbeam_error_t* warpbeam_exception_new(const wasm_extern_t* tag,
                                                         const wasm_val_vec_t* values, wasm_ref_t** out);

/* For a callback to return: throws an exception, which code can catch. Null if it is no exception. */
WASM_API_EXTERN wasm_trap_t* warpbeam_trap_throw_new(const wasm_ref_t* exception);

/* The exception that was not caught; null if the trap has none. */
WASM_API_EXTERN wasm_ref_t* warpbeam_trap_exception_new(const wasm_trap_t*);

/* The tag of an exception, and the values that it carries; null, and an empty vector, if it is none. */
WASM_API_EXTERN wasm_extern_t* warpbeam_exception_tag_new(const wasm_ref_t*);
WASM_API_EXTERN void warpbeam_exception_values(const wasm_ref_t*, wasm_val_vec_t* out);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WARPBEAM_H */
