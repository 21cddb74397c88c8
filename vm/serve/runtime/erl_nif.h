#pragma once

#include <cstddef>
#include <cstdint>
#include <pthread.h>

/// The functions of the Erlang runtime system that vm/erlang/native calls, for a process without that system:
/// `warpbeam serve` runs the same code as the native functions of the Erlang module, so both answer alike. It
/// has the names, types and meanings of OTP's header, and no more of them than are used. Everything runs in
/// one thread, which is "dirty": long work is done at once. See terms.cpp, external.hpp and resources.cpp.

extern "C" {

using ERL_NIF_TERM = uintptr_t; ///< a pointer to a node, see terms.hpp
using ErlNifSInt64 = int64_t;
using ErlNifUInt64 = uint64_t;
using ErlNifTime = int64_t;
struct ErlNifEnv;
struct ErlNifResourceType;
struct ErlNifMutex;
struct ErlNifCond;
using ErlNifTid = pthread_t;

struct ErlNifFunc {
    const char* name;
    unsigned arity;
    ERL_NIF_TERM (*fptr)(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]);
    int flags;
};
struct ErlNifEntry {
    const ErlNifFunc* functions;
    size_t count;
    int (*load)(ErlNifEnv* env, void** data, ERL_NIF_TERM info);
    int (*upgrade)(ErlNifEnv* env, void** data, void** old_data, ERL_NIF_TERM info);
    void (*unload)(ErlNifEnv* env, void* data);
};
/// The functions that vm/erlang/native/nif.cpp lists.
ErlNifEntry* nif_init();
#define ERL_NIF_INIT(NAME, FUNCTIONS, LOAD, RELOAD, UPGRADE, UNLOAD)                                         \
    ErlNifEntry* nif_init() {                                                                                \
        static ErlNifEntry entry{FUNCTIONS, sizeof FUNCTIONS / sizeof *FUNCTIONS, LOAD, UPGRADE, UNLOAD};    \
        return &entry;                                                                                       \
    }

struct ErlNifBinary {
    size_t size;
    unsigned char* data;
};
/// Whoever makes requests, by the number that the client gave it.
struct ErlNifPid {
    uint64_t number;
};
struct ErlNifMonitor {
    uint64_t number;
};
using ErlNifResourceDtor = void(ErlNifEnv* env, void* object);
using ErlNifResourceStop = void(ErlNifEnv* env, void* object, int event, int is_direct_call);
using ErlNifResourceDown = void(ErlNifEnv* env, void* object, ErlNifPid* pid, ErlNifMonitor* monitor);
using ErlNifResourceDynCall = void(ErlNifEnv* env, void* object, void* data);
struct ErlNifResourceTypeInit {
    ErlNifResourceDtor* dtor;
    ErlNifResourceStop* stop;
    ErlNifResourceDown* down;
    int members;
    ErlNifResourceDynCall* dyncall;
};
enum ErlNifResourceFlags { ERL_NIF_RT_CREATE = 1, ERL_NIF_RT_TAKEOVER = 2 };
enum ErlNifTimeUnit { ERL_NIF_NSEC };
enum ErlNifBinaryToTerm { ERL_NIF_BIN2TERM_SAFE = 0x20000000 };
inline constexpr int ERL_NIF_DIRTY_JOB_CPU_BOUND = 1;
inline constexpr int ERL_NIF_DIRTY_JOB_IO_BOUND = 2;
inline constexpr int ERL_NIF_THR_NORMAL_SCHEDULER = 1;
inline constexpr int ERL_NIF_THR_DIRTY_CPU_SCHEDULER = 2;
inline constexpr int ERL_NIF_THR_DIRTY_IO_SCHEDULER = 3;

// Terms: terms.cpp
ErlNifEnv* enif_alloc_env();
void enif_free_env(ErlNifEnv* env);
ERL_NIF_TERM enif_make_copy(ErlNifEnv* env, ERL_NIF_TERM term);
ERL_NIF_TERM enif_make_atom(ErlNifEnv* env, const char* text);
ERL_NIF_TERM enif_make_int(ErlNifEnv* env, int value);
ERL_NIF_TERM enif_make_uint(ErlNifEnv* env, unsigned value);
ERL_NIF_TERM enif_make_int64(ErlNifEnv* env, ErlNifSInt64 value);
ERL_NIF_TERM enif_make_uint64(ErlNifEnv* env, ErlNifUInt64 value);
ERL_NIF_TERM enif_make_double(ErlNifEnv* env, double value);
unsigned char* enif_make_new_binary(ErlNifEnv* env, size_t size, ERL_NIF_TERM* term);
ERL_NIF_TERM enif_make_list(ErlNifEnv* env, unsigned count, ...); ///< the empty list only
ERL_NIF_TERM enif_make_list_cell(ErlNifEnv* env, ERL_NIF_TERM head, ERL_NIF_TERM tail);
ERL_NIF_TERM enif_make_tuple2(ErlNifEnv* env, ERL_NIF_TERM a, ERL_NIF_TERM b);
ERL_NIF_TERM enif_make_tuple3(ErlNifEnv* env, ERL_NIF_TERM a, ERL_NIF_TERM b, ERL_NIF_TERM c);
ERL_NIF_TERM enif_make_tuple4(ErlNifEnv* env, ERL_NIF_TERM a, ERL_NIF_TERM b, ERL_NIF_TERM c, ERL_NIF_TERM d);
ERL_NIF_TERM enif_make_tuple5(ErlNifEnv* env, ERL_NIF_TERM a, ERL_NIF_TERM b, ERL_NIF_TERM c, ERL_NIF_TERM d,
                              ERL_NIF_TERM e);
