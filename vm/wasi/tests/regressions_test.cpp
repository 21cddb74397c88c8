#include "guest.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>
#include <warpbeam/vm/execution.hpp>
#include <warpbeam/wasi/poll_starts.hpp>
#include <warpbeam/wasi/saved_files.hpp>
#include <warpbeam/wasi/seeded_random.hpp>
#include <warpbeam/wasi/streams.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>

/// Faults that a review has found, each with the case that showed it.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::Guest;
using warpbeam::wasi::testing::Scratch;

TEST(Regressions, a_file_below_a_layer_can_only_be_read) {
    const Scratch scratch;
    scratch.write("file", "text");
    const auto before = std::filesystem::last_write_time(scratch / "file");
    const auto layered = *layered_directory(scratch.open());
    const auto file = *layered->open("file", {.read = true});
    EXPECT_EQ(file->set_times({NewTimes::Change::set, NewTimes::Change::set, 1, 1}).error(), Errno::rofs);
    EXPECT_FALSE(file->set_size(0));
    EXPECT_FALSE(file->write_at(warpbeam::wasi::testing::as_bytes("x"), 0));
    EXPECT_EQ(std::filesystem::last_write_time(scratch / "file"), before);
    EXPECT_EQ(scratch.read("file"), "text");
    // What is no file can't be opened by way of one.
    std::filesystem::create_directory(scratch / "directory");
    EXPECT_NE((*layered->open("directory", {.read = true}))->as_directory(), nullptr);
    EXPECT_FALSE((*layered->enter("directory"))->open("missing", {.read = true}));
}

