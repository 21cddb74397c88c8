#include "error.hpp"

#include "vectors.hpp"

/// The message is a copy, since one for C ends with a zero.
struct warpbeam_error_t {
    explicit warpbeam_error_t(const warpbeam::Error& from) noexcept : error{from} {}
    warpbeam::Error error;
    wasm_byte_vec_t message{0, nullptr};
};

namespace warpbeam::capi {
namespace {

warpbeam_error_t* no_memory() noexcept {
    // It is never destroyed, since others may hold it until the end of the process.
    struct Storage {
        Storage() noexcept { new (bytes) warpbeam_error_t{Error{ErrorCode::out_of_memory}}; }
        alignas(warpbeam_error_t) char bytes[sizeof(warpbeam_error_t)];
    };
    static Storage storage;
    return reinterpret_cast<warpbeam_error_t*>(storage.bytes);
}

} // namespace

warpbeam_error_t* make_error(const Error& error) noexcept {
    auto* const made = create<warpbeam_error_t>(common(), error);
    if (made == nullptr)
        return no_memory();
    const std::string_view text = error.message();
    if (!make_vec(made->message, text.size() + 1)) {
        destroy(common(), made);
        return no_memory();
    }
    std::memcpy(made->message.data, text.data(), text.size());
    return made;
}

warpbeam_error_t* misuse(const char* what) noexcept {
    return make_error(Error{ErrorCode::usage, "%s", what});
}

} // namespace warpbeam::capi

using namespace warpbeam;

void warpbeam_error_delete(warpbeam_error_t* error) {
    if (error == nullptr || error == capi::no_memory())
        return;
    capi::free_vec(error->message);
    destroy(capi::common(), error);
}
const char* warpbeam_error_message(const warpbeam_error_t* error) {
    return error->message.data != nullptr ? error->message.data : "out of memory";
}
warpbeam_error_code_t warpbeam_error_code(const warpbeam_error_t* error) {
    static_assert(WARPBEAM_ERROR_USAGE == static_cast<int>(ErrorCode::usage));
    return static_cast<warpbeam_error_code_t>(error->error.code());
}
size_t warpbeam_error_offset(const warpbeam_error_t* error) { return error->error.offset(); }
