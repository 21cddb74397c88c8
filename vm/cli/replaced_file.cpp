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
    for (int links = 0; links < 40 && std::filesystem::is_symlink(path, fault); ++links) {
        // What /dev/stdout leads to: a descriptor, which only the system can follow.
        if (std::filesystem::weakly_canonical(path.parent_path(), fault)
                .generic_string()
                .starts_with("/proc/"))
            return given;
        path = path.parent_path() / std::filesystem::read_symlink(path, fault);
    }
    return path.string();
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

ReplacedFile::ReplacedFile(std::string path, FileUse use) : path_{std::move(path)}, use_{use} {
    open();
    std::error_code fault;
    if (use != FileUse::output || !std::filesystem::exists(path_, fault) ||
        take_permissions(file_.get(), path_.c_str()))
        return;
    give_up("replace");
}

void ReplacedFile::give_up(const char* what) {
    const int error = errno;
    (void)std::remove(beside_.c_str());
    errno = error;
    fail_file(path_, what);
}

/// Others may have left a file there, or made a link: that is not used.
void ReplacedFile::open() {
    constexpr int max_tries = 100;
    for (int i = 0; i < max_tries && !file_; ++i) {
        beside_ = path_ + "." + std::to_string(process_number()) + (i != 0 ? "-" + std::to_string(i) : "") +
                  ".part";
        file_.reset(create_file(beside_.c_str(), use_ == FileUse::saved_state));
        if (!file_ && errno != EEXIST)
            break;
    }
    if (!file_)
        fail_file(path_, "write");
}

ReplacedFile::~ReplacedFile() {
    if (file_) {
        file_.reset();
        (void)std::remove(beside_.c_str());
    }
}

bool ReplacedFile::write(std::span<const uint8_t> bytes) noexcept {
    return std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size();
}

void ReplacedFile::finish() {
    if (use_ == FileUse::output ? std::fflush(file_.get()) != 0 : !write_through(file_.get()))
        fail_file(path_, "write");
    if (std::fclose(file_.release()) == 0) {
        if (replace_file(beside_.c_str(), path_.c_str()))
            return;
        // A file that is mounted, or that of another user in a folder for all, keeps its place.
        std::error_code fault;
        if (use_ == FileUse::output &&
            std::filesystem::copy_file(beside_, path_, std::filesystem::copy_options::overwrite_existing,
                                       fault)) {
            (void)std::remove(beside_.c_str());
            return;
        }
    }
    give_up("write");
}

} // namespace warpbeam::cli
