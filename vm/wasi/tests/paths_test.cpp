#include "guest.hpp"
#include "scratch.hpp"
#include "walking_directory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <sys/stat.h>
#include <unistd.h>

/// What programs do with paths, and what the errors are.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::Guest;
using warpbeam::wasi::testing::Scratch;
using warpbeam::wasi::testing::WalkingDirectory;

namespace {

class PathsTest : public ::testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        fill(scratch.path());
        auto directory = scratch.open();
        if (GetParam())
            directory = WalkingDirectory::around(std::move(directory));
        ASSERT_TRUE(guest.context.add_directory("/", std::move(directory)));
    }
    static void fill(const std::filesystem::path& path) {
        std::ofstream{path / "file"} << "0123456789";
        std::filesystem::create_directories(path / "directory");
        std::filesystem::create_directories(path / "full" / "inner");
        std::filesystem::create_symlink("file", path / "to_file");
        std::filesystem::create_symlink("directory", path / "to_directory");
        std::filesystem::create_symlink("nowhere", path / "dangling");
    }
    Errno stat(std::string_view path, uint32_t lookup = 0) {
        return guest.call("path_filestat_get", 3, lookup, path, Guest::result);
    }
    [[nodiscard]] bool exists(std::string_view name) const {
        return std::filesystem::symlink_status(scratch / name).type() !=
               std::filesystem::file_type::not_found;
    }

    static constexpr uint32_t page = Guest::page;
    Scratch scratch;
    Guest guest;
};

INSTANTIATE_TEST_SUITE_P(Walks, PathsTest, ::testing::Bool(), [](const auto& walk) {
    return std::string{walk.param ? "name_by_name" : "by_the_system"};
});

/// A function that takes a path, with everything else as it should be.
struct PathCall {
    const char* name;
    std::function<Errno(Guest&, uint32_t fd, uint64_t path, uint64_t size)> call;
};
const PathCall path_calls[] = {
    {"path_create_directory",
     [](Guest& g, uint32_t fd, uint64_t p, uint64_t n) { return g.call("path_create_directory", fd, p, n); }},
    {"path_filestat_get", [](Guest& g, uint32_t fd, uint64_t p,
                             uint64_t n) { return g.call("path_filestat_get", fd, 0, p, n, Guest::result); }},
    {"path_filestat_set_times",
     [](Guest& g, uint32_t fd, uint64_t p, uint64_t n) {
         return g.call("path_filestat_set_times", fd, 0, p, n, 0, 0, 0);
     }},
    {"path_link, source", [](Guest& g, uint32_t fd, uint64_t p,
                             uint64_t n) { return g.call("path_link", fd, 0, p, n, 3, "new"); }},
    {"path_link, target", [](Guest& g, uint32_t fd, uint64_t p,
                             uint64_t n) { return g.call("path_link", 3, 0, "file", fd, p, n); }},
    {"path_open",
     [](Guest& g, uint32_t fd, uint64_t p, uint64_t n) {
         return g.call("path_open", fd, 0, p, n, 0, rights::fd_read, 0, 0, Guest::result);
     }},
    {"path_readlink",
     [](Guest& g, uint32_t fd, uint64_t p, uint64_t n) {
         return g.call("path_readlink", fd, p, n, Guest::data, 100, Guest::result);
     }},
    {"path_remove_directory",
     [](Guest& g, uint32_t fd, uint64_t p, uint64_t n) { return g.call("path_remove_directory", fd, p, n); }},
    {"path_rename, source",
     [](Guest& g, uint32_t fd, uint64_t p, uint64_t n) { return g.call("path_rename", fd, p, n, 3, "new"); }},
    {"path_rename, target", [](Guest& g, uint32_t fd, uint64_t p,
                               uint64_t n) { return g.call("path_rename", 3, "file", fd, p, n); }},
    {"path_symlink",
     [](Guest& g, uint32_t fd, uint64_t p, uint64_t n) { return g.call("path_symlink", "file", fd, p, n); }},
    {"path_unlink_file",
     [](Guest& g, uint32_t fd, uint64_t p, uint64_t n) { return g.call("path_unlink_file", fd, p, n); }},
};

