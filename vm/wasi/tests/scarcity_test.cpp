#include "guest.hpp"
#include "scarce_allocator.hpp"
#include "scratch.hpp"
#include "walking_directory.hpp"

#include <gtest/gtest.h>
#include <warpbeam/wasi/saved_files.hpp>

#include <cstring>
#include <fcntl.h>
#include <functional>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/// Memory runs out at each point of each function.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::test::ScarceAllocator;
using warpbeam::wasi::testing::Guest;
using warpbeam::wasi::testing::Scratch;
using warpbeam::wasi::testing::WalkingDirectory;

namespace {

/// Has memory for as many allocations as it is told, again and again.
class FailingAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        if (left == 0)
            return nullptr;
        --left;
        return standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        standard().deallocate(block, size, alignment);
    }
    size_t left = SIZE_MAX;
};

struct Step {
    const char* name;
    std::function<Errno(Guest&)> call;
};
const Step steps[] = {
    {"open", [](Guest& g) { return g.try_open("a/b/file", 0, 0, rights::fd_read); }},
    {"open through links", [](Guest& g) { return g.try_open("a/link/../up", 0, 0, rights::fd_read); }},
    {"open a directory", [](Guest& g) { return g.try_open("a/b", oflags::directory, 0, rights::directory); }},
    {"open itself", [](Guest& g) { return g.try_open(".", oflags::directory, 0, rights::directory); }},
    {"list", [](Guest& g) { return g.call("fd_readdir", 3, Guest::data, 500, 0, Guest::result); }},
    {"stat", [](Guest& g) { return g.call("path_filestat_get", 3, 1, "a/up", Guest::result); }},
    {"touch", [](Guest& g) { return g.call("path_filestat_set_times", 3, 1, "a/up", 0, 0, 10); }},
    {"readlink",
     [](Guest& g) { return g.call("path_readlink", 3, "a/./up", Guest::data, 100, Guest::result); }},
    {"mkdir", [](Guest& g) { return g.call("path_create_directory", 3, "a/b/new"); }},
    {"rename", [](Guest& g) { return g.call("path_rename", 3, "a/b/new", 3, "a/link/newer"); }},
    {"rmdir", [](Guest& g) { return g.call("path_remove_directory", 3, "a/b/newer"); }},
    {"symlink", [](Guest& g) { return g.call("path_symlink", "x", 3, "a/b/new"); }},
    {"link", [](Guest& g) { return g.call("path_link", 3, 1, "a/up", 3, "a/b/linked"); }},
    {"unlink", [](Guest& g) { return g.call("path_unlink_file", 3, "a/b/linked"); }},
};

/// Calls until there is memory enough; returns how often there was not. `before` and `after` are called
/// around a call that failed.
size_t failures_of(
    FailingAllocator& scarce, Guest& guest, const char* name, const std::function<Errno()>& call,
    const std::function<void()>& before = [] {}, const std::function<void()>& after = [] {}) {
    for (size_t failures = 0; failures < 1000; ++failures) {
        before();
        const size_t open = guest.context.descriptors().all().size();
        scarce.left = failures;
        const Errno outcome = call();
        scarce.left = SIZE_MAX;
        if (outcome == Errno::success)
            return failures;
        EXPECT_EQ(static_cast<int>(outcome), static_cast<int>(Errno::nomem)) << name;
        EXPECT_EQ(guest.context.descriptors().all().size(), open) << name << " leaves nothing open";
        after();
    }
    ADD_FAILURE() << name << " never succeeds";
    return 0;
}

/// What the steps work on.
void fill(const Scratch& scratch) {
    std::filesystem::create_directories(scratch / "a/b");
    scratch.write("a/b/file", "text");
    scratch.write("file", "text");
    std::filesystem::create_symlink("b", scratch / "a/link");
    std::filesystem::create_symlink("../file", scratch / "a/up");
}

class ScarcityTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Walks, ScarcityTest, ::testing::Bool(), [](const auto& walk) {
    return std::string{walk.param ? "name_by_name" : "by_the_system"};
});

TEST_P(ScarcityTest, every_function_reports_it_and_works_again_later) {
    const Scratch scratch;
    fill(scratch);
    FailingAllocator scarce;
    Guest guest{{}, native_host(), {}, scarce};
    auto directory = native_directory(scratch.path().string(), scarce).value();
    if (GetParam())
        directory = WalkingDirectory::around(std::move(directory));
    ASSERT_TRUE(guest.context.add_directory("/", std::move(directory)));
    for (const Step& step : steps) {
        const size_t failures = failures_of(scarce, guest, step.name, [&] { return step.call(guest); });
        if (GetParam() || std::string_view{step.name} == "open") {
            EXPECT_GT(failures, 0u) << step.name << " needs memory";
        }
    }
}

