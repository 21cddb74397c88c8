#include "scratch.hpp"

#include <gtest/gtest.h>
#include <warpbeam/wasi/host.hpp>

#ifdef _WIN32

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <io.h>
#include <vector>

/// Directories of Windows: what its names could mean must not lead out of them.

namespace warpbeam::wasi {
namespace {

using testing::contents;
using testing::Scratch;

class Win32Test : public ::testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directory(scratch / "inner");
        scratch.write("outside", "secret");
        scratch.write("inner/file", "0123456789");
        inner = native_directory((scratch / "inner").string()).value();
    }
    static Errno error_of(const auto& result) { return result ? Errno::success : result.error(); }
    std::vector<std::string> names() {
        std::vector<std::string> result;
        Vec<DirectoryEntry> entries;
        EXPECT_TRUE(inner->list(entries));
        for (const DirectoryEntry& entry : entries)
            result.emplace_back(entry.name.data(), entry.name.size());
        std::ranges::sort(result);
        return result;
    }

    Scratch scratch;
    Ref<Directory> inner;
};

TEST_F(Win32Test, refuses_names_that_mean_something_else) {
    for (const char* const name : {"..\\outside", "\\outside",   "x\\..\\..\\outside",
                                   "C:",          "C:\\",        "file:stream",
                                   "file::$DATA", "fi*",         "fil?",
                                   "fi<",         "fi>",         "a\"b",
                                   "a|b",         "file.",       "file ",
                                   "...",         "nul",         "NUL",
                                   "con",         "Con.txt",     "aux.",
                                   "PRN",         "com1",        "LPT9.x",
                                   "\\\\.\\nul",  "\\\\?\\C:\\", "a\tb"}) {
        const OpenMode made{.read = true, .write = true, .create = true};
        EXPECT_EQ(error_of(inner->open(name, {.read = true})), Errno::inval) << name;
        EXPECT_EQ(error_of(inner->open(name, made)), Errno::inval) << name;
        EXPECT_EQ(error_of(inner->enter(name)), Errno::inval) << name;
        EXPECT_EQ(error_of(inner->stat_entry(name)), Errno::inval) << name;
        EXPECT_EQ(error_of(inner->make_directory(name)), Errno::inval) << name;
        EXPECT_EQ(error_of(inner->remove_directory(name)), Errno::inval) << name;
        EXPECT_EQ(error_of(inner->unlink(name)), Errno::inval) << name;
        EXPECT_EQ(error_of(inner->rename("file", *inner, name)), Errno::inval) << name;
        EXPECT_EQ(error_of(inner->rename(name, *inner, "new")), Errno::inval) << name;
        EXPECT_EQ(error_of(inner->link("file", *inner, name)), Errno::inval) << name;
        EXPECT_EQ(error_of(inner->set_entry_times(name, {})), Errno::inval) << name;
    }
    EXPECT_EQ(scratch.read("outside"), "secret");
    EXPECT_EQ(names(), std::vector<std::string>{"file"});
}

TEST_F(Win32Test, takes_names_that_only_look_like_devices) {
    for (const char* const name :
         {"com", "com0", "com10", "nul1", "console", ".nul", "a..b", "\xc3\xa4\xe2\x82\xac"}) {
        EXPECT_TRUE(inner->open(name, {.write = true, .create = true, .exclusive = true})) << name;
        EXPECT_TRUE(inner->unlink(name)) << name;
    }
}

TEST_F(Win32Test, refuses_what_is_not_unicode_or_too_long) {
    EXPECT_EQ(error_of(inner->open("a\xff", {.read = true})), Errno::ilseq);
    EXPECT_EQ(error_of(inner->open("\xed\xa0\x80", {.read = true})), Errno::ilseq) << "half of a pair";
    EXPECT_TRUE(inner->open(std::string(255, 'a'), {.write = true, .create = true}));
    EXPECT_EQ(error_of(inner->open(std::string(256, 'a'), {.write = true, .create = true})),
              Errno::nametoolong);
    EXPECT_EQ(error_of(inner->open(std::string(5000, 'a'), {.read = true})), Errno::nametoolong);
}

TEST_F(Win32Test, files_are_read_and_written_at_offsets) {
    auto file = inner->open("file", {.read = true, .write = true});
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->write_at(testing::as_bytes("ab"), 4), 2);
    EXPECT_EQ((*file)->append(testing::as_bytes("xyz")), 3);
    EXPECT_EQ(contents(**file), "0123ab6789xyz");
    EXPECT_TRUE((*file)->set_size(3));
    EXPECT_EQ(contents(**file), "012");
    EXPECT_TRUE((*file)->allocate(0, 2));
    EXPECT_TRUE((*file)->allocate(4, 1));
    EXPECT_EQ(contents(**file), std::string("012\0\0", 5));
    uint8_t byte = 0;
    EXPECT_EQ((*file)->read_at({&byte, 1}, 100), 0);
    EXPECT_EQ(error_of((*file)->read_at({&byte, 1}, UINT64_MAX)), Errno::inval);
    EXPECT_EQ(error_of((*file)->set_size(UINT64_MAX)), Errno::fbig);
    EXPECT_TRUE((*file)->sync(false));
    EXPECT_TRUE(inner->open("file", {.write = true, .truncate = true}));
    EXPECT_EQ(contents(**file), "");
}

