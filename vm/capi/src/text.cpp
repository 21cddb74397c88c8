#include "error.hpp"
#include "vectors.hpp"

#include <warpbeam/text/parse.hpp>

using namespace warpbeam;

warpbeam_error_t* warpbeam_wat2wasm(const char* text, size_t size, wasm_byte_vec_t* out) {
    *out = {0, nullptr};
    const auto binary = parse_wat({text, text != nullptr ? size : 0});
    if (!binary)
        return capi::make_error(binary.error());
    if (!capi::make_vec(*out, binary->size()))
        return capi::make_error(Error{ErrorCode::out_of_memory});
    std::memcpy(out->data, binary->data(), binary->size());
    return nullptr;
}
