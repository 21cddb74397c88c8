// When a memory that is forked makes an image, and what is put into it.

#include "platform.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/linear_memory.hpp>

#ifdef __linux__
#include <algorithm>
#include <climits>
#include <dirent.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>
#endif

namespace warpbeam {
namespace {

TEST(ForkImages, a_memory_of_one_mib_is_copied) {
    auto parent = LinearMemory::create({.initial_pages = 16});
    ASSERT_TRUE(parent);
    ASSERT_EQ(parent->size(), MemorySlots::max_size);
    ASSERT_TRUE(parent->fork());
    EXPECT_FALSE(parent->is_frozen());
}

#ifdef __linux__

/// Whether there are images, and reservations that they can be mapped into.
bool has_images() {
    constexpr uint8_t one[] = {1};
    const MemoryImage::Piece piece[] = {{0, one}};
    return MemoryImage::create(piece).has_value() && Reservation::reserve(1).size() != 0;
}

/// How many bytes each image takes in the kernel.
std::vector<uint64_t> sizes_of_images() {
    std::vector<uint64_t> sizes;
    DIR* const folder = opendir("/proc/self/fd");
    while (const dirent* const entry = folder != nullptr ? readdir(folder) : nullptr) {
        const std::string path = std::string("/proc/self/fd/") + entry->d_name;
        char target[PATH_MAX];
        const ssize_t length = readlink(path.c_str(), target, sizeof target);
        struct stat file{};
        if (length > 0 &&
            std::string_view{target, static_cast<size_t>(length)}.find("warpbeam image") !=
                std::string_view::npos &&
            stat(path.c_str(), &file) == 0)
            sizes.push_back(static_cast<uint64_t>(file.st_blocks) * 512);
    }
    if (folder != nullptr)
        closedir(folder);
    return sizes;
}

TEST(ForkImages, an_image_takes_room_only_for_what_was_written) {
    if (!has_images())
        GTEST_SKIP() << "no images here";
    auto parent = LinearMemory::create({.initial_pages = 1024});
    ASSERT_TRUE(parent);
    PageSet pages;
    ASSERT_TRUE(pages.start(static_cast<size_t>(parent->size())));
    if (!parent->has_private_pages() || !add_own_pages(parent->data(), pages))
        GTEST_SKIP() << "all pages of the image are read, and take room then";
    for (int i = 0; i < 3; ++i) {
        parent->data()[0] = static_cast<uint8_t>(i + 1);
        ASSERT_TRUE(parent->fork());
    }
    for (const uint64_t size : sizes_of_images())
        EXPECT_LE(size, 8u << 20) << "two pages of the largest kind are written";
}

TEST(ForkImages, a_memory_of_zeros_has_one_image) {
    if (!has_images())
        GTEST_SKIP() << "no images here";
    const size_t before = sizes_of_images().size();
    auto parent = LinearMemory::create({.initial_pages = 20});
    ASSERT_TRUE(parent);
    const auto first = parent->fork();
    const uint64_t placement = parent->placement();
    const auto second = parent->fork();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(parent->placement(), placement);
    EXPECT_EQ(sizes_of_images().size() - before, parent->is_frozen() ? 1u : 0u);
}

/// Knows whether it was asked to restore nothing.
class RestoringAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        return standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        standard().deallocate(block, size, alignment);
    }
    bool restore(void* base, size_t from, size_t to) noexcept override {
        ++(from == to ? of_nothing : of_something);
        return Allocator::restore(base, from, to);
    }
    size_t of_nothing = 0;
    size_t of_something = 0;
};

TEST(ForkImages, pages_behind_the_image_are_not_put_into_it) {
    if (!has_images())
        GTEST_SKIP() << "no images here";
    RestoringAllocator restoring;
    auto parent = LinearMemory::create({.initial_pages = 20, .allocator = &restoring});
    ASSERT_TRUE(parent && parent->fork());
    const auto image_end = static_cast<size_t>(parent->size());
    ASSERT_TRUE(parent->grow(1));
    parent->data()[0] = 1;
    parent->data()[image_end] = 2;
    const auto copy = parent->fork();
    ASSERT_TRUE(copy);
    EXPECT_EQ(copy->data()[0], 1);
    EXPECT_EQ(copy->data()[image_end], 2);
    EXPECT_EQ(restoring.of_nothing, 0u);
}

#endif

} // namespace
} // namespace warpbeam
