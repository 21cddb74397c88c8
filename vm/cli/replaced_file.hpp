#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

namespace warpbeam::cli {

/// The path itself, or that to which a link leads: the file is replaced, and not a link to it. A link that
/// can't be followed, or only by the system, is returned as it is.
[[nodiscard]] std::string followed_path(const std::string& given);
/// Whether a new file can take this path: nothing is there, or a file that can be written to, in a folder
/// where files can be made. Otherwise errno says why.
[[nodiscard]] bool is_replaceable(const std::string& path);
/// The followed path. Throws Failure if it is not replaceable.
[[nodiscard]] std::string checked_path(const std::string& given);

enum class FileUse : uint8_t {
    /// What a program has in its memory may be secret: only the owner can read it. When it is finished, it is
    /// on the medium.
    saved_state,
    /// Has the permissions of the file that it replaces, or those of any new file.
    output,
};

/// A file that takes the place of another one when it is complete, so that a full disk spoils neither. It is
/// removed if it is not finished.
class ReplacedFile {
public:
    /// `path` is a replaceable one. Throws Failure if the file can't be created beside it, or, for an output,
    /// if it would differ from the one that is there in more than its contents: in its owner, or if that has
    /// another name, too.
    ReplacedFile(std::string path, FileUse use);
    ReplacedFile(const ReplacedFile&) = delete;
    ReplacedFile& operator=(const ReplacedFile&) = delete;
    ~ReplacedFile();

    /// False if it could not be written; `errno` then says why.
    [[nodiscard]] bool write(std::span<const uint8_t> bytes) noexcept;
    /// Makes it the file at the path. Throws Failure.
    void finish();

private:
    struct Close {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    void open();
    /// Removes what was written, and throws the Failure for `errno`.
    [[noreturn]] void give_up(const char* what);

    std::string path_;
    std::string beside_;
    FileUse use_;
    std::unique_ptr<std::FILE, Close> file_;
};

/// Throws the Failure for `errno`: "cannot `what` `path`: ...".
[[noreturn]] void fail_file(const std::string& path, const char* what);

} // namespace warpbeam::cli
