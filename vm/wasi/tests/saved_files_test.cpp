#include "scratch.hpp"

#include <warpbeam/wasi/saved_files.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

using namespace warpbeam;
using namespace warpbeam::wasi;
using wasi::testing::as_bytes;
using wasi::testing::contents;
using wasi::testing::Scratch;

namespace {

class SavedFiles : public ::testing::Test {
public:
    /// Opens a file as path_open does.
    static void open(Context& context, uint32_t root, std::string_view path, Rights rights, uint64_t offset) {
        Descriptor descriptor{Allocator::standard()};
        descriptor.file = *context.roots()[root].directory->open(
            path, {.read = true, .write = (rights & rights::fd_write) != 0, .create = true});
        descriptor.origin = Origin::path;
        descriptor.root = root;
        ASSERT_TRUE(descriptor.path.append({path.data(), path.size()}));
        descriptor.rights = rights;
        descriptor.offset = offset;
        ASSERT_TRUE(context.descriptors().add(std::move(descriptor)));
    }
    [[nodiscard]] Ref<Directory> native() const { return scratch_.open(); }
    static std::string save(const Context& context) {
        SnapshotBuffer sink;
        const auto saved = save_files(context, sink);
        EXPECT_TRUE(saved) << saved.error().message();
        return {sink.bytes().begin(), sink.bytes().end()};
    }
    static std::expected<void, Error> restore(Context& context, std::string_view bytes,
                                              const RestoreFiles& how = {}) {
        SnapshotBytes source{as_bytes(bytes)};
        return restore_files(context, source, how);
    }

protected:
    const Scratch scratch_;
};

constexpr Rights reading_and_writing = rights::fd_read | rights::fd_write | rights::fd_seek;

} // namespace

TEST_F(SavedFiles, native_files_are_opened_again_where_they_were) {
    Context context;
    ASSERT_TRUE(context.add_directory("/data", native()));
    open(context, 0, "file", reading_and_writing, 2);
    ASSERT_TRUE(context.descriptors().find(4)->file->write_at(as_bytes("hello"), 0));
    context.descriptors().find(4)->flags = fdflags::append;
    context.descriptors().close(0);
    context.descriptors().renumber(1, 2);
    const std::string saved = save(context);

    Context other;
    ASSERT_TRUE(other.add_directory("/elsewhere", native()));
    const auto restored = restore(other, saved);
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_EQ(other.descriptors().find(0), nullptr);
    EXPECT_EQ(other.descriptors().find(1), nullptr);
    // What the program sees of its directory stays.
    const Descriptor& root = *other.descriptors().find(3);
    EXPECT_EQ(std::string(root.name.begin(), root.name.end()), "/data");
    const Descriptor& file = *other.descriptors().find(4);
    EXPECT_EQ(file.offset, 2u);
    EXPECT_EQ(file.flags, fdflags::append);
    EXPECT_EQ(file.rights, reading_and_writing);
    EXPECT_EQ(contents(*file.file), "hello");
    EXPECT_TRUE(file.file->write_at(as_bytes("j"), 0));
}

TEST_F(SavedFiles, no_descriptor_may_do_more_than_its_directory_allows) {
    Context context;
    ASSERT_TRUE(context.add_directory("/data", native()));
    open(context, 0, "file", reading_and_writing, 0);
    const std::string saved = save(context);
    Context other;
    ASSERT_TRUE(other.add_directory("/data", native(), Access::read_only));
    ASSERT_TRUE(restore(other, saved));
    EXPECT_EQ(other.descriptors().find(4)->rights & rights::fd_write, 0u);
    EXPECT_EQ(other.descriptors().find(4)->file->write_at(as_bytes("x"), 0).error(), Errno::badf);
    EXPECT_EQ(other.descriptors().find(3)->rights & rights::path_create_file, 0u);
}

TEST_F(SavedFiles, changed_and_missing_files_are_errors_unless_somebody_replaces_them) {
    Context context;
    ASSERT_TRUE(context.add_directory("/data", native()));
    open(context, 0, "file", reading_and_writing, 0);
    const std::string saved = save(context);
    std::ofstream{scratch_ / "file"} << "longer";

    Context changed;
    ASSERT_TRUE(changed.add_directory("/data", native()));
    EXPECT_EQ(restore(changed, saved).error().message(),
              "file descriptor 4 (file) can't be restored: the file was changed");
    EXPECT_EQ(changed.descriptors().find(3), nullptr);

    Errno why = Errno::success;
    RestoreFiles how;
    how.data = &why;
    how.replace = [](void* data, const LostFile& lost) noexcept {
        *static_cast<Errno*>(data) = lost.why;
        return lost.found;
    };
    Context accepted;
    ASSERT_TRUE(accepted.add_directory("/data", native()));
    ASSERT_TRUE(restore(accepted, saved, how));
    EXPECT_EQ(why, Errno::stale);
    EXPECT_EQ(contents(*accepted.descriptors().find(4)->file), "longer");

    std::filesystem::remove(scratch_ / "file");
    Context missing;
    ASSERT_TRUE(missing.add_directory("/data", native()));
    EXPECT_EQ(restore(missing, saved, how).error().message(),
              "file descriptor 4 (file) can't be restored: the file can't be opened");
    EXPECT_EQ(why, Errno::noent);
}

