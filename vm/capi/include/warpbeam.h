#ifndef WARPBEAM_H
#define WARPBEAM_H
#include <wasm.h>
#ifdef __cplusplus
extern "C" {
#endif
enum { WARPBEAM_V128 = 4, WARPBEAM_ANYREF = 130, WARPBEAM_EXNREF = 131, WARPBEAM_CONTREF = 132 };
enum { WARPBEAM_EXTERN_TAG = 4 };
WASM_API_EXTERN const wasm_functype_t* warpbeam_externtype_as_tag_functype(const wasm_externtype_t*);
WASM_API_EXTERN void warpbeam_store_collect(wasm_store_t*);
typedef struct warpbeam_error_t warpbeam_error_t;
WASM_API_EXTERN void warpbeam_error_delete(warpbeam_error_t*);
WASM_API_EXTERN const char* warpbeam_error_message(const warpbeam_error_t*);
WASM_API_EXTERN warpbeam_error_t* warpbeam_wat2wasm(const char* text, size_t size, wasm_byte_vec_t* out);
#ifdef __cplusplus
}
#endif
#endif
