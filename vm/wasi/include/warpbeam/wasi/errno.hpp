#pragma once

#include <cstdint>

namespace warpbeam::wasi {

/// The error numbers of WASI preview 1 that this library returns. Thread-safety: constants only.
/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#errno
enum class Errno : uint16_t {
    success = 0,
    again = 6,
    badf = 8,
    fault = 21,
    inval = 28,
    io = 29,
    nospc = 51,
    nosys = 52,
    notsup = 58,
    overflow = 61,
    pipe = 64,
    spipe = 70,
};

} // namespace warpbeam::wasi