TEST_F(SavedFiles, what_has_no_path_is_refused) {
    Context context;
    ASSERT_TRUE(context.add_directory("/data", native()));
    open(context, 0, "file", reading_and_writing, 0);
    std::filesystem::rename(scratch_ / "file", scratch_ / "other");
    SnapshotBuffer sink;
    EXPECT_EQ(save_files(context, sink).error().message(),
              "file descriptor 4 (file) can't be saved: the file was removed or renamed");
    // Another file under that name is not the same.
    std::ofstream{scratch_ / "file"} << "";
    EXPECT_FALSE(save_files(context, sink));
    context.descriptors().close(4);
    EXPECT_TRUE(save_files(context, sink));
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    ASSERT_EQ(context.add_file(*native_file(pipe[0])), 4u);
    EXPECT_EQ(save_files(context, sink).error().message(),
              "file descriptor 4 () can't be saved: it was not opened by a path");
    ::close(pipe[1]);
}

TEST_F(SavedFiles, trees_in_memory_are_saved_whole) {
    std::filesystem::create_directories(scratch_ / "lower" / "inner");
    std::ofstream{scratch_ / "gone"} << "x";
    Context context;
    ASSERT_TRUE(context.add_directory("/", *layered_directory(native())));
    Directory& root = *context.roots()[0].directory;
    ASSERT_TRUE(root.unlink("gone"));
    ASSERT_TRUE((*root.open("one", {.write = true, .create = true}))->write_at(as_bytes("text"), 10'000));
    ASSERT_TRUE(root.link("one", root, "two"));
    ASSERT_TRUE(root.symlink("one", "three"));
    // A directory from below that has moved.
    ASSERT_TRUE(root.rename("lower", root, "moved"));
    ASSERT_TRUE((*root.enter("moved"))->make_directory("new"));
    open(context, 0, "one", reading_and_writing, 7);
    const std::string saved = save(context);

    Context other;
    ASSERT_TRUE(other.add_directory("/", *layered_directory(native())));
    const auto restored = restore(other, saved);
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_TRUE(save(other) == saved);
    Directory& again = *other.roots()[0].directory;
    EXPECT_EQ(again.stat_entry("gone").error(), Errno::noent);
    EXPECT_EQ(again.stat_entry("lower").error(), Errno::noent);
    EXPECT_EQ(again.stat_entry("one")->size, 10'004u);
    EXPECT_EQ(again.stat_entry("two")->inode, again.stat_entry("one")->inode);
    EXPECT_EQ(again.stat_entry("two")->links, 2u);
    EXPECT_EQ(again.stat_entry("three")->type, FileType::symbolic_link);
    const auto moved = *again.enter("moved");
    EXPECT_TRUE(moved->enter("new"));
    EXPECT_TRUE(moved->enter("inner"));
    EXPECT_EQ(other.descriptors().find(4)->offset, 7u);

    Context wrong;
    ASSERT_TRUE(wrong.add_directory("/", native()));
    EXPECT_EQ(restore(wrong, saved).error().code(), ErrorCode::usage);
    Context none;
    EXPECT_EQ(restore(none, saved).error().code(), ErrorCode::usage);
    Context small;
    ASSERT_TRUE(small.add_directory("/", *layered_directory(native(), {.bytes = 5'000})));
    EXPECT_EQ(restore(small, saved).error().code(), ErrorCode::limit);
}

// There are more entries than one block has room for; what they had of the quota is there again.
TEST_F(SavedFiles, a_tree_that_is_not_empty_is_replaced) {
    Context context;
    ASSERT_TRUE(context.add_directory("/", *memory_directory({.bytes = 200'000})));
    Directory& root = *context.roots()[0].directory;
    constexpr int count = 300;
    const auto fill = [&](char first) {
        for (int i = 0; i < count; ++i)
            ASSERT_TRUE(root.make_directory(first + std::to_string(i)));
        ASSERT_TRUE((*root.open("file", {.write = true, .create = true}))->write_at(as_bytes("x"), 50'000));
    };
    fill('a');
    const std::string saved = save(context);
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < count; ++i)
            ASSERT_TRUE(root.remove_directory("a" + std::to_string(i)));
        fill('b');
        const auto restored = restore(context, saved);
        ASSERT_TRUE(restored) << restored.error().message();
        EXPECT_TRUE(save(context) == saved);
        EXPECT_EQ(root.stat_entry("b0").error(), Errno::noent);
        EXPECT_TRUE(root.stat_entry("a299"));
    }
}

TEST_F(SavedFiles, damaged_bytes_are_errors_and_leave_nothing_open) {
    Context context;
    ASSERT_TRUE(context.add_directory("/", *memory_directory()));
    Directory& root = *context.roots()[0].directory;
    ASSERT_TRUE(root.make_directory("d"));
    ASSERT_TRUE(root.symlink("a", "l"));
    open(context, 0, "f", reading_and_writing, 3);
    ASSERT_TRUE(root.link("f", root, "g"));
    const std::string saved = save(context);
    for (size_t size = 0; size < saved.size(); ++size) {
        Context other;
        ASSERT_TRUE(other.add_directory("/", *memory_directory()));
        EXPECT_FALSE(restore(other, saved.substr(0, size))) << size;
    }
    // Each byte changed, in several ways: it need not be noticed, but no descriptor gets a right that its
    // directory has not.
    for (size_t i = 0; i < saved.size(); ++i)
        for (const int change : {0x01, 0x80, 0xff}) {
            std::string damaged = saved;
            damaged[i] = static_cast<char>(damaged[i] ^ change);
            Context other;
            ASSERT_TRUE(other.add_directory("/", *memory_directory({.bytes = 100'000}), Access::read_only));
            const auto restored = restore(other, damaged);
            size_t open = 0;
            for (const Descriptor& descriptor : other.descriptors().all()) {
                open += descriptor.is_open() ? 1 : 0;
                if (descriptor.origin != Origin::stream) {
                    EXPECT_EQ(descriptor.rights & rights::fd_write, 0u);
                }
            }
            if (!restored) {
                EXPECT_EQ(open, 0u) << i;
            }
        }
}
