#pragma once

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>

namespace warpbeam::cli {

/// Follows links, so that the file itself is replaced and not a link to it, and makes sure that a file can be
/// made there. Throws Failure.
[[nodiscard]] std::string checked_path(const std::string& given);

/// A file that takes the place of another one when it is complete, so that a full disk spoils neither. It is
/// removed if it is not finished.
class ReplacedFile {
public:
    /// `path` is a checked one. Throws Failure if the file can't be created beside it.
    explicit ReplacedFile(std::string path);
    ReplacedFile(const ReplacedFile&) = delete;
    ReplacedFile& operator=(const ReplacedFile&) = delete;
    ~ReplacedFile();

    /// False if it could not be written; `errno` then says why.
    [[nodiscard]] bool write(std::span<const uint8_t> bytes) noexcept;
    /// Makes it the file at the path. Throws Failure.
    void finish();

private:
    std::string path_;
    std::string beside_;
    std::FILE* file_;
};

/// Throws the Failure for `errno`: "cannot `what` `path`: ...".
[[noreturn]] void fail_file(const std::string& path, const char* what);

} // namespace warpbeam::cli
