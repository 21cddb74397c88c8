#include "replaced_file.hpp"

#include "command.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

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
    if (::access(folder.empty() ? "." : folder.c_str(), W_OK) != 0)
        fail_file(given, "write");
    return path.string();
}

ReplacedFile::ReplacedFile(std::string path)
    : path_{std::move(path)}, beside_{path_ + "." + std::to_string(::getpid()) + ".part"}, file_{nullptr} {
    // Only for its owner: what a program has in its memory may be secret.
    const int descriptor = ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    file_ = descriptor >= 0 ? ::fdopen(descriptor, "wb") : nullptr;
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
    if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0)
        fail_file(beside_, "write");
    const bool closed = std::fclose(file_) == 0;
    file_ = nullptr;
    if (!closed || std::rename(beside_.c_str(), path_.c_str()) != 0) {
        const int error = errno;
        (void)std::remove(beside_.c_str());
        errno = error;
        fail_file(path_, "write");
    }
}

} // namespace warpbeam::cli
