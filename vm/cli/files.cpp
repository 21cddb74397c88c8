#include "files.hpp"

#include "command.hpp"

#include <warpbeam/loader/section_table.hpp>
#include <warpbeam/text/parse.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace warpbeam::cli {

namespace {

struct CloseFile {
    void operator()(std::FILE* file) const {
        if (file != stdin && file != stdout)
            std::fclose(file);
    }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

[[noreturn]] void fail(std::string_view path, const char* what) {
    throw Failure("warpbeam: cannot " + std::string(what) + " " + std::string(path) + ": " +
                  std::strerror(errno));
}

/// By ErrorCode.
constexpr const char* error_kinds[] = {
    "malformed module",        "invalid module", "unsupported module", "limit exceeded", "out of memory",
    "module cannot be linked", "error"};

} // namespace

std::vector<uint8_t> read_file(std::string_view path) {
    const File file{path == "-" ? stdin : std::fopen(std::string(path).c_str(), "rb")};
    if (!file)
        fail(path, "open");
    std::vector<uint8_t> bytes;
    uint8_t block[1 << 16];
    while (const size_t size = std::fread(block, 1, sizeof block, file.get()))
        bytes.insert(bytes.end(), block, block + size);
    if (std::ferror(file.get()) != 0)
        fail(path, "read");
    return bytes;
}

void write_file(std::string_view path, std::span<const uint8_t> bytes) {
    const File file{path == "-" ? stdout : std::fopen(std::string(path).c_str(), "wb")};
    if (!file)
        fail(path, "open");
    if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() ||
        std::fflush(file.get()) != 0)
        fail(path, "write");
}

bool is_binary(std::span<const uint8_t> bytes) noexcept {
    return bytes.size() >= 4 && std::equal(binary_header, binary_header + 4, bytes.begin());
}

ModuleBytes read_module(std::string_view path) {
    std::vector<uint8_t> bytes = read_file(path);
    if (is_binary(bytes))
        return {std::move(bytes), false};
    // Text begins with a parenthesis, a comment or white space; anything else would only get a puzzling
    // complaint about its syntax.
    constexpr std::string_view first_characters = "(; \t\r\n";
    if (bytes.empty() || first_characters.find(static_cast<char>(bytes.front())) == std::string_view::npos)
        throw Failure(std::string(path) +
                      ": not a WebAssembly module, in neither the binary nor the text format");
    const auto translated = parse_wat({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!translated)
        throw Failure(describe(path, translated.error(), true));
    return {{translated->begin(), translated->end()}, true};
}

std::string describe(std::string_view path, const Error& error, bool from_text) {
    std::string message{path};
    const std::string_view what = error.message();
    // The text front end's messages begin with line and column, as compilers' do.
    if (from_text && !what.empty() && what.front() >= '0' && what.front() <= '9')
        return message.append(":").append(what);
    message.append(": ").append(error_kinds[static_cast<size_t>(error.code())]).append(": ").append(what);
    if (!from_text && error.offset() != Error::no_offset) {
        char place[64];
        std::snprintf(place, sizeof place, ", at offset %zu (0x%zx)", error.offset(), error.offset());
        message += place;
    }
    return message;
}

} // namespace warpbeam::cli
