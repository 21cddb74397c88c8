#include "guest.hpp"
#include "scarce_allocator.hpp"
#include "scratch.hpp"
#include "walking_directory.hpp"

#include <gtest/gtest.h>

#include <functional>

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

class ScarcityTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Walks, ScarcityTest, ::testing::Bool(), [](const auto& walk) {
    return std::string{walk.param ? "name_by_name" : "by_the_system"};
});

TEST_P(ScarcityTest, every_function_reports_it_and_works_again_later) {
    const Scratch scratch;
    std::filesystem::create_directories(scratch / "a/b");
    scratch.write("a/b/file", "text");
    scratch.write("file", "text");
    std::filesystem::create_symlink("b", scratch / "a/link");
    std::filesystem::create_symlink("../file", scratch / "a/up");
    FailingAllocator scarce;
    Guest guest{{}, native_host(), {}, scarce};
    auto directory = native_directory(scratch.path().string(), scarce).value();
    if (GetParam())
        directory = WalkingDirectory::around(std::move(directory));
    ASSERT_TRUE(guest.context.add_directory("/", std::move(directory)));
    for (const Step& step : steps) {
        size_t failures = 0;
        for (;; ++failures) {
            ASSERT_LT(failures, 1000u) << step.name;
            const size_t open = guest.context.descriptors().all().size();
            scarce.left = failures;
            const Errno outcome = step.call(guest);
            scarce.left = SIZE_MAX;
            if (outcome == Errno::success)
                break;
            EXPECT_EQ(static_cast<int>(outcome), static_cast<int>(Errno::nomem)) << step.name;
            EXPECT_EQ(guest.context.descriptors().all().size(), open) << step.name << " leaves nothing open";
        }
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
    std::filesystem::create_directories(scratch / "a/b");
    scratch.write("a/b/file", "text");
    scratch.write("file", "text");
    std::filesystem::create_symlink("b", scratch / "a/link");
    std::filesystem::create_symlink("../file", scratch / "a/up");
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
        for (size_t failures = 0;; ++failures) {
            ASSERT_LT(failures, 1000u) << step.name;
            const std::string before = names();
            const size_t open = guest.context.descriptors().all().size();
            scarce.left = failures;
            const Errno outcome = step.call(guest);
            scarce.left = SIZE_MAX;
            if (outcome == Errno::success)
                break;
            EXPECT_EQ(static_cast<int>(outcome), static_cast<int>(Errno::nomem)) << step.name;
            EXPECT_EQ(guest.context.descriptors().all().size(), open) << step.name << " leaves nothing open";
            EXPECT_EQ(names(), before) << step.name;
        }
    }
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
