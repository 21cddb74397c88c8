#include "guest.hpp"
#include "scratch.hpp"
#include "walking_directory.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

/// Trees that lead a program out of the directory that it was given, if anything does.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::Guest;
using warpbeam::wasi::testing::Scratch;
using warpbeam::wasi::testing::WalkingDirectory;

namespace {

constexpr std::string_view canary = "nobody may read this";
constexpr std::string_view inside = "this is for the program";

/// The program has `inside`; next to it lies what it must not reach. Once the paths are resolved by the
/// system, as far as it can do that, and once name by name.
class EscapeTest : public ::testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        std::filesystem::create_directory(scratch / "outside");
        scratch.write("outside/canary", canary);
        std::filesystem::create_directories(root() / "a" / "b");
        scratch.write("inside/file", inside);
        auto directory = native_directory(root().string()).value();
        if (GetParam())
            directory = WalkingDirectory::around(std::move(directory));
        ASSERT_TRUE(guest.context.add_directory("/", std::move(directory)));
    }
    void TearDown() override {
        EXPECT_EQ(scratch.read("outside/canary"), canary);
        size_t entries = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{scratch / "outside"})
            ++entries;
        EXPECT_EQ(entries, 1u) << "nothing was made outside, or removed";
        EXPECT_TRUE(std::filesystem::is_directory(scratch / "outside"));
    }
    [[nodiscard]] std::filesystem::path root() const { return scratch / "inside"; }
    void link(std::string_view target, std::string_view name) const {
        std::filesystem::create_symlink(target, root() / name);
    }
    /// Everything that a program can do with a path to a directory that is not its own.
    void expect_no_way(const std::string& directory) {
        const std::string file = directory + "/canary";
        const std::string made = directory + "/made";
        const auto refuse = [&](Errno errno_, const char* what) {
            EXPECT_NE(errno_, Errno::success) << what << " " << directory;
        };
        refuse(guest.try_open(file, 0, 0, rights::fd_read), "open");
        refuse(guest.try_open(file, oflags::trunc), "truncate");
        refuse(guest.try_open(made, oflags::creat), "create");
        refuse(guest.try_open(made, oflags::creat | oflags::excl), "create a new one");
        refuse(guest.try_open(directory, oflags::directory, 0, rights::directory), "open the directory");
        refuse(guest.try_open(directory + "/", oflags::directory, 0, rights::directory), "with a slash");
        refuse(guest.call("path_filestat_get", 3, 1, file, Guest::result), "stat");
        refuse(guest.call("path_filestat_get", 3, 0, file, Guest::result), "lstat");
        refuse(guest.call("path_filestat_set_times", 3, 1, file, 0, 0, 10), "touch");
        refuse(guest.call("path_create_directory", 3, made), "mkdir");
        refuse(guest.call("path_symlink", "x", 3, made), "symlink");
        refuse(guest.call("path_link", 3, 0, "file", 3, made), "link into");
        refuse(guest.call("path_link", 3, 1, file, 3, "stolen"), "link from");
        refuse(guest.call("path_rename", 3, "file", 3, made), "rename into");
        refuse(guest.call("path_rename", 3, file, 3, "stolen"), "rename from");
        refuse(guest.call("path_unlink_file", 3, file), "unlink");
        refuse(guest.call("path_remove_directory", 3, directory + "/."), "rmdir");
        refuse(guest.call("path_readlink", 3, file, Guest::data, 100, Guest::result), "readlink");
        EXPECT_FALSE(std::filesystem::exists(root() / "stolen"));
    }

    Scratch scratch;
    Guest guest;
};

INSTANTIATE_TEST_SUITE_P(Walks, EscapeTest, ::testing::Bool(), [](const auto& walk) {
    return std::string{walk.param ? "name_by_name" : "by_the_system"};
});

TEST_P(EscapeTest, paths_do_not_lead_out) {
    for (const char* path : {"..", "../outside", "a/../../outside", "a/b/../../../outside", "./../outside",
                             "a//..//..//outside", "a/b/../../../inside/../outside", "../inside"})
        expect_no_way(path);
    expect_no_way((scratch / "outside").string());
    expect_no_way("//" + (scratch / "outside").string());
    expect_no_way("/proc/self/cwd");
}

