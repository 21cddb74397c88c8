#pragma once

#include <warpbeam/wasi/file.hpp>

namespace warpbeam::wasi {

/// What makes sense for a file of that kind.
[[nodiscard]] inline Rights rights_of(File& file) noexcept {
    if (file.as_directory() != nullptr)
        return rights::directory;
    switch (file.type()) {
    case FileType::socket_dgram:
    case FileType::socket_stream:
        return rights::socket;
    default:
        return file.is_seekable() ? rights::regular_file : rights::stream;
    }
}

} // namespace warpbeam::wasi