TEST_F(Win32Test, opening_says_what_is_wrong) {
    ASSERT_TRUE(inner->make_directory("folder"));
    EXPECT_EQ(error_of(inner->open("absent", {.read = true})), Errno::noent);
    EXPECT_EQ(error_of(inner->open("file", {.read = true, .directory = true})), Errno::notdir);
    EXPECT_EQ(error_of(inner->open("file", {.write = true, .create = true, .exclusive = true})),
              Errno::exist);
    EXPECT_EQ(error_of(inner->open("folder", {.write = true})), Errno::isdir);
    EXPECT_EQ(error_of(inner->enter("file")), Errno::notdir);
    EXPECT_EQ(error_of(inner->make_directory("folder")), Errno::exist);
    EXPECT_EQ(error_of(inner->read_link("file")), Errno::inval);
    const auto opened = inner->open("folder", {.read = true});
    ASSERT_TRUE(opened);
    EXPECT_NE((*opened)->as_directory(), nullptr);
}

TEST_F(Win32Test, entries_are_renamed_linked_and_removed) {
    ASSERT_TRUE(inner->make_directory("one"));
    ASSERT_TRUE(inner->make_directory("two"));
    const auto two = inner->enter("two");
    ASSERT_TRUE(two);
    ASSERT_TRUE((*two)->open("x", {.write = true, .create = true}));
    EXPECT_EQ(error_of(inner->rename("one", *inner, "two")), Errno::notempty);
    EXPECT_EQ(error_of(inner->rename("file", *inner, "two")), Errno::isdir);
    EXPECT_EQ(error_of(inner->rename("one", *inner, "file")), Errno::notdir);
    EXPECT_EQ(error_of(inner->unlink("two")), Errno::isdir);
    EXPECT_EQ(error_of(inner->remove_directory("two")), Errno::notempty);
    EXPECT_EQ(error_of(inner->remove_directory("file")), Errno::notdir);
    EXPECT_TRUE(inner->rename("file", **two, "x"));
    EXPECT_EQ(scratch.read("inner/two/x"), "0123456789");
    EXPECT_TRUE((*two)->link("x", *inner, "again"));
    EXPECT_EQ(inner->stat_entry("again")->links, 2);
    EXPECT_EQ(inner->stat_entry("again")->inode, (*two)->stat_entry("x")->inode);
    EXPECT_TRUE((*two)->unlink("x"));
    EXPECT_TRUE(inner->remove_directory("one"));
    EXPECT_EQ(names(), (std::vector<std::string>{"again", "two"}));
}

TEST_F(Win32Test, times_are_set) {
    NewTimes times;
    times.modification = NewTimes::Change::set;
    times.modified = 1'234'567'890'123'456'700;
    EXPECT_TRUE(inner->set_entry_times("file", times));
    EXPECT_EQ(inner->stat_entry("file")->modified, times.modified);
    const auto file = inner->open("file", {.read = true});
    times.modified += 1'000'000'000;
    EXPECT_TRUE((*file)->set_times(times)) << "although it was opened for reading";
    EXPECT_EQ((*file)->stat()->modified, times.modified);
}

TEST_F(Win32Test, pipes_are_streams) {
    int ends[2];
    ASSERT_EQ(::_pipe(ends, 4096, _O_BINARY), 0);
    auto reader = native_file(ends[0]);
    auto writer = native_file(ends[1]);
    ASSERT_TRUE(reader && writer);
    EXPECT_FALSE((*reader)->ready(Readiness::read)->now);
    const WaitFor waits[] = {{(*reader)->native_descriptor(), Readiness::read}};
    const uint64_t begin = native_host().now(Clock::monotonic).value();
    native_host().wait(waits, 30'000'000, {[](const void*) noexcept { return false; }, nullptr});
    EXPECT_GE(native_host().now(Clock::monotonic).value() - begin, 29'000'000);
    EXPECT_EQ((*writer)->write(testing::as_bytes("abc")), 3);
    EXPECT_EQ((*reader)->ready(Readiness::read)->bytes, 3);
    uint8_t bytes[10];
    EXPECT_EQ((*reader)->read(bytes), 3);
    writer = std::unexpected{Errno::badf}; // closes it
    EXPECT_TRUE((*reader)->ready(Readiness::read)->hangup);
    EXPECT_EQ((*reader)->read(bytes), 0);
    EXPECT_EQ(error_of(native_file(-1)), Errno::badf);
    EXPECT_EQ(error_of(native_file(999)), Errno::badf);
}

TEST_F(Win32Test, random_numbers_differ) {
    uint8_t one[32] = {};
    uint8_t two[32] = {};
    ASSERT_TRUE(native_host().random(one));
    ASSERT_TRUE(native_host().random(two));
    EXPECT_NE(std::memcmp(one, two, sizeof one), 0);
}

} // namespace
} // namespace warpbeam::wasi

#endif
