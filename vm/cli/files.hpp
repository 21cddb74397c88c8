#pragma once

#include "command.hpp"
#include "replaced_file.hpp"

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

/// What a command writes, piece by piece; `-` is standard output. A new file replaces the old one only when
/// it is complete; what can't be replaced is written in place: devices, pipes, files with several names or of
/// other users, and those in folders where none can be made. Nothing is made before the first piece.
class OutputFile final : public TextSink {
public:
    explicit OutputFile(std::string_view path) : path_{path} {}

    /// Throws Failure if it can plainly not be written, which is better known before a long run.
    void check();

    [[nodiscard]] bool write(std::string_view piece) noexcept override;
    [[nodiscard]] bool failed() const noexcept { return failure_.has_value(); }
    /// Throws Failure if it could not be created or completely written.
    void finish();

private:
    struct Close {
        void operator()(std::FILE* file) const noexcept;
    };
    void open();
    void write_piece(std::string_view piece);

    std::string path_;
    std::optional<ReplacedFile> replaced_;
    std::unique_ptr<std::FILE, Close> in_place_;
    std::optional<Failure> failure_;
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