/// Files in memory, over others or alone.
class TreeScarcityTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Trees, TreeScarcityTest, ::testing::Bool(),
                         [](const auto& tree) { return std::string{tree.param ? "layered" : "in_memory"}; });

TEST_P(TreeScarcityTest, a_call_without_memory_changes_nothing) {
    const Scratch scratch;
    fill(scratch);
    FailingAllocator scarce;
    Guest guest{{}, native_host(), {}, scarce};
    const auto tree = layered_directory(GetParam() ? scratch.open() : nullptr, {}, nullptr, scarce).value();
    ASSERT_TRUE(guest.context.add_directory("/", tree));
    if (!GetParam()) {
        ASSERT_TRUE(tree->make_directory("a"));
        const Ref<Directory> a = *tree->enter("a");
        ASSERT_TRUE(a->make_directory("b") && a->symlink("b", "link") && a->symlink("../file", "up"));
        ASSERT_TRUE(tree->open("file", {.write = true, .create = true}));
        ASSERT_TRUE((*a->enter("b"))->open("file", {.write = true, .create = true}));
    }
    // The names of all entries, as a program sees them: copying up may have begun, and shows nothing.
    const auto names = [&] {
        std::string all;
        for (const Ref<Directory>& each : {tree, *tree->enter("a"), *(*tree->enter("a"))->enter("b")}) {
            Vec<DirectoryEntry> entries;
            EXPECT_TRUE(each->list(entries));
            std::vector<std::string> sorted;
            for (const DirectoryEntry& entry : entries)
                sorted.emplace_back(entry.name.data(), entry.name.size());
            std::ranges::sort(sorted);
            for (const std::string& name : sorted)
                all += name + " ";
            all += "/ ";
        }
        return all;
    };
    for (const Step& step : steps) {
        std::string before;
        (void)failures_of(
            scarce, guest, step.name, [&] { return step.call(guest); }, [&] { before = names(); },
            [&] { EXPECT_EQ(names(), before) << step.name; });
    }
}

TEST(SocketScarcityTest, nothing_that_was_sent_is_lost) {
    FailingAllocator scarce;
    Guest guest{{}, native_host(), {}, scarce};
    const Scratch scratch;
    // A message that comes in two buffers, which are too large to be moved together on the way.
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
    const uint32_t fd = guest.context.add_file(native_file(ends[0], scarce).value()).value();
    const std::string message = std::string(6000, 'a') + std::string(3000, 'b');
    // In one buffer it needs no room on the way.
    ASSERT_EQ(::write(ends[1], message.data(), message.size()), 9000);
    guest.put_buffers({{8192, 9000}});
    EXPECT_EQ(failures_of(scarce, guest, "sock_recv",
                          [&] {
                              return guest.call("sock_recv", fd, Guest::list, 1, 0, Guest::result,
                                                Guest::result + 8);
                          }),
              0u);
    EXPECT_EQ(guest.text(8192, 9000), message);
    guest.put_text(8192, std::string(9000, '\0'));
    ASSERT_EQ(::write(ends[1], message.data(), message.size()), 9000);
    guest.put_buffers({{8192, 4096}, {8192 + 4096, 8192}});
    EXPECT_GT(failures_of(scarce, guest, "sock_recv",
                          [&] {
                              return guest.call("sock_recv", fd, Guest::list, 2, 0, Guest::result,
                                                Guest::result + 8);
                          }),
              0u);
    EXPECT_EQ(guest.at<uint32_t>(Guest::result), 9000u);
    EXPECT_EQ(guest.text(8192, 9000), message);
    guest.put_buffers({{8192, 6000}, {8192 + 6000, 3000}});
    EXPECT_GT(failures_of(scarce, guest, "sock_send",
                          [&] { return guest.call("sock_send", fd, Guest::list, 2, 0, Guest::result); }),
              0u);
    std::string bytes(20000, ' ');
    EXPECT_EQ(::read(ends[1], bytes.data(), bytes.size()), 9000) << "and it was sent once";
    EXPECT_EQ(bytes.substr(0, 9000), message);
    EXPECT_EQ(::recv(ends[1], bytes.data(), bytes.size(), MSG_DONTWAIT), -1);

    // A connection that waits to be accepted.
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = (scratch / "socket").string();
    ASSERT_LT(path.size(), sizeof address.sun_path);
    std::strcpy(address.sun_path, path.c_str());
    ASSERT_EQ(::bind(server, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(server, 4), 0);
    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::write(client, "hello", 5), 5);
    const uint32_t listener = guest.context.add_file(native_file(server, scarce).value()).value();
    EXPECT_GT(failures_of(scarce, guest, "sock_accept",
                          [&] { return guest.call("sock_accept", listener, 0, Guest::result); }),
              0u);
    const uint32_t accepted = guest.at<uint32_t>(Guest::result);
    guest.put_buffers({{8192, 100}});
    EXPECT_EQ(guest.call("sock_recv", accepted, Guest::list, 1, 0, Guest::result, Guest::result + 8),
              Errno::success);
    EXPECT_EQ(guest.text(8192, 5), "hello");
    ::close(client);
    ::close(ends[1]);
}

