#include <warpbeam/build.hpp>
#include <warpbeam/loader/header.hpp>
#include <warpbeam/loader/section_table.hpp>

#include <algorithm>
#include <string_view>

namespace warpbeam {
namespace {

/// Whether the input begins, after white space, with a comment or with a parenthesis and a keyword or
/// annotation.
bool looks_like_text(std::span<const uint8_t> bytes) noexcept {
    const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    const size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos)
        return false;
    const std::string_view start = text.substr(begin, 2);
    return start == ";;" || (start.size() == 2 && start[0] == '(' &&
                             (start[1] == ';' || start[1] == '@' || (start[1] >= 'a' && start[1] <= 'z')));
}

} // namespace

std::optional<Error> check_header(std::span<const uint8_t> bytes, Allocator& allocator) noexcept {
    const auto malformed = [&allocator](size_t offset, const char* message) {
        return Error(allocator, ErrorCode::malformed, "%s", message).at(offset);
    };
    if (looks_like_text(bytes))
        return malformed(
            0, WARPBEAM_TEXT != 0
                   ? "magic header not detected: this is the text format, not the binary format; "
                     "translate it by parse_wat, in C warpbeam_wat2wasm, or the command wat2wasm"
                   : "magic header not detected: this is the text format, which this build is without "
                     "(WARPBEAM_TEXT=0); use the command wat2wasm to translate it");
    if (bytes.size() < 4)
        return Error(allocator, ErrorCode::malformed,
                     "unexpected end: too short for a header, %zu of 8 bytes", bytes.size())
            .at(bytes.size());
    if (!std::ranges::equal(bytes.first(4), std::span{binary_header}.first(4)))
        return malformed(0, "magic header not detected");
    if (bytes.size() < 8)
        return malformed(4, "unexpected end: the version is missing");
    if (std::ranges::equal(bytes.first(8), binary_header))
        return std::nullopt;
    // The component model splits the version field into a version and a layer, two bytes each.
    // https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
    const unsigned version = bytes[4] | unsigned{bytes[5]} << 8;
    const unsigned layer = bytes[6] | unsigned{bytes[7]} << 8;
    if (layer == 1)
        return Error(allocator, ErrorCode::malformed,
                     "unknown binary version: this is a component (version %u, layer 1), not a module "
                     "(version 1, layer 0)",
                     version)
            .at(4);
    return Error(allocator, ErrorCode::malformed,
                 "unknown binary version: version %u, layer %u; a module has version 1, layer 0", version,
                 layer)
        .at(4);
}

} // namespace warpbeam