ERL_NIF_TERM enif_make_tuple6(ErlNifEnv* env, ERL_NIF_TERM a, ERL_NIF_TERM b, ERL_NIF_TERM c, ERL_NIF_TERM d,
                              ERL_NIF_TERM e, ERL_NIF_TERM f);
ERL_NIF_TERM enif_make_tuple_from_array(ErlNifEnv* env, const ERL_NIF_TERM elements[], unsigned count);
ERL_NIF_TERM enif_make_new_map(ErlNifEnv* env);
int enif_make_map_put(ErlNifEnv* env, ERL_NIF_TERM map, ERL_NIF_TERM key, ERL_NIF_TERM value,
                      ERL_NIF_TERM* result);
int enif_get_int(ErlNifEnv* env, ERL_NIF_TERM term, int* value);
int enif_get_int64(ErlNifEnv* env, ERL_NIF_TERM term, ErlNifSInt64* value);
int enif_get_uint64(ErlNifEnv* env, ERL_NIF_TERM term, ErlNifUInt64* value);
int enif_get_double(ErlNifEnv* env, ERL_NIF_TERM term, double* value);
int enif_get_list_cell(ErlNifEnv* env, ERL_NIF_TERM list, ERL_NIF_TERM* head, ERL_NIF_TERM* tail);
int enif_get_list_length(ErlNifEnv* env, ERL_NIF_TERM list, unsigned* length);
int enif_get_tuple(ErlNifEnv* env, ERL_NIF_TERM tuple, int* arity, const ERL_NIF_TERM** elements);
int enif_get_map_value(ErlNifEnv* env, ERL_NIF_TERM map, ERL_NIF_TERM key, ERL_NIF_TERM* value);
int enif_get_map_size(ErlNifEnv* env, ERL_NIF_TERM map, size_t* size);
int enif_inspect_binary(ErlNifEnv* env, ERL_NIF_TERM term, ErlNifBinary* binary);
int enif_inspect_iolist_as_binary(ErlNifEnv* env, ERL_NIF_TERM term, ErlNifBinary* binary);
int enif_is_number(ErlNifEnv* env, ERL_NIF_TERM term);
int enif_is_empty_list(ErlNifEnv* env, ERL_NIF_TERM term);
int enif_is_binary(ErlNifEnv* env, ERL_NIF_TERM term);
int enif_is_list(ErlNifEnv* env, ERL_NIF_TERM term);
int enif_is_map(ErlNifEnv* env, ERL_NIF_TERM term);
int enif_is_identical(ERL_NIF_TERM left, ERL_NIF_TERM right);
int enif_term_to_binary(ErlNifEnv* env, ERL_NIF_TERM term, ErlNifBinary* binary);
size_t enif_binary_to_term(ErlNifEnv* env, const unsigned char* data, size_t size, ERL_NIF_TERM* term,
                           unsigned options);
void enif_release_binary(ErlNifBinary* binary);

// Resources and processes: resources.cpp
ErlNifResourceType* enif_init_resource_type(ErlNifEnv* env, const char* name,
                                            const ErlNifResourceTypeInit* init, ErlNifResourceFlags flags,
                                            ErlNifResourceFlags* tried);
void* enif_alloc_resource(ErlNifResourceType* type, size_t size);
void enif_keep_resource(void* object);
void enif_release_resource(void* object);
ERL_NIF_TERM enif_make_resource(ErlNifEnv* env, void* object);
int enif_get_resource(ErlNifEnv* env, ERL_NIF_TERM term, ErlNifResourceType* type, void** object);
ErlNifPid* enif_self(ErlNifEnv* env, ErlNifPid* pid);
int enif_monitor_process(ErlNifEnv* env, void* object, const ErlNifPid* pid, ErlNifMonitor* monitor);

// Scheduling, time, threads and locks: scheduling.cpp
ERL_NIF_TERM enif_schedule_nif(ErlNifEnv* env, const char* name, int flags,
                               ERL_NIF_TERM (*function)(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]),
                               int argc, const ERL_NIF_TERM argv[]);
int enif_consume_timeslice(ErlNifEnv* env, int percent);
int enif_thread_type();
ErlNifTime enif_monotonic_time(ErlNifTimeUnit unit);
ErlNifMutex* enif_mutex_create(char* name);
void enif_mutex_destroy(ErlNifMutex* mutex);
void enif_mutex_lock(ErlNifMutex* mutex);
int enif_mutex_trylock(ErlNifMutex* mutex);
void enif_mutex_unlock(ErlNifMutex* mutex);
ErlNifCond* enif_cond_create(char* name);
void enif_cond_signal(ErlNifCond* condition);
void enif_cond_wait(ErlNifCond* condition, ErlNifMutex* mutex);
int enif_thread_create(char* name, ErlNifTid* thread, void* (*function)(void*), void* argument,
                       const void* options);
int enif_thread_join(ErlNifTid thread, void** result);
}
