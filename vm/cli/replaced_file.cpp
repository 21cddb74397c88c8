#include "replaced_file.hpp"

#include "command.hpp"
#include "platform.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace warpbeam::cli {

void fail_file(const std::string& path, const char* what) {
    throw Failure("warpbeam: cannot " + std::string(what) + " " + path + ": " + std::strerror(errno));
}

std::string checked_path(const std::string& given) {
    std::filesystem::path path{given};
    std::error_code fault;
    for (int links = 0; links < 40 && std::filesystem::is_symlink(path, fault); ++links)
        path = path.parent_path() / std::filesystem::read_symlink(path, fault);
    if (std::filesystem::exists(path, fault) && !std::filesystem::is_regular_file(path, fault))
        throw Failure("warpbeam: cannot write " + given + ": it is not a file");
    const std::filesystem::path folder = path.parent_path();
    if (!is_writable_folder(folder.empty() ? "." : folder.string().c_str()))
        fail_file(given, "write");
    return path.string();
}

ReplacedFile::ReplacedFile(std::string path)
    : path_{std::move(path)}, beside_{path_ + "." + std::to_string(process_number()) + ".part"},
      file_{nullptr} {
    // Only for its owner: what a program has in its memory may be secret.
    file_ = open_private(beside_.c_str());
    if (file_ == nullptr)
        fail_file(beside_, "open");
}

ReplacedFile::~ReplacedFile() {
    if (file_ != nullptr) {
        std::fclose(file_);
        (void)std::remove(beside_.c_str());
    }
}

bool ReplacedFile::write(std::span<const uint8_t> bytes) noexcept {
    return std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size();
}

void ReplacedFile::finish() {
    if (!write_through(file_))
        fail_file(beside_, "write");
    const bool closed = std::fclose(file_) == 0;
    file_ = nullptr;
    if (!closed || !replace_file(beside_.c_str(), path_.c_str())) {
        const int error = errno;
        (void)std::remove(beside_.c_str());
        errno = error;
        fail_file(path_, "write");
    }
}

} // namespace warpbeam::cli
