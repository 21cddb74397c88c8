#include "scratch.hpp"

#include <gtest/gtest.h>
#include <warpbeam/wasi/file_systems.hpp>
#include <warpbeam/wasi/streams.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::as_bytes;
using warpbeam::wasi::testing::contents;
using warpbeam::wasi::testing::Scratch;

namespace {

/// A tree as text: a line for each entry, with its type and contents.
void describe(Directory& directory, const std::string& prefix, std::map<std::string, std::string>& lines) {
    Vec<DirectoryEntry> entries{Allocator::standard()};
    ASSERT_TRUE(directory.list(entries));
    for (const DirectoryEntry& entry : entries) {
        const std::string name{entry.name.data(), entry.name.size()};
        const auto stat = directory.stat_entry(name);
        ASSERT_TRUE(stat) << name;
        if (stat->type == FileType::directory) {
            lines[prefix + name] = "directory";
            describe(**directory.enter(name), prefix + name + "/", lines);
        } else if (stat->type == FileType::symbolic_link) {
            const auto target = directory.read_link(name);
            lines[prefix + name] = "-> " + std::string(target->data(), target->size());
        } else {
            const auto file = directory.open(name, {.read = true});
            ASSERT_TRUE(file) << name;
            lines[prefix + name] =
                std::to_string(stat->size) + " " + std::to_string(stat->links) + " " + contents(**file);
        }
    }
}
std::map<std::string, std::string> describe(Directory& directory) {
    std::map<std::string, std::string> lines;
    describe(directory, "", lines);
    return lines;
}

/// Does random operations on a tree, and says how each ended.
class Operations {
public:
    Operations(Ref<Directory> root, unsigned seed) : random_{seed} {
        directories_.push_back(std::move(root));
    }

    std::string next() {
        static constexpr std::string_view names[] = {"a", "b", "c", "d", "e"};
        const std::string_view name = names[random_() % std::size(names)];
        const std::string_view other = names[random_() % std::size(names)];
        Directory& directory = *directories_[random_() % directories_.size()];
        Directory& to = *directories_[random_() % directories_.size()];
        const auto detail = random_();
        switch (random_() % 10) {
        case 0:
            return said("mkdir", directory.make_directory(name));
        case 1:
            return said("rmdir", directory.remove_directory(name));
        case 2:
            return said("unlink", directory.unlink(name));
        case 3:
            return said("symlink", directory.symlink(other, name));
        case 4:
            return said("link", directory.link(name, to, other));
        case 5:
        case 6:
            return said("rename", directory.rename(name, to, other));
        case 7: {
            auto entered = directory.enter(name);
            const std::string result = said("enter", entered);
            if (entered && directories_.size() < 8)
                directories_.push_back(std::move(*entered));
            return result;
        }
        default: {
            OpenMode mode{.read = true, .write = (detail & 1) != 0, .create = (detail & 2) != 0};
            mode.exclusive = mode.create && (detail & 4) != 0;
            mode.truncate = mode.write && (detail & 8) != 0;
            mode.directory = !mode.create && (detail & 16) != 0;
            auto file = directory.open(name, mode);
            std::string result = said("open", file);
            if (file && (*file)->as_directory() == nullptr && mode.write) {
                result += said("write", (*file)->write_at(as_bytes("text"), detail % 7));
                result += said("append", (*file)->append(as_bytes("more")));
                result += said("resize", (*file)->set_size(detail % 11));
                result += contents(**file);
            }
            return result;
        }
        }
    }

private:
    template <typename T>
    static std::string said(const char* what, const Result<T>& result) {
        return std::string(what) + " " +
               (result ? "ok" : std::to_string(static_cast<unsigned>(result.error()))) + " ";
    }
    std::mt19937 random_;
    std::vector<Ref<Directory>> directories_;
};

void expect_same_operations(const Ref<Directory>& left, const Ref<Directory>& right, unsigned seed) {
    Operations one{left, seed};
    Operations two{right, seed};
    for (int i = 0; i < 2'000; ++i) {
        const std::string expected = one.next();
        ASSERT_EQ(two.next(), expected) << "operation " << i << " of seed " << seed;
        if (i % 100 == 0) {
            ASSERT_EQ(describe(*right), describe(*left)) << "operation " << i << " of seed " << seed;
        }
    }
    EXPECT_EQ(describe(*right), describe(*left));
}

} // namespace

TEST(FileSystems, files_in_memory_behave_like_native_ones) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        const Scratch scratch;
        expect_same_operations(scratch.open(), *memory_directory(), seed);
        if (HasFatalFailure())
            return;
    }
}

TEST(FileSystems, a_layered_tree_behaves_like_a_native_one_and_changes_nothing_below) {
    const auto fill = [](const std::filesystem::path& path) {
        std::filesystem::create_directories(path / "a" / "b" / "c");
        std::ofstream{path / "b"} << "lower";
        std::ofstream{path / "a" / "a"} << "inner";
        std::filesystem::create_symlink("b", path / "c");
        std::filesystem::create_directory(path / "d");
    };
    for (unsigned seed = 0; seed < 20; ++seed) {
        const Scratch native;
        const Scratch lower;
        fill(native.path());
        fill(lower.path());
        const auto before = describe(*lower.open());
        expect_same_operations(native.open(), *layered_directory(lower.open()), seed);
        if (HasFatalFailure())
            return;
        EXPECT_EQ(describe(*lower.open()), before);
    }
}