TEST(PollScarcityTest, a_poll_without_memory_can_be_made_again) {
    FailingAllocator scarce;
    Guest guest{{}, native_host(), {}, scarce};
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const uint32_t fd = guest.context.add_file(native_file(ends[0], scarce).value()).value();
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
    // Clocks, and a stream that is ready: 48 bytes each.
    constexpr uint32_t count = 100;
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t at = 8192 + 48 * i;
        guest.put<uint64_t>(at, i);
        guest.put<uint8_t>(at + 8, i % 2 == 0 ? 1 : 0);
        if (i % 2 == 0) {
            guest.put<uint32_t>(at + 16, fd);
        } else {
            guest.put<uint32_t>(at + 16, 1);
            guest.put<uint64_t>(at + 24, 3'600'000'000'000);
        }
    }
    (void)failures_of(scarce, guest, "poll_oneoff",
                      [&] { return guest.call("poll_oneoff", 8192, 32768, count, Guest::result); });
    EXPECT_EQ(guest.at<uint32_t>(Guest::result), count / 2);
    ::close(ends[1]);
}

TEST(SavedFilesScarcityTest, saving_and_restoring_are_whole_or_fail) {
    const Scratch scratch;
    scratch.write("file", "text");
    FailingAllocator scarce;
    const auto make = [&](Context& context) {
        const auto tree = memory_directory({}, nullptr, scarce);
        return tree && context.add_directory("/native", *native_directory(scratch.path().string(), scarce)) &&
               context.add_directory("/memory", *tree);
    };
    Guest guest{{}, native_host(), {}, scarce};
    ASSERT_TRUE(make(guest.context));
    ASSERT_EQ(guest.try_open("file", 0, 0, rights::fd_read), Errno::success);
    ASSERT_TRUE(guest.context.roots()[1].directory->make_directory("a"));
    ASSERT_EQ(guest.call("path_open", 4, 0, "a/new", oflags::creat, rights::fd_read | rights::fd_write, 0, 0,
                         Guest::result),
              Errno::success);
    SnapshotBuffer whole;
    ASSERT_TRUE(save_files(guest.context, whole));
    const std::string expected{whole.bytes().begin(), whole.bytes().end()};
    for (size_t failures = 0;; ++failures) {
        ASSERT_LT(failures, 1000u);
        SnapshotBuffer sink; // of another allocator
        scarce.left = failures;
        const auto saved = save_files(guest.context, sink);
        scarce.left = SIZE_MAX;
        if (saved) {
            EXPECT_EQ((std::string{sink.bytes().begin(), sink.bytes().end()}), expected);
            break;
        }
        EXPECT_EQ(saved.error().code(), ErrorCode::out_of_memory) << saved.error().message();
    }
    size_t failed = 0;
    for (;; ++failed) {
        ASSERT_LT(failed, 1000u);
        Context context{native_host(), scarce};
        ASSERT_TRUE(make(context));
        SnapshotBytes source{{reinterpret_cast<const uint8_t*>(expected.data()), expected.size()}};
        scarce.left = failed;
        const auto restored = restore_files(context, source);
        scarce.left = SIZE_MAX;
        if (restored) {
            EXPECT_NE(context.descriptors().find(6), nullptr);
            break;
        }
        EXPECT_EQ(restored.error().code(), ErrorCode::out_of_memory) << restored.error().message();
        for (uint32_t fd = 0; fd < 8; ++fd)
            EXPECT_EQ(context.descriptors().find(fd), nullptr) << "after an error, nothing is open";
    }
    EXPECT_GT(failed, 0u);
}

TEST(ContextScarcityTest, a_context_is_made_whole_or_says_that_it_is_not) {
    const Scratch scratch;
    bool is_whole = false;
    for (size_t successes = 0; !is_whole; ++successes) {
        ASSERT_LT(successes, 1000u);
        ScarceAllocator scarce{successes};
        {
            Context context{native_host(), scarce};
            const bool has_streams = context.descriptors().find(2) != nullptr;
            const auto argument = context.add_arg("program");
            if (!argument) {
                EXPECT_EQ(argument.error().code(), ErrorCode::out_of_memory);
            }
            const auto variable = context.add_env("NAME", "value");
            const auto directory = native_directory(scratch.path().string(), scarce);
            if (!directory) {
                EXPECT_EQ(static_cast<int>(directory.error()), static_cast<int>(Errno::nomem));
            }
            const bool added = directory && context.add_directory("/", *directory);
            EXPECT_EQ(context.roots().size(), added ? 1u : 0u);
            is_whole = has_streams && argument && variable && added;
        }
        EXPECT_EQ(scarce.live, 0);
    }
}

} // namespace