TEST_P(PathsTest, every_function_checks_its_path) {
    const uint32_t file = guest.open("file");
    for (const PathCall& function : path_calls) {
        SCOPED_TRACE(function.name);
        const auto call = [&](std::string_view path) {
            guest.put_text(1000, path);
            return function.call(guest, 3, 1000, path.size());
        };
        EXPECT_EQ(function.call(guest, 3, page - 3, 4), Errno::fault);
        EXPECT_EQ(function.call(guest, 3, UINT32_MAX, 2), Errno::fault) << "it overflows";
        EXPECT_EQ(function.call(guest, 3, 1000, UINT32_MAX), Errno::fault);
        EXPECT_EQ(function.call(guest, 3, 1000, 0), Errno::noent) << "an empty path";
        EXPECT_EQ(call(std::string_view{"fi\0le", 5}), Errno::inval) << "a zero byte";
        EXPECT_EQ(call(std::string(4096, 'x')), Errno::nametoolong);
        EXPECT_EQ(call(std::string(300, 'x')), Errno::nametoolong);
        EXPECT_EQ(call("/file"), Errno::notcapable);
        EXPECT_EQ(call("../file"), Errno::notcapable);
        EXPECT_EQ(call("directory/../../file"), Errno::notcapable);
        EXPECT_EQ(call("missing/x"), Errno::noent);
        EXPECT_EQ(call("file/x"), Errno::notdir);
        EXPECT_EQ(call("dangling/x"), Errno::noent);
        EXPECT_EQ(function.call(guest, 77, 1000, 1), Errno::badf);
        // A file has none of the rights that are for directories.
        EXPECT_EQ(function.call(guest, file, 1000, 1), Errno::notcapable);
    }
    EXPECT_EQ(scratch.read("file"), "0123456789");
    EXPECT_FALSE(exists("new"));
}

TEST_P(PathsTest, unknown_flags_are_refused) {
    EXPECT_EQ(stat("file", 2), Errno::inval);
    EXPECT_EQ(guest.call("path_link", 3, 2, "file", 3, "new"), Errno::inval);
    EXPECT_EQ(guest.try_open("file", 16), Errno::inval);
    EXPECT_EQ(guest.try_open("file", 0, 32), Errno::inval);
    EXPECT_EQ(guest.try_open("file", 0x10000), Errno::inval);
    EXPECT_EQ(guest.try_open("file", 0, 0, rights::fd_read, 3, 2), Errno::inval);
    EXPECT_EQ(guest.call("path_open", 3, 0, "file", 0, rights::fd_read, 0, 0, page - 3), Errno::fault);
    EXPECT_EQ(guest.call("path_readlink", 3, "to_file", page - 3, 4, Guest::result), Errno::fault);
    EXPECT_EQ(guest.call("path_readlink", 3, "to_file", 1000, 4, page - 3), Errno::fault);
}

TEST(DescentTest, several_directories_are_entered_at_once_and_slashes_are_left_out) {
    const Scratch scratch;
    std::filesystem::create_directories(scratch / "a/b");
    scratch.write("a/b/file", "text");
    const auto directory = create_file<WalkingDirectory>(Allocator::standard(), scratch.open());
    Guest guest;
    ASSERT_TRUE(guest.context.add_directory("/", Ref<Directory>::share(directory.get())));
    for (const char* path : {"a/b/file", "a/b//file", "a//b///", "a//b", "./a/b/../b/file"})
        (void)guest.call("path_filestat_get", 3, 1, path, Guest::result);
    EXPECT_EQ(directory->descents, (std::vector<std::string>{"a/b", "a/b", "./a/b/../b"}));
}