TEST_P(EscapeTest, links_do_not_lead_out) {
    link("..", "up");
    link("../outside", "sideways");
    link("a/../../outside", "around");
    link((scratch / "outside").string(), "absolute");
    link("/", "system");
    link("/proc/self/root", "magic");
    link("/proc/self/cwd", "cwd");
    link("up", "chain1");
    link("chain1/outside", "chain2");
    link("../../../outside", "a/b/deep");
    link("a/b/deep", "middle");
    link("../..", "a/two_up");
    for (const char* path : {"up/outside", "sideways", "around", "absolute", "chain1/outside", "chain2",
                             "a/b/deep", "middle", "a/two_up/outside", "a/b/../two_up/outside"})
        expect_no_way(path);
    const std::string real = (scratch / "outside").string();
    expect_no_way("system" + real);
    expect_no_way("magic" + real);
    expect_no_way("cwd");
}

TEST_P(EscapeTest, links_that_stay_inside_are_followed) {
    link("../file", "a/up");
    link("a/b", "down");
    link("../../a/b/../up", "a/b/winding");
    link("a/../a/../file", "crossing");
    for (const char* path : {"a/up", "down/../up", "down/winding", "crossing", "a/b/../../file",
                             "a/./b/.././up", "a//b/../..//file"})
        EXPECT_EQ(guest.read(guest.open(path)), inside) << path;
}

TEST_P(EscapeTest, a_descriptor_below_does_not_reach_what_is_above) {
    link("../../file", "a/b/link");
    const uint32_t below = guest.open_directory("a/b");
    for (const char* path : {"..", "../../file", "../b", "link"})
        EXPECT_EQ(guest.try_open(path, 0, 0, rights::fd_read, below), Errno::notcapable) << path;
    EXPECT_EQ(guest.read(guest.open("a/b/link")), inside) << "from further above, it is inside";
}

TEST_P(EscapeTest, a_program_makes_no_links_that_lead_out) {
    for (const char* target : {"/", "/etc", "..", "../outside", "a/../../x", "./.."})
        EXPECT_EQ(guest.call("path_symlink", target, 3, "link"), Errno::notcapable) << target;
    EXPECT_EQ(guest.call("path_symlink", "../..", 3, "a/link"), Errno::notcapable);
    EXPECT_EQ(guest.call("path_symlink", "../file", 3, "a/link"), Errno::success);
    EXPECT_EQ(guest.call("path_symlink", "../../file", guest.open_directory("a/b"), "link"), Errno::success)
        << "seen from the directory that it was given";
    EXPECT_EQ(guest.call("path_symlink", "../../../x", guest.open_directory("a/b"), "link2"),
              Errno::notcapable);
}

TEST_P(EscapeTest, circles_and_long_chains_of_links_end) {
    link("self", "self");
    link("pong", "ping");
    link("ping", "pong");
    link("self/x", "prefix");
    for (const char* path : {"self", "ping", "self/x", "ping/x/y", "prefix", "self/", "prefix/../file"})
        EXPECT_EQ(guest.try_open(path, 0, 0, rights::fd_read), Errno::loop) << path;
    link("file", "l0");
    for (int i = 1; i < 2000; ++i)
        link("l" + std::to_string(i - 1), "l" + std::to_string(i));
    EXPECT_EQ(guest.read(guest.open("l30")), inside);
    EXPECT_EQ(guest.try_open("l41", 0, 0, rights::fd_read), Errno::loop);
    EXPECT_EQ(guest.try_open("l1999", 0, 0, rights::fd_read), Errno::loop);
}

TEST_P(EscapeTest, links_that_double_their_length_end) {
    // Each one goes twice through the one before: the names to visit double, too.
    link("a/..", "d0");
    for (int i = 1; i < 30; ++i) {
        const std::string before = "d" + std::to_string(i - 1);
        link(before + "/" + before, "d" + std::to_string(i));
    }
    EXPECT_EQ(guest.try_open("d29/file", 0, 0, rights::fd_read), Errno::loop);
    EXPECT_EQ(guest.read(guest.open("d3/file")), inside);
}