TEST(Regressions, files_in_memory_have_the_times_that_they_are_given) {
    const Scratch scratch;
    scratch.write("copied", "text");
    ASSERT_TRUE(
        (*scratch.open()->open("copied", {.read = true, .write = true}))
            ->set_times({NewTimes::Change::set, NewTimes::Change::set, 3'000'000'000, 4'000'000'000}));
    for (const auto& root : {*memory_directory(), *layered_directory(scratch.open())}) {
        const auto file = *root->open("file", {.write = true, .create = true});
        ASSERT_TRUE(
            file->set_times({NewTimes::Change::set, NewTimes::Change::set, 1'000'000'000, 2'000'000'000}));
        EXPECT_EQ(file->stat()->accessed, 1'000'000'000u);
        EXPECT_EQ(file->stat()->modified, 2'000'000'000u);
        ASSERT_TRUE(file->set_times({NewTimes::Change::set, NewTimes::Change::keep, 5'000'000'000, 1}));
        EXPECT_EQ(file->stat()->accessed, 5'000'000'000u);
        EXPECT_EQ(file->stat()->modified, 2'000'000'000u);
    }
    // What a layer copies has the times of the original.
    const auto layered = *layered_directory(scratch.open());
    const auto copy = *layered->open("copied", {.write = true});
    EXPECT_EQ(copy->stat()->modified, 4'000'000'000u);
}

TEST(Regressions, seeded_bytes_are_those_of_splitmix64) {
    // The first two numbers of the seed 1234567 in the author's program, from the lowest byte.
    SeededRandom random{1234567};
    std::array<uint8_t, 16> bytes{};
    random.fill(bytes);
    uint64_t numbers[2] = {};
    for (size_t i = 0; i < bytes.size(); ++i)
        numbers[i / 8] |= uint64_t{bytes[i]} << i % 8 * 8;
    EXPECT_EQ(numbers[0], 6457827717110365317u);
    EXPECT_EQ(numbers[1], 3203168211198807973u);
}

TEST(Regressions, seeded_bytes_are_those_of_their_numbers) {
    SeededRandom whole{5}, parts{5};
    std::array<uint8_t, 20> all{}, some{};
    whole.fill(all);
    parts.fill(std::span{some}.first(8));
    parts.fill(std::span{some}.subspan(8, 8));
    parts.fill(std::span{some}.subspan(16));
    EXPECT_EQ(all, some);
    EXPECT_EQ(whole.state(), parts.state());
    EXPECT_NE(all[0] | all[1] | all[2] | all[3], 0);
    parts.fill(some);
    EXPECT_NE(all, some);
}

TEST(Regressions, a_directory_that_is_moved_counts_where_it_is) {
    const auto root = *memory_directory();
    const auto depth_below = [](Ref<Directory> at) {
        size_t depth = 0;
        while (at->make_directory("d")) {
            at = *at->enter("d");
            ++depth;
        }
        return depth;
    };
    ASSERT_TRUE(root->make_directory("moved"));
    ASSERT_TRUE(root->make_directory("a"));
    auto into = *root->enter("a");
    for (int i = 0; i < 9; ++i) {
        ASSERT_TRUE(into->make_directory("a"));
        into = *into->enter("a");
    }
    const size_t here = depth_below(*root->enter("a"));
    ASSERT_TRUE(root->rename("moved", *into, "moved"));
    EXPECT_EQ(depth_below(*into->enter("moved")), here - 10);
}

TEST(Regressions, the_last_64_calls_that_wait_are_known) {
    PollStarts starts{Allocator::standard()};
    const auto recalled = [&](uint64_t address) {
        Result<uint64_t> times[2] = {0, 0};
        starts.recall(address, times);
        return *times[0] + *times[1];
    };
    for (const uint64_t count : {1u, 2u, 64u, 65u, 100u}) {
        for (uint64_t i = 1; i <= count; ++i)
            starts.remember(i * 16, std::array<Result<uint64_t>, 2>{i, 1000 * i});
        EXPECT_EQ(recalled(7), 0u);
        for (uint64_t i = 1; i <= count; ++i)
            EXPECT_EQ(recalled(i * 16), count - i < 64 ? 1001 * i : 0) << count;
        EXPECT_EQ(recalled(16 * count), 0u) << "it is forgotten then";
    }
}

TEST(Regressions, an_open_without_a_free_number_changes_nothing) {
    const Scratch scratch;
    scratch.write("file", "text");
    Guest guest;
    ASSERT_TRUE(guest.context.add_directory("/", scratch.open()));
    guest.context.set_max_descriptors(4);
    EXPECT_EQ(guest.try_open("file", oflags::trunc), Errno::mfile);
    EXPECT_EQ(scratch.read("file"), "text");
    EXPECT_EQ(guest.try_open("new", oflags::creat), Errno::mfile);
    EXPECT_FALSE(std::filesystem::exists(scratch / "new"));
}

TEST(Regressions, a_restored_stream_has_no_more_rights_than_the_new_one) {
    Context context;
    context.descriptors().find(0)->rights = ~Rights{0};
    SnapshotBuffer saved;
    ASSERT_TRUE(save_files(context, saved));
    Context other;
    SnapshotBytes bytes{saved.bytes()};
    const Rights before = other.descriptors().find(0)->rights;
    ASSERT_TRUE(restore_files(other, bytes));
    EXPECT_EQ(other.descriptors().find(0)->rights, before);
}

TEST(Regressions, a_loop_in_the_new_name_of_a_link_is_a_loop) {
#ifdef _WIN32
    GTEST_SKIP() << "no symbolic links here";
#endif
    const Scratch scratch;
    scratch.write("file", "");
    Guest guest;
    ASSERT_TRUE(guest.context.add_directory("/", scratch.open()));
    std::filesystem::create_symlink("self", scratch / "self");
    for (const uint32_t follow : {0u, 1u})
        EXPECT_EQ(guest.call("path_link", 3, follow, "file", 3, "self/x"), Errno::loop) << follow;
}

TEST(Regressions, an_empty_buffer_does_not_keep_a_clock_from_its_time) {
    Allocator& allocator = Allocator::standard();
    const auto input = create_file<InputBuffer>(allocator, allocator);
    Guest guest;
    ASSERT_TRUE(guest.context.set_stream(Stream::in, input));
    const auto subscribe = [&](uint64_t at, uint64_t user_data, uint8_t type, uint32_t subject) {
        guest.put(at, user_data);
        guest.put(at + 8, type);
        guest.put(at + 16, subject);
        guest.put(at + 24, uint64_t{1'000'000});
    };
    subscribe(512, 1, 1, 0);
    subscribe(512 + 48, 2, 0, 1);
    EXPECT_EQ(guest.call("poll_oneoff", 512, 1024, 2, Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint32_t>(Guest::result), 1u);
    EXPECT_EQ(guest.at<uint64_t>(1024), 2u);
    // With nothing else to wait for, the program is told, and finds it empty.
    EXPECT_EQ(guest.call("poll_oneoff", 512, 1024, 1, Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint64_t>(1024), 1u);
    EXPECT_EQ(guest.read(0), "");
    EXPECT_EQ(guest.last, Errno::again);
}

TEST(Regressions, a_stream_that_says_again_is_not_asked_for_ever) {
    const auto again = [](void* calls, std::span<const uint8_t>) noexcept -> Result<size_t> {
        ++*static_cast<int*>(calls);
        return std::unexpected{Errno::again};
    };
    int calls = 0;
    const auto output = create_file<CallbackStream>(Allocator::standard(), nullptr, again, &calls);
    Guest guest;
    ASSERT_TRUE(guest.context.set_stream(Stream::out, output));
    EXPECT_EQ(guest.write(1, "x"), Errno::again);
    EXPECT_EQ(calls, 1);
}

TEST(Regressions, a_name_that_is_too_long_is_never_just_missing) {
    const Scratch scratch;
    const std::string name(256, 'x');
    for (const Ref<Directory>& root :
         {scratch.open(), *memory_directory(), *layered_directory(scratch.open())}) {
        ASSERT_TRUE(root->open("file", {.write = true, .create = true}));
        EXPECT_EQ(root->stat_entry(name).error(), Errno::nametoolong);
        EXPECT_EQ(root->unlink(name).error(), Errno::nametoolong);
        EXPECT_EQ(root->rename("file", *root, name).error(), Errno::nametoolong);
        EXPECT_EQ(root->link("file", *root, name).error(), Errno::nametoolong);
        EXPECT_TRUE(root->stat_entry("file"));
    }
}

TEST(Regressions, positions_in_memory_are_those_of_posix) {
    const Scratch scratch;
    for (const Ref<Directory>& root : {scratch.open(), *memory_directory({UINT64_MAX})}) {
        const auto file = *root->open("file", {.read = true, .write = true, .create = true});
        uint8_t byte = 1;
        EXPECT_EQ(file->read_at({&byte, 1}, uint64_t{1} << 63).error(), Errno::inval);
        EXPECT_EQ(file->write_at({&byte, 1}, uint64_t{1} << 63).error(), Errno::inval);
        EXPECT_EQ(file->set_size(uint64_t{1} << 63).error(), Errno::fbig);
        EXPECT_EQ(file->allocate(uint64_t{1} << 63, 1).error(), Errno::fbig);
        EXPECT_EQ(file->stat()->size, 0u);
    }
    // The greatest position is beyond the end, as others are.
    uint8_t byte = 1;
    const auto file = *(*memory_directory())->open("file", {.read = true, .write = true, .create = true});
    EXPECT_EQ(file->read_at({&byte, 1}, INT64_MAX), 0u);
}

namespace {

/// The path that is kept for a descriptor of the program.
std::string kept_path(const Guest& guest, uint32_t number) {
    const Descriptor& descriptor = *guest.context.descriptors().find(number);
    return {descriptor.path.begin(), descriptor.path.end()};
}

std::string repeated(std::string_view text, size_t count) {
    std::string result;
    for (size_t i = 0; i < count; ++i)
        result += text;
    return result;
}

} // namespace

TEST(Regressions, dots_and_slashes_in_paths_of_open_files_take_no_memory) {
    Guest guest;
    ASSERT_TRUE(guest.context.add_directory("/", *memory_directory()));
    ASSERT_EQ(guest.call("path_create_directory", 3, "d"), Errno::success);
    const std::string dots = repeated("./", 2047);
    uint32_t directory = 3;
    for (int i = 0; i < 10; ++i) {
        directory = guest.open_directory(dots, directory);
        ASSERT_EQ(kept_path(guest, directory), ".");
        ASSERT_LE(guest.context.descriptors().find(directory)->path.capacity(), 16u);
    }
    directory = guest.open_directory(".//d/./", directory);
    EXPECT_EQ(kept_path(guest, directory), "d");
    directory = guest.open_directory(dots, directory);
    EXPECT_EQ(kept_path(guest, directory), "d");
    EXPECT_EQ(kept_path(guest, guest.open("./file", oflags::creat, 0, Guest::all_rights, directory)),
              "d/file");
    // A name may be a symbolic link, so what leads out of it stays; and dots may be part of a name.
    ASSERT_EQ(guest.call("path_create_directory", 3, ".d"), Errno::success);
    EXPECT_EQ(kept_path(guest, guest.open_directory("d//.././.d/..")), "d/../.d/..");
    EXPECT_EQ(guest.try_open(""), Errno::noent);
    EXPECT_EQ(guest.try_open("/"), Errno::notcapable);
}

TEST(Regressions, paths_of_open_files_are_no_longer_than_what_can_be_restored) {
    Guest guest;
    ASSERT_TRUE(guest.context.add_directory("/", *memory_directory()));
    ASSERT_EQ(guest.call("path_create_directory", 3, "d"), Errno::success);
    const std::string to_itself = repeated("d/../", 818) + "d/..";
    uint32_t directory = 3;
    for (int i = 0; i < 16; ++i)
        directory = guest.open_directory(to_itself, directory);
    EXPECT_EQ(kept_path(guest, directory).size(), 16 * 4095 - 1u);
    EXPECT_EQ(guest.try_open("d/../d/../d/../ff", oflags::creat, 0, Guest::all_rights, directory),
              Errno::nametoolong);
    EXPECT_EQ(guest.try_open("ff"), Errno::noent) << "an open that fails makes no file";
    const uint32_t longest = guest.open("./d/../d/../d/../f", oflags::creat, 0, Guest::all_rights, directory);
    EXPECT_EQ(kept_path(guest, longest).size(), Descriptor::max_path);

    SnapshotBuffer sink;
    ASSERT_TRUE(save_files(guest.context, sink));
    Context other;
    ASSERT_TRUE(other.add_directory("/", *memory_directory()));
    SnapshotBytes source{sink.bytes()};
    const auto restored = restore_files(other, source);
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_EQ(other.descriptors().find(longest)->path.size(), Descriptor::max_path);
}

TEST(Regressions, excl_means_nothing_without_creat) {
    const Scratch scratch;
    scratch.write("file", "text");
    for (const Ref<Directory>& root : {scratch.open(), *layered_directory(scratch.open())}) {
        Guest guest;
        ASSERT_TRUE(guest.context.add_directory("/", root));
        EXPECT_EQ(guest.read(guest.open("file", oflags::excl, 0, rights::fd_read)), "text");
        EXPECT_EQ(guest.try_open(".", oflags::excl | oflags::directory, 0, rights::directory),
                  Errno::success);
        EXPECT_EQ(guest.try_open("file", oflags::excl | oflags::creat), Errno::exist);
    }
}

TEST(Regressions, no_link_leads_out_that_is_made_through_a_link) {
#ifdef _WIN32
    GTEST_SKIP() << "no symbolic links here";
#endif
    const Scratch scratch;
    std::filesystem::create_directories(scratch / "a/b");
    for (const Ref<Directory>& root : {scratch.open(), *layered_directory(scratch.open())}) {
        Guest guest;
        ASSERT_TRUE(guest.context.add_directory("/", root));
        ASSERT_EQ(guest.call("path_symlink", "../..", 3, "a/b/up"), Errno::success);
        // The path has three names, and leads to the root.
        const uint32_t above = guest.open_directory("a/b/up");
        EXPECT_EQ(guest.call("path_symlink", "../outside", above, "link"), Errno::notcapable);
        EXPECT_EQ(guest.call("path_symlink", "../../a", guest.open_directory("a/b"), "link"), Errno::success);
        // Nor after it was moved up.
        const uint32_t moved = guest.open_directory("a/b");
        ASSERT_EQ(guest.call("path_rename", 3, "a/b", 3, "b"), Errno::success);
        EXPECT_EQ(guest.call("path_symlink", "../../outside", moved, "other"), Errno::notcapable);
        ASSERT_EQ(guest.call("path_rename", 3, "b", 3, "a/b"), Errno::success);
        ASSERT_EQ(guest.call("path_unlink_file", 3, "a/b/up"), Errno::success);
        ASSERT_EQ(guest.call("path_unlink_file", 3, "a/b/link"), Errno::success);
    }
}

TEST(Regressions, an_append_of_nothing_does_not_move) {
    Guest guest;
    ASSERT_TRUE(guest.context.add_directory("/", *memory_directory()));
    const uint32_t file = guest.open("file", oflags::creat, fdflags::append);
    ASSERT_EQ(guest.write(file, "text"), Errno::success);
    ASSERT_EQ(guest.call("fd_seek", file, 1, 0, Guest::result), Errno::success);
    ASSERT_EQ(guest.write(file, ""), Errno::success);
    EXPECT_EQ(guest.read(file), "ext");
}

TEST(Regressions, names_in_memory_may_come_and_go_in_any_order) {
    const Ref<Directory> root = *memory_directory();
    constexpr int count = 2000;
    const auto name = [](int i) { return std::to_string(100'000 + i); };
    for (int i = 0; i < count; ++i) // descending, ascending, and in between
        ASSERT_TRUE(root->make_directory(name(i % 2 == 0 ? count - i : count + 7 * i % count * 3)) ||
                    i % 2 != 0);
    Vec<DirectoryEntry> entries;
    ASSERT_TRUE(root->list(entries));
    for (const DirectoryEntry& entry : entries)
        EXPECT_TRUE(root->stat_entry({entry.name.data(), entry.name.size()}));
    EXPECT_TRUE(std::ranges::is_sorted(entries, {}, [](const DirectoryEntry& entry) {
        return std::string_view{entry.name.data(), entry.name.size()};
    }));
    for (const DirectoryEntry& entry : entries)
        ASSERT_TRUE(root->remove_directory({entry.name.data(), entry.name.size()}));
    entries.clear();
    ASSERT_TRUE(root->list(entries));
    EXPECT_TRUE(entries.empty());
}

TEST(Regressions, a_layered_directory_keeps_few_descriptors_open) {
    const Scratch scratch;
    constexpr int count = 300;
    for (int i = 0; i < count; ++i) {
        std::filesystem::create_directory(scratch / ("d" + std::to_string(i)));
        scratch.write("d" + std::to_string(i) + "/file", "text");
    }
    const auto open_now = [] {
        const std::filesystem::directory_iterator all{"/proc/self/fd"};
        return std::distance(begin(all), end(all));
    };
    const auto before = open_now();
    const Ref<Directory> root = *layered_directory(scratch.open());
    for (int i = 0; i < count; ++i)
        ASSERT_TRUE(root->enter("d" + std::to_string(i)));
    EXPECT_LT(open_now() - before, 80);
    for (int i = 0; i < count; ++i) // those that were closed are opened again
        EXPECT_TRUE((*root->enter("d" + std::to_string(i)))->stat_entry("file"));
    EXPECT_LT(open_now() - before, 80);
}

namespace {

/// A socket that says `again` before each message, although it is ready.
class HesitantSocket final : public File {
public:
    [[nodiscard]] FileType type() const noexcept override { return FileType::socket_stream; }
    [[nodiscard]] int native_descriptor() const noexcept override { return 1'000'000; }
    [[nodiscard]] Result<Received> receive(std::span<uint8_t> into, bool) noexcept override {
        if (++calls % 2 != 0) {
            if (interrupted != nullptr)
                interrupted->interrupt_handle().interrupt();
            return std::unexpected{Errno::again};
        }
        into[0] = 'x';
        return Received{1, false};
    }

    int calls = 0;
    Store* interrupted = nullptr; ///< when it says `again`
};

} // namespace

TEST(Regressions, receiving_waits_again_if_a_socket_was_not_ready_after_all) {
    Guest guest;
    const auto fd = guest.context.add_file(create_file<HesitantSocket>(Allocator::standard()));
    ASSERT_TRUE(fd);
    guest.put_buffers({{Guest::data, 4}});
    EXPECT_EQ(guest.call("sock_recv", *fd, Guest::list, 1, 0, Guest::result, Guest::result + 16),
              Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 1u);
    constexpr uint32_t wait_all = 2;
    EXPECT_EQ(guest.call("sock_recv", *fd, Guest::list, 1, wait_all, Guest::result, Guest::result + 16),
              Errno::success);
    EXPECT_EQ(guest.pointer_at(Guest::result), 4u);
    guest.context.descriptors().find(*fd)->flags = fdflags::nonblock;
    EXPECT_EQ(guest.call("sock_recv", *fd, Guest::list, 1, 0, Guest::result, Guest::result + 16),
              Errno::again);
}

TEST(Regressions, receiving_does_not_wait_again_after_an_interrupt) {
    Config config;
    config.interruption = true;
    Guest guest{{}, native_host(), config};
    const auto socket = create_file<HesitantSocket>(Allocator::standard());
    socket->interrupted = &guest.store;
    const auto fd = guest.context.add_file(socket);
    ASSERT_TRUE(fd);
    guest.put_buffers({{Guest::data, 4}});
    const auto ended = guest.try_call("sock_recv", *fd, Guest::list, 1, 0, Guest::result, Guest::result + 16);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error(), TrapCode::interrupted);
    EXPECT_EQ(socket->calls, 1);
}

namespace {

/// Has no input, and takes any output.
class SilentHost : public Host {
public:
    std::expected<size_t, Errno> read(std::span<uint8_t>) noexcept override { return 0; }
    std::expected<size_t, Errno> write(Stream, std::span<const uint8_t> bytes) noexcept override {
        return bytes.size();
    }
    [[nodiscard]] bool is_terminal(Stream) const noexcept override { return false; }
    [[nodiscard]] std::expected<uint64_t, Errno> resolution(Clock) const noexcept override { return 1; }
};

/// Interrupts the store as soon as it is asked for random numbers.
class InterruptingHost final : public SilentHost {
public:
    [[nodiscard]] std::expected<uint64_t, Errno> now(Clock) const noexcept override { return 0; }
    void sleep(uint64_t) noexcept override {}
    std::expected<void, Errno> random(std::span<uint8_t> into) noexcept override {
        filled += into.size();
        store->interrupt_handle().interrupt();
        return {};
    }
    Store* store = nullptr;
    size_t filled = 0;
};

} // namespace

TEST(Regressions, many_random_numbers_end_at_an_interrupt) {
    InterruptingHost host;
    Config config;
    config.interruption = true;
    Guest guest{{}, host, config};
    host.store = &guest.store;
    constexpr uint64_t pages = 100;
    ASSERT_TRUE(guest.memory->grow(pages));
    const auto ended = guest.try_call("random_get", 0, pages * Guest::page);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error(), TrapCode::interrupted);
    EXPECT_LE(host.filled, pages * Guest::page / 2);
}

namespace {

/// Asks for one event of a clock, at the address of the data.
void subscribe(Guest& guest, Clock clock, uint64_t timeout, bool is_absolute) {
    guest.put<uint64_t>(Guest::data, 7);     // user data
    guest.put<uint32_t>(Guest::data + 8, 0); // a clock
    guest.put(Guest::data + 16, static_cast<uint32_t>(clock));
    guest.put<uint64_t>(Guest::data + 24, timeout);
    guest.put<uint16_t>(Guest::data + 40, is_absolute ? 1 : 0);
}

/// Its realtime clock is set back by an hour in the middle of the first wait, and each wait is cut into two.
class SetBackHost final : public SilentHost {
public:
    [[nodiscard]] std::expected<uint64_t, Errno> now(Clock clock) const noexcept override {
        return clock == Clock::realtime ? real : steady;
    }
    void sleep(uint64_t nanoseconds) noexcept override {
        const uint64_t passed = (nanoseconds + 1) / 2;
        steady += passed;
        real += passed;
        if (!set_back)
            real -= hour;
        set_back = true;
    }
    std::expected<void, Errno> random(std::span<uint8_t>) noexcept override { return {}; }

    static constexpr uint64_t hour = 3'600'000'000'000;
    uint64_t real = 100 * hour;
    uint64_t steady = 5;
    bool set_back = false;
};

} // namespace

TEST(Regressions, a_clock_that_is_set_back_makes_no_wait_longer) {
    SetBackHost host;
    Guest guest{{}, host};
    constexpr uint64_t second = 1'000'000'000;
    subscribe(guest, Clock::realtime, second, false);
    EXPECT_EQ(guest.call("poll_oneoff", Guest::data, Guest::data + 256, 1, Guest::result), Errno::success);
    EXPECT_EQ(guest.at<uint32_t>(Guest::result), 1u);
    EXPECT_TRUE(host.set_back);
    EXPECT_GE(host.steady - 5, second);
    EXPECT_LT(host.steady - 5, 2 * second);

    // An absolute time is that of the clock, whatever it shows.
    subscribe(guest, Clock::realtime, host.real + second, true);
    host.set_back = false;
    const uint64_t begin = host.steady;
    EXPECT_EQ(guest.call("poll_oneoff", Guest::data, Guest::data + 256, 1, Guest::result), Errno::success);
    EXPECT_GE(host.steady - begin, SetBackHost::hour);
}

namespace {

/// Its realtime clock is set forward by an hour during the first wait.
class SetForwardHost final : public SilentHost {
public:
    [[nodiscard]] std::expected<uint64_t, Errno> now(Clock clock) const noexcept override {
        return clock == Clock::realtime ? steady + ahead : steady;
    }
    void sleep(uint64_t nanoseconds) noexcept override {
        steady += nanoseconds;
        ahead = 2 * hour;
    }
    std::expected<void, Errno> random(std::span<uint8_t>) noexcept override { return {}; }

    static constexpr uint64_t hour = 3'600'000'000'000;
    uint64_t ahead = hour;
    uint64_t steady = 5;
};

} // namespace

TEST(Regressions, a_clock_that_is_set_forward_ends_a_wait_for_its_time) {
    constexpr uint64_t second = 1'000'000'000;
    for (const Clock clock : {Clock::realtime, Clock::monotonic}) {
        SetForwardHost host;
        Guest guest{{}, host};
        subscribe(guest, clock, *host.now(clock) + SetForwardHost::hour / 2, true);
        EXPECT_EQ(guest.call("poll_oneoff", Guest::data, Guest::data + 256, 1, Guest::result),
                  Errno::success);
        EXPECT_EQ(guest.at<uint32_t>(Guest::result), 1u);
        // The monotonic clock can't be set.
        EXPECT_EQ(host.steady - 5, clock == Clock::realtime ? second : SetForwardHost::hour / 2);
    }
}

TEST(Regressions, an_embedder_that_waits_looks_at_such_a_clock_again) {
    constexpr uint64_t second = 1'000'000'000;
    SetForwardHost host;
    Guest guest{{}, host};
    subscribe(guest, Clock::realtime, *host.now(Clock::realtime) + SetForwardHost::hour / 2, true);
    guest.context.set_suspends(true);
    auto execution =
        Execution::create(*guest.instance->func("poll_oneoff"),
                          guest.arguments("poll_oneoff", Guest::data, Guest::data + 256, 1, Guest::result));
    ASSERT_TRUE(execution);
    EXPECT_EQ(execution->resume(), ExecutionState::interrupted);
    const auto waits = guest.context.take_waits();
    ASSERT_TRUE(waits);
    EXPECT_EQ(waits->nanoseconds, second);
    host.sleep(second);
    EXPECT_EQ(execution->resume(), ExecutionState::done);
    EXPECT_EQ(guest.at<uint32_t>(Guest::result), 1u);
}