/// The same operation, done by the system.
struct NativeCall {
    const char* name;
    std::function<int(int directory, const char* path)> native;
    std::function<Errno(Guest&, std::string_view path)> call;
};
const NativeCall native_calls[] = {
    {"mkdir", [](int d, const char* p) { return ::mkdirat(d, p, 0777); },
     [](Guest& g, std::string_view p) { return g.call("path_create_directory", 3, p); }},
    {"rmdir", [](int d, const char* p) { return ::unlinkat(d, p, AT_REMOVEDIR); },
     [](Guest& g, std::string_view p) { return g.call("path_remove_directory", 3, p); }},
    {"unlink", [](int d, const char* p) { return ::unlinkat(d, p, 0); },
     [](Guest& g, std::string_view p) { return g.call("path_unlink_file", 3, p); }},
    {"stat",
     [](int d, const char* p) {
         struct stat status{};
         return ::fstatat(d, p, &status, 0);
     },
     [](Guest& g, std::string_view p) { return g.call("path_filestat_get", 3, 1, p, Guest::result); }},
    {"lstat",
     [](int d, const char* p) {
         struct stat status{};
         return ::fstatat(d, p, &status, AT_SYMLINK_NOFOLLOW);
     },
     [](Guest& g, std::string_view p) { return g.call("path_filestat_get", 3, 0, p, Guest::result); }},
    {"symlink", [](int d, const char* p) { return ::symlinkat("x", d, p); },
     [](Guest& g, std::string_view p) { return g.call("path_symlink", "x", 3, p); }},
    {"rename from", [](int d, const char* p) { return ::renameat(d, p, d, "new"); },
     [](Guest& g, std::string_view p) { return g.call("path_rename", 3, p, 3, "new"); }},
    {"rename a file to", [](int d, const char* p) { return ::renameat(d, "file", d, p); },
     [](Guest& g, std::string_view p) { return g.call("path_rename", 3, "file", 3, p); }},
    {"rename a directory to", [](int d, const char* p) { return ::renameat(d, "directory", d, p); },
     [](Guest& g, std::string_view p) { return g.call("path_rename", 3, "directory", 3, p); }},
    {"link to", [](int d, const char* p) { return ::linkat(d, "file", d, p, 0); },
     [](Guest& g, std::string_view p) { return g.call("path_link", 3, 0, "file", 3, p); }},
    {"link from", [](int d, const char* p) { return ::linkat(d, p, d, "new", 0); },
     [](Guest& g, std::string_view p) { return g.call("path_link", 3, 0, p, 3, "new"); }},
    {"readlink",
     [](int d, const char* p) {
         std::array<char, 100> text{};
         return ::readlinkat(d, p, text.data(), text.size()) < 0 ? -1 : 0;
     },
     [](Guest& g, std::string_view p) { return g.call("path_readlink", 3, p, 1000, 100, Guest::result); }},
};

/// The tree in one line for each entry.
std::string describe(const std::filesystem::path& path) {
    std::vector<std::string> lines;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{path}) {
        std::string line = entry.path().lexically_relative(path).string();
        if (entry.is_symlink())
            line += " -> " + std::filesystem::read_symlink(entry.path()).string();
        else if (entry.is_directory())
            line += "/";
        lines.push_back(line + "\n");
    }
    std::ranges::sort(lines);
    std::string text;
    for (const std::string& line : lines)
        text += line;
    return text;
}

/// Of the errors that occur here; the numbers of the system are not WASI's.
Errno errno_of_system(int result) {
    if (result == 0)
        return Errno::success;
    switch (errno) {
    case EBUSY:
        return Errno::busy;
    case EEXIST:
        return Errno::exist;
    case EINVAL:
        return Errno::inval;
    case EISDIR:
        return Errno::isdir;
    case ENOENT:
        return Errno::noent;
    case ENOTDIR:
        return Errno::notdir;
    case ENOTEMPTY:
        return Errno::notempty;
    case EPERM:
        return Errno::perm;
    default:
        ADD_FAILURE() << "errno " << errno;
        return Errno::nosys;
    }
}

TEST_P(PathsTest, outcomes_are_those_of_the_system_with_slashes_and_without) {
    for (const NativeCall& function : native_calls)
        for (const char* name :
             {"file", "directory", "full", "to_file", "to_directory", "dangling", "missing"})
            for (const char* end : {"", "/", "//"}) {
                const std::string path = std::string{name} + end;
                const Scratch expected;
                const Scratch actual;
                fill(expected.path());
                fill(actual.path());
                const int directory = ::open(expected.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
                const Errno wanted = errno_of_system(function.native(directory, path.c_str()));
                (void)::close(directory);
                Guest other;
                auto given = actual.open();
                if (GetParam())
                    given = WalkingDirectory::around(std::move(given));
                ASSERT_TRUE(other.context.add_directory("/", std::move(given)));
                EXPECT_EQ(static_cast<int>(function.call(other, path)), static_cast<int>(wanted))
                    << function.name << " " << path;
                EXPECT_EQ(describe(actual.path()), describe(expected.path())) << function.name << " " << path;
            }
}

} // namespace
