#include "files.hpp"

#include "command.hpp"
#include "saved_program.hpp"

#include <warpbeam/loader/section_table.hpp>
#include <warpbeam/text/parse.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace warpbeam::cli {

namespace {

struct CloseInput {
    void operator()(std::FILE* file) const {
        if (file != stdin)
            std::fclose(file);
    }
};

/// By ErrorCode.
constexpr const char* error_kinds[] = {
    "malformed module",        "invalid module", "unsupported module", "limit exceeded", "out of memory",
    "module cannot be linked", "error"};

/// Without an offset. The text front end's messages begin with line and column, like a compiler's.
std::string describe(std::string_view path, const Error& error) {
    std::string what = explain(error);
    std::string message{path};
    message += ':';
    if (!what.empty() && what.front() >= '0' && what.front() <= '9') {
        const size_t end = what.find(' ');
        message.append(what, 0, end);
        what.erase(0, end + 1);
        // For text, "malformed" is obvious.
        if (error.code() == ErrorCode::malformed)
            return message.append(" ").append(what);
    }
    return message.append(" ")
        .append(error_kinds[static_cast<size_t>(error.code())])
        .append(": ")
        .append(what);
}

} // namespace

std::vector<uint8_t> read_file(std::string_view path) {
    const std::unique_ptr<std::FILE, CloseInput> file{
        path == "-" ? stdin : std::fopen(std::string(path).c_str(), "rb")};
    if (!file)
        fail_file(std::string(path), "open");
    std::vector<uint8_t> bytes;
    uint8_t block[1 << 13];
    while (const size_t size = std::fread(block, 1, sizeof block, file.get()))
        bytes.insert(bytes.end(), block, block + size);
    if (std::ferror(file.get()) != 0)
        fail_file(std::string(path), "read");
    return bytes;
}

void OutputFile::Close::operator()(std::FILE* file) const noexcept {
    if (file != stdout)
        std::fclose(file);
}

void OutputFile::check() {
    if (path_ == "-" || !is_replaceable(followed_path(path_)))
        open();
}

void OutputFile::open() {
    if (path_ == "-") {
        in_place_.reset(stdout);
        return;
    }
    if (const std::string target = followed_path(path_); is_replaceable(target)) {
        try {
            replaced_.emplace(target, FileUse::output);
            return;
        } catch (const Failure&) { // it is written in place
        }
    }
    in_place_.reset(std::fopen(path_.c_str(), "wb"));
    if (!in_place_)
        fail_file(path_, "open");
}

void OutputFile::write_piece(std::string_view piece) {
    if (!replaced_ && !in_place_)
        open();
    if (replaced_ ? !replaced_->write(bytes_of(piece))
                  : std::fwrite(piece.data(), 1, piece.size(), in_place_.get()) != piece.size())
        fail_file(path_, "write");
}

bool OutputFile::write(std::string_view piece) noexcept {
    if (failure_)
        return false;
    try {
        write_piece(piece);
    } catch (const Failure& failure) {
        failure_ = failure;
    } catch (const std::exception& error) {
        failure_.emplace(error.what());
    }
    return !failure_;
}

void OutputFile::finish() {
    if (failure_)
        throw Failure{*failure_};
    if (in_place_ && std::fflush(in_place_.get()) != 0)
        fail_file(path_, "write");
    if (replaced_)
        replaced_->finish();
}

void write_file(std::string_view path, std::span<const uint8_t> bytes) {
    OutputFile file{path};
    (void)file.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    file.finish();
}

bool is_binary(std::span<const uint8_t> bytes) noexcept {
    return bytes.size() >= 4 && std::equal(binary_header, binary_header + 4, bytes.begin());
}

ModuleBytes read_module(std::string_view path) {
    ModuleBytes module{read_file(path), std::nullopt};
    const std::vector<uint8_t>& bytes = module.bytes;
    if (is_binary(bytes))
        return module;
    // Text begins with a parenthesis, a comment or white space, unless it is empty; anything else would only
    // get a confusing syntax error.
    constexpr std::string_view first_characters = "(; \t\r\n";
    if (!bytes.empty() && first_characters.find(static_cast<char>(bytes.front())) == std::string_view::npos)
        throw Failure(std::string(path) + ": not a WebAssembly module in the binary or text format" +
                      (hint_for(bytes).empty() ? "" : "; " + std::string(hint_for(bytes))));
    module.text.emplace(bytes.begin(), bytes.end());
    const auto translated = parse_wat(*module.text);
    if (!translated)
        throw Failure(describe(path, translated.error()));
    module.bytes.assign(translated->begin(), translated->end());
    return module;
}

std::string explain(const Error& error) {
    std::string message{error.message()};
    if (error.missing_feature() != Feature::core)
        message.insert(std::min(message.find('\n'), message.size()),
                       " (try --features=+" + std::string(name_of(error.missing_feature())) + ")");
    return message;
}

std::string describe(std::string_view path, const Error& error, const ModuleBytes& module) {
    if (module.text)
        return describe(path, locate_in_wat(*module.text, error));
    std::string message = describe(path, error);
    if (error.offset() != Error::no_offset) {
        char place[64];
        std::snprintf(place, sizeof place, ", at offset %zu (0x%zx)", error.offset(), error.offset());
        message += place;
    }
    return message;
}

} // namespace warpbeam::cli
