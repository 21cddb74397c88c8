#include "module_bytes.hpp"

#include <array>
#include <thread>

namespace warpbeam::test {
namespace {

Bytes with_note(const Bytes& contents) { return Binary{}.section(custom, name("note") + contents).bytes; }

TEST(ModuleDigest, is_that_of_the_bytes) {
    const Bytes bytes = with_note({1, 2, 3});
    const auto module = load(bytes);
    ASSERT_TRUE(module);
    EXPECT_EQ(module.digest(), sha256(bytes));
    EXPECT_EQ(module.digest(), sha256(bytes)) << "the kept one";
    EXPECT_EQ(load(bytes).digest(), module.digest()) << "of equal bytes";
    EXPECT_NE(load(with_note({1, 2, 4})).digest(), module.digest()) << "any byte matters";
}

TEST(ModuleDigest, of_copied_and_borrowed_bytes) {
    Bytes bytes = with_note({1, 2, 3});
    const Digest expected = sha256(bytes);
    LoadOptions options;
    options.borrow = true;
    const auto borrowed = load(bytes, options);
    ASSERT_TRUE(borrowed);
    EXPECT_EQ(borrowed.digest(), expected);
    const auto copied = load(bytes);
    ASSERT_TRUE(copied);
    bytes.back() = 4;
    EXPECT_EQ(copied.digest(), expected) << "the module has its own bytes";
    EXPECT_EQ(borrowed.digest(), expected) << "computed once";
}

TEST(ModuleDigest, without_a_module) { EXPECT_EQ(Module{}.digest(), sha256({})); }

TEST(ModuleDigest, asked_for_by_many_threads) {
    const Bytes bytes = with_note(Bytes(10'000, 7));
    const Digest expected = sha256(bytes);
    for (int round = 0; round < 50; ++round) {
        const Module module = load(bytes);
        ASSERT_TRUE(module);
        std::array<Digest, 8> found{};
        std::vector<std::thread> threads;
        for (Digest& each : found)
            threads.emplace_back([&each, copy = module] {
                each = copy.digest();
                if (copy.digest() != each)
                    each = {};
            });
        for (std::thread& thread : threads)
            thread.join();
        for (const Digest& each : found)
            EXPECT_EQ(each, expected);
    }
}

} // namespace
} // namespace warpbeam::test
