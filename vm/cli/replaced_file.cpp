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

std::string followed_path(const std::string& given) {
    std::filesystem::path path{given};
    std::error_code fault;
    for (int links = 0; links < 40 && std::filesystem::is_symlink(path, fault); ++links)
        path = path.parent_path() / std::filesystem::read_symlink(path, fault);
    // Links of /proc, to which /dev/stdout leads, may name what can't be found by a path.
    const bool is_elsewhere =
        std::filesystem::exists(given, fault) && !std::filesystem::equivalent(path, given, fault);
    return is_elsewhere ? given : path.string();
}

bool is_replaceable(const std::string& path) {
    std::error_code fault;
    const std::filesystem::file_status there = std::filesystem::symlink_status(path, fault);
    const std::string folder = std::filesystem::path{path}.parent_path().string();
    return is_writable(folder.empty() ? "." : folder.c_str()) &&
           (!std::filesystem::exists(there) ||
            (std::filesystem::is_regular_file(there) && is_writable(path.c_str())));
}

std::string checked_path(const std::string& given) {
    std::string path = followed_path(given);
    std::error_code fault;
    if (std::filesystem::exists(path, fault) && !std::filesystem::is_regular_file(path, fault))
        throw Failure("warpbeam: cannot write " + given + ": it is not a file");
    if (!is_replaceable(path))
        fail_file(given, "write");
    return path;
}

ReplacedFile::ReplacedFile(std::string path, FileUse use)
    : path_{std::move(path)}, beside_{path_ + "." + std::to_string(process_number()) + ".part"}, use_{use},
      file_{nullptr} {
    file_ = use == FileUse::output ? std::fopen(beside_.c_str(), "wb") : open_private(beside_.c_str());
    if (file_ == nullptr)
        fail_file(path_, "write");
    std::error_code fault;
    const std::filesystem::file_status before = std::filesystem::status(path_, fault);
    if (use == FileUse::output && std::filesystem::exists(before))
        std::filesystem::permissions(beside_, before.permissions(), fault);
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
    if (use_ == FileUse::output ? std::fflush(file_) != 0 : !write_through(file_))
        fail_file(path_, "write");
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
