#include "vectors.hpp"

/// The functions of all vectors. What differs is how an element is copied and deleted.

namespace warpbeam::capi {
namespace {

bool copy_element(char& to, const char& from) noexcept {
    to = from;
    return true;
}
void delete_element(char&) noexcept {}

bool copy_element(wasm_val_t& to, const wasm_val_t& from) noexcept {
    wasm_val_copy(&to, &from);
    return !wasm_valkind_is_ref(from.kind) || (to.of.ref == nullptr) == (from.of.ref == nullptr);
}
void delete_element(wasm_val_t& value) noexcept { wasm_val_delete(&value); }

#define WARPBEAM_ELEMENT(name)                                                                               \
    bool copy_element(wasm_##name##_t*& to, wasm_##name##_t* const& from) noexcept {                         \
        to = from != nullptr ? wasm_##name##_copy(from) : nullptr;                                           \
        return (to == nullptr) == (from == nullptr);                                                         \
    }                                                                                                        \
    void delete_element(wasm_##name##_t*& element) noexcept { wasm_##name##_delete(element); }
#define WARPBEAM_POINTER_VECTORS(X)                                                                          \
    X(valtype)                                                                                               \
    X(functype)                                                                                              \
    X(globaltype)                                                                                            \
    X(tabletype)                                                                                             \
    X(memorytype)                                                                                            \
    X(externtype)                                                                                            \
    X(importtype)                                                                                            \
    X(exporttype)                                                                                            \
    X(frame)                                                                                                 \
    X(extern)
WARPBEAM_POINTER_VECTORS(WARPBEAM_ELEMENT)

template <typename Vec>
void delete_vec(Vec& vec) noexcept {
    for (size_t i = 0; vec.data != nullptr && i < vec.size; ++i)
        delete_element(vec.data[i]);
    free_vec(vec);
}

/// With elements that are handed over, also if memory runs out.
template <typename Vec, typename Element>
void new_vec(Vec& out, size_t count, const Element* elements) noexcept {
    if (elements == nullptr)
        count = 0;
    if (make_vec(out, count)) {
        if (count != 0)
            std::memcpy(out.data, elements, count * sizeof(Element));
        return;
    }
    for (size_t i = 0; i < count; ++i) {
        Element element = elements[i];
        delete_element(element);
    }
}

template <typename Vec>
void copy_vec(Vec& out, const Vec* from) noexcept {
    if (!make_vec(out, from != nullptr && from->data != nullptr ? from->size : 0))
        return;
    for (size_t i = 0; i < out.size; ++i)
        if (!copy_element(out.data[i], from->data[i]))
            return delete_vec(out);
}

} // namespace
} // namespace warpbeam::capi

using namespace warpbeam;

#define WARPBEAM_VECTOR(name, element)                                                                       \
    void wasm_##name##_vec_new_empty(wasm_##name##_vec_t* out) { *out = {0, nullptr}; }                      \
    void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t* out, size_t size) {                        \
        (void)capi::make_vec(*out, size);                                                                    \
    }                                                                                                        \
    void wasm_##name##_vec_new(wasm_##name##_vec_t* out, size_t size, element const elements[]) {            \
        capi::new_vec(*out, size, elements);                                                                 \
    }                                                                                                        \
    void wasm_##name##_vec_copy(wasm_##name##_vec_t* out, const wasm_##name##_vec_t* from) {                 \
        capi::copy_vec(*out, from);                                                                          \
    }                                                                                                        \
    void wasm_##name##_vec_delete(wasm_##name##_vec_t* vec) {                                                \
        if (vec != nullptr)                                                                                  \
            capi::delete_vec(*vec);                                                                          \
    }
#define WARPBEAM_POINTER_VECTOR(name) WARPBEAM_VECTOR(name, wasm_##name##_t*)

WARPBEAM_VECTOR(byte, wasm_byte_t)
WARPBEAM_VECTOR(val, wasm_val_t)
WARPBEAM_POINTER_VECTORS(WARPBEAM_POINTER_VECTOR)
