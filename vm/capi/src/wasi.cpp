#include "error.hpp"
#include "linker.hpp"
#include "vectors.hpp"

#include <warpbeam/wasi/file_systems.hpp>
#include <warpbeam/wasi/streams.hpp>
#include <warpbeam/wasi/wasi.hpp>

struct warpbeam_wasi_t {
    warpbeam::wasi::Context context;
    warpbeam::Ref<warpbeam::wasi::OutputBuffer> output[2] = {}; ///< none: that of the process
};

using namespace warpbeam;

namespace {

/// For an argument that may be null.
const char* text_of(const char* text) noexcept { return text != nullptr ? text : ""; }

} // namespace

warpbeam_wasi_t* warpbeam_wasi_new() { return create<warpbeam_wasi_t>(capi::common()); }
void warpbeam_wasi_delete(warpbeam_wasi_t* wasi) { destroy(capi::common(), wasi); }

warpbeam_error_t* warpbeam_wasi_add_arg(warpbeam_wasi_t* wasi, const char* arg) {
    return capi::error_of(wasi->context.add_arg(text_of(arg)));
}
warpbeam_error_t* warpbeam_wasi_add_env(warpbeam_wasi_t* wasi, const char* name, const char* value) {
    return capi::error_of(wasi->context.add_env(text_of(name), text_of(value)));
}
warpbeam_error_t* warpbeam_wasi_add_directory(warpbeam_wasi_t* wasi, const char* name, const char* path,
                                              bool writable) {
    const auto directory = wasi::native_directory(text_of(path));
    if (!directory)
        return capi::make_error(Error{ErrorCode::usage,
                                      "the directory `%.200s` can't be opened (WASI error %u)", text_of(path),
                                      static_cast<unsigned>(directory.error())});
    return capi::error_of(wasi->context.add_directory(
        text_of(name), *directory, writable ? wasi::Access::read_write : wasi::Access::read_only));
}

warpbeam_error_t* warpbeam_wasi_set_input(warpbeam_wasi_t* wasi, const wasm_byte_vec_t* bytes) {
    const auto input = wasi::create_file<wasi::InputBuffer>(capi::common(), capi::common());
    const std::string_view text = bytes != nullptr && bytes->data != nullptr
                                      ? std::string_view{bytes->data, bytes->size}
                                      : std::string_view{};
    if (!input || !input->add(text))
        return capi::make_error(Error{ErrorCode::out_of_memory});
    input->close();
    return capi::error_of(wasi->context.set_stream(wasi::Stream::in, input));
}
warpbeam_error_t* warpbeam_wasi_collect_output(warpbeam_wasi_t* wasi, size_t max_size) {
    for (const wasi::Stream stream : {wasi::Stream::out, wasi::Stream::err}) {
        auto output = wasi::create_file<wasi::OutputBuffer>(capi::common(), capi::common(), max_size);
        if (!output)
            return capi::make_error(Error{ErrorCode::out_of_memory});
        if (const auto set = wasi->context.set_stream(stream, output); !set)
            return capi::make_error(set.error());
        wasi->output[stream == wasi::Stream::err] = std::move(output);
    }
    return nullptr;
}
void warpbeam_wasi_output(const warpbeam_wasi_t* wasi, int stream, wasm_byte_vec_t* out) {
    *out = {0, nullptr};
    if (stream != 1 && stream != 2)
        return;
    const auto& output = wasi->output[stream - 1];
    const std::string_view text = output ? output->text() : std::string_view{};
    if (capi::make_vec(*out, text.size()) && !text.empty())
        std::memcpy(out->data, text.data(), text.size());
}

warpbeam_error_t* warpbeam_linker_define_wasi(warpbeam_linker_t* linker, warpbeam_wasi_t* wasi) {
    if (wasi == nullptr)
        return capi::misuse("there is no world to define");
    return capi::error_of(wasi::define(linker->linker, wasi->context));
}