TEST_P(EscapeTest, names_and_paths_that_are_too_long_are_refused) {
    const std::string name(256, 'n');
    EXPECT_EQ(guest.try_open(name, oflags::creat), Errno::nametoolong);
    EXPECT_EQ(guest.try_open(name + "/x", oflags::creat), Errno::nametoolong);
    EXPECT_EQ(guest.try_open("a/../" + name + "/x", oflags::creat), Errno::nametoolong);
    EXPECT_EQ(guest.try_open(std::string(255, 'n'), oflags::creat), Errno::success);
    EXPECT_EQ(guest.try_open(std::string(4096, 'n')), Errno::nametoolong);
    EXPECT_EQ(guest.try_open(std::string(10'000, '/')), Errno::nametoolong);
    std::string steps;
    while (steps.size() < 4080)
        steps += "a/../";
    EXPECT_EQ(guest.read(guest.open(steps + "file")), inside) << "long, but allowed";
}

TEST_P(EscapeTest, opening_a_pipe_does_not_wait) {
    ASSERT_EQ(::mkfifo((root() / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(guest.try_open("pipe", 0, 0, rights::fd_write), Errno::nxio) << "nobody reads it";
    EXPECT_EQ(guest.try_open("pipe", 0, fdflags::nonblock, rights::fd_read), Errno::success);
}

TEST_P(EscapeTest, magic_links_of_the_system_lead_nowhere) {
    ASSERT_TRUE(guest.context.add_directory("/proc", native_directory("/proc").value()));
    for (const char* path : {"self/root", "self/cwd", "thread-self/root", "self/root/etc/passwd",
                             "self/cwd/.", "self/root/", "self/exe", "self/fd/0/."})
        EXPECT_NE(guest.try_open(path, 0, 0, rights::fd_read | rights::fd_readdir, 4), Errno::success)
            << path;
    EXPECT_EQ(guest.try_open("self/status", 0, 0, rights::fd_read, 4), Errno::success) << "a plain file";
}

// ---- Others change the tree in the meantime ----

/// Runs `change` in a thread of its own, again and again, as long as this lives.
class Meanwhile {
public:
    explicit Meanwhile(std::function<void()> change)
        : thread_{[this, change = std::move(change)] {
              while (!done_.load(std::memory_order_relaxed)) {
                  change();
                  changes_.fetch_add(1, std::memory_order_relaxed);
              }
          }} {}
    ~Meanwhile() {
        done_ = true;
        thread_.join();
    }
    Meanwhile(const Meanwhile&) = delete;
    Meanwhile& operator=(const Meanwhile&) = delete;
    [[nodiscard]] uint64_t changes() const { return changes_.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> done_{false};
    std::atomic<uint64_t> changes_{0};
    std::thread thread_;
};

/// Does something for a while, until the tree has been changed often enough to meet every moment of it.
template <typename Action>
void race(const Meanwhile& other, Action action) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::milliseconds{400};
    while (Clock::now() < end || other.changes() < 50)
        action();
}

TEST_P(EscapeTest, a_directory_that_becomes_a_link_does_not_lead_out) {
    std::filesystem::create_directory(root() / "swapped");
    scratch.write("inside/swapped/canary", inside);
    link("../outside", "evil");
    const std::string a = (root() / "swapped").string();
    const std::string b = (root() / "evil").string();
    const std::string c = (root() / "third").string();
    const Meanwhile swapping{[&] {
        (void)::rename(a.c_str(), c.c_str());
        (void)::rename(b.c_str(), a.c_str());
        ::sched_yield();
        (void)::rename(a.c_str(), b.c_str());
        (void)::rename(c.c_str(), a.c_str());
        ::sched_yield();
    }};
    race(swapping, [&] {
        for (const char* path : {"swapped/canary", "a/../swapped/canary", "swapped/../swapped/canary"})
            if (guest.try_open(path, 0, 0, rights::fd_read) == Errno::success) {
                const uint32_t fd = guest.at<uint32_t>(Guest::result);
                EXPECT_EQ(guest.read(fd), inside);
                EXPECT_EQ(guest.call("fd_close", fd), Errno::success);
            }
        if (guest.try_open("swapped/made", oflags::creat, 0, rights::fd_write) == Errno::success) {
            EXPECT_EQ(guest.call("fd_close", guest.at<uint32_t>(Guest::result)), Errno::success);
        }
        (void)guest.call("path_unlink_file", 3, "swapped/made");
        (void)guest.call("path_create_directory", 3, "swapped/made");
        (void)guest.call("path_remove_directory", 3, "swapped/made");
        (void)guest.call("path_rename", 3, "file", 3, "swapped/moved");
        (void)guest.call("path_rename", 3, "swapped/moved", 3, "file");
        (void)guest.call("path_symlink", "x", 3, "swapped/linked");
        (void)guest.call("path_unlink_file", 3, "swapped/linked");
        (void)guest.call("path_filestat_set_times", 3, 1, "swapped/canary", 1, 1, 5);
    });
    struct stat status{};
    ASSERT_EQ(::stat((scratch / "outside/canary").c_str(), &status), 0);
    EXPECT_NE(status.st_mtim.tv_nsec, 1) << "the times of what is outside are its own";
}

TEST_P(EscapeTest, a_file_that_becomes_a_link_does_not_lead_out) {
    link("../outside/canary", "evil");
    const std::string a = (root() / "file").string();
    const std::string b = (root() / "evil").string();
    const std::string c = (root() / "third").string();
    const Meanwhile swapping{[&] {
        (void)::rename(a.c_str(), c.c_str());
        (void)::rename(b.c_str(), a.c_str());
        (void)::rename(a.c_str(), b.c_str());
        (void)::rename(c.c_str(), a.c_str());
    }};
    race(swapping, [&] {
        for (const uint32_t lookup : {0u, 1u})
            if (guest.try_open("file", 0, 0, rights::fd_read, 3, lookup) == Errno::success) {
                const uint32_t fd = guest.at<uint32_t>(Guest::result);
                EXPECT_EQ(guest.read(fd), inside);
                EXPECT_EQ(guest.call("fd_close", fd), Errno::success);
            }
        if (guest.call("path_link", 3, 1, "file", 3, "linked") == Errno::success) {
            // It may be a new name of the link itself: that leads nowhere, either.
            if (guest.try_open("linked", 0, 0, rights::fd_read) == Errno::success) {
                const uint32_t fd = guest.at<uint32_t>(Guest::result);
                EXPECT_EQ(guest.read(fd), inside);
                EXPECT_EQ(guest.call("fd_close", fd), Errno::success);
            }
            EXPECT_EQ(guest.call("path_unlink_file", 3, "linked"), Errno::success);
        }
        (void)guest.call("path_filestat_set_times", 3, 1, "file", 1, 1, 5);
    });
}

TEST_P(EscapeTest, a_directory_that_moves_away_takes_its_dots_along) {
    // While a path goes down and up again, what it went through moves outside: `..` would then lead there.
    std::filesystem::create_directories(root() / "x" / "y");
    scratch.write("inside/x/canary", inside);
    const std::string from = (root() / "x" / "y").string();
    const std::string to = (scratch / "moved").string();
    std::filesystem::create_directory(scratch / "home");
    scratch.write("canary", canary);
    const Meanwhile moving{[&] {
        (void)::rename(from.c_str(), to.c_str());
        ::sched_yield();
        (void)::rename(to.c_str(), from.c_str());
    }};
    race(moving, [&] {
        for (const char* path : {"x/y/../canary", "x/y/../../x/canary", "x/y/../../a/../x/canary"})
            if (guest.try_open(path, 0, 0, rights::fd_read) == Errno::success) {
                const uint32_t fd = guest.at<uint32_t>(Guest::result);
                EXPECT_EQ(guest.read(fd), inside);
                EXPECT_EQ(guest.call("fd_close", fd), Errno::success);
            }
    });
}

} // namespace