TEST(FileSystems, what_a_layered_tree_copies_is_as_old_as_it_was) {
    const Scratch lower;
    std::ofstream{lower.path() / "old"} << "text";
    const NewTimes long_ago{NewTimes::Change::set, NewTimes::Change::set, 1'000'000'000, 2'000'000'000};
    ASSERT_TRUE(lower.open()->set_entry_times("old", long_ago));
    const auto root = *layered_directory(lower.open(), {}, []() noexcept { return uint64_t{3'000'000'000}; });
    const auto file = root->open("old", {.read = true, .write = true});
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->stat()->accessed, 1'000'000'000u);
    EXPECT_EQ((*file)->stat()->modified, 2'000'000'000u);
    ASSERT_TRUE((*file)->write_at(as_bytes("T"), 0));
    EXPECT_EQ((*file)->stat()->modified, 3'000'000'000u);
    EXPECT_EQ(root->stat_entry("old")->size, 4u);
}

TEST(FileSystems, a_quota_in_memory_is_kept_and_given_back) {
    const auto root = *memory_directory({.bytes = 2'000});
    const auto file = *root->open("file", {.write = true, .create = true});
    EXPECT_EQ(file->set_size(5'000).error(), Errno::nospc);
    EXPECT_EQ(file->write_at(as_bytes("x"), UINT64_MAX).error(), Errno::inval) << "negative for POSIX";
    EXPECT_EQ(file->write_at(as_bytes("x"), INT64_MAX).error(), Errno::fbig);
    ASSERT_TRUE(file->set_size(1'000));
    EXPECT_EQ(file->write_at(as_bytes("x"), 1'900).error(), Errno::nospc);
    EXPECT_EQ(file->stat()->size, 1'000u);
    ASSERT_TRUE(file->set_size(0));
    // Names and nodes count, too.
    int made = 0;
    while (root->make_directory("d" + std::to_string(made)))
        ++made;
    EXPECT_EQ(root->make_directory("one more").error(), Errno::nospc);
    EXPECT_EQ(made, 5);
    for (int i = 0; i < made; ++i)
        ASSERT_TRUE(root->remove_directory("d" + std::to_string(i)));
    EXPECT_TRUE(file->set_size(1'500));
}

TEST(FileSystems, trees_in_memory_have_a_greatest_depth) {
    Ref<Directory> inner = *memory_directory();
    const Ref<Directory> root = inner;
    Result<> made;
    int depth = 0;
    while ((made = inner->make_directory("d"))) {
        inner = *inner->enter("d");
        ++depth;
    }
    EXPECT_EQ(made.error(), Errno::nametoolong);
    EXPECT_EQ(depth, 1'000);
    // Moving a tree below makes it deeper as well.
    ASSERT_TRUE(root->make_directory("other"));
    ASSERT_TRUE((*root->enter("other"))->make_directory("x"));
    const Ref<Directory> near = *(*root->enter("d"))->enter("d");
    EXPECT_EQ(root->rename("d", **root->enter("other"), "d").error(), Errno::nametoolong);
    EXPECT_EQ(root->rename("d", *near, "d").error(), Errno::inval);
}

TEST(FileSystems, a_name_that_is_too_long_is_refused) {
    const Scratch scratch;
    for (const Ref<Directory>& root : {scratch.open(), *memory_directory()}) {
        EXPECT_EQ(root->make_directory(std::string(256, 'x')).error(), Errno::nametoolong);
        EXPECT_TRUE(root->make_directory(std::string(255, 'x')));
    }
}

TEST(FileSystems, a_file_in_memory_survives_its_name) {
    const auto root = *memory_directory();
    const auto file = *root->open("file", {.write = true, .create = true});
    ASSERT_TRUE(file->write_at(as_bytes("text"), 0));
    ASSERT_TRUE(root->unlink("file"));
    EXPECT_EQ(contents(*file), "text");
    EXPECT_EQ(file->stat()->links, 0u);
    EXPECT_EQ(root->open("file", {.read = true}).error(), Errno::noent);
    // A directory that was removed takes no new entries.
    ASSERT_TRUE(root->make_directory("d"));
    const auto directory = *root->enter("d");
    ASSERT_TRUE(root->remove_directory("d"));
    EXPECT_EQ(directory->make_directory("x").error(), Errno::noent);
}

TEST(Streams, an_output_buffer_keeps_what_fits) {
    Allocator& allocator = Allocator::standard();
    const auto buffer = create_file<OutputBuffer>(allocator, allocator, size_t{6});
    EXPECT_EQ(buffer->write(as_bytes("four")), 4u);
    EXPECT_EQ(buffer->write(as_bytes("five!")), 2u);
    EXPECT_EQ(buffer->write(as_bytes("x")).error(), Errno::nospc);
    EXPECT_EQ(buffer->text(), "fourfi");
    EXPECT_EQ(buffer->read({}).error(), Errno::badf);
}

TEST(Streams, an_input_buffer_says_again_until_it_is_closed) {
    Allocator& allocator = Allocator::standard();
    const auto buffer = create_file<InputBuffer>(allocator, allocator);
    uint8_t bytes[3];
    EXPECT_FALSE(buffer->ready(Readiness::read)->now);
    EXPECT_EQ(buffer->read(bytes).error(), Errno::again);
    std::string seen;
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(buffer->add("abcd"));
        EXPECT_TRUE(buffer->ready(Readiness::read)->now);
        seen.append(bytes, bytes + buffer->read(bytes).value());
    }
    buffer->close();
    while (const size_t size = buffer->read(bytes).value())
        seen.append(bytes, bytes + size);
    std::string expected;
    for (int i = 0; i < 50; ++i)
        expected += "abcd";
    EXPECT_EQ(seen, expected);
    EXPECT_TRUE(buffer->ready(Readiness::read)->now);
}
