#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/text/print.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace warpbeam::cli {

/// The bytes of a text.
[[nodiscard]] inline std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// The contents of a file; `-` is standard input. Throws Failure.
[[nodiscard]] std::vector<uint8_t> read_file(std::string_view path);
/// A file that is written piece by piece; `-` is standard output. It is created with the first piece.
class OutputFile final : public TextSink {
public:
    explicit OutputFile(std::string_view path) : path_{path} {}

    [[nodiscard]] bool write(std::string_view piece) noexcept override;
    /// Throws Failure if it could not be created or completely written.
    void finish();

private:
    struct Close {
        void operator()(std::FILE* file) const noexcept;
    };
    std::string path_;
    std::unique_ptr<std::FILE, Close> file_;
    const char* failed_ = nullptr;
    int error_ = 0;
};
/// Writes a file; `-` is standard output. Throws Failure.
void write_file(std::string_view path, std::span<const uint8_t> bytes);

/// Whether the bytes begin like a module in the binary format.
[[nodiscard]] bool is_binary(std::span<const uint8_t> bytes) noexcept;

/// A module in the binary format, and its text if it was translated from that.
struct ModuleBytes {
    std::vector<uint8_t> bytes;
    std::optional<std::string> text;
};

/// The module in a file, not yet validated. Throws Failure, with the position in a malformed text.
[[nodiscard]] ModuleBytes read_module(std::string_view path);
/// The message of an error, with the option that switches on the missing feature, if that is the reason.
[[nodiscard]] std::string explain(const Error& error);
/// The message for a refused module: with the position in the text, or else the offset in the binary.
[[nodiscard]] std::string describe(std::string_view path, const Error& error, const ModuleBytes& module);

} // namespace warpbeam::cli
