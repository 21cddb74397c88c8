// Bytes that are mostly zeros: exactly those that are meant are read and written.

#include "sparse_bytes.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace warpbeam {
namespace {

TEST(SparseBytes, are_copied_and_cleared_up_to_their_end) {
    for (const size_t size : {0u, 1u, 7u, 4095u, 4096u, 4097u, 8191u, 8192u, 8193u, 12'288u}) {
        const std::vector<uint8_t> from(size + 5000, 1);
        std::vector<uint8_t> to(size + 5000, 0);
        copy_sparse(to.data(), from.data(), size);
        for (size_t i = 0; i < to.size(); ++i)
            ASSERT_EQ(to[i], i < size ? 1 : 0) << size << ' ' << i;
        std::vector<uint8_t> cleared(size + 5000, 1);
        clear_sparse(cleared.data(), size);
        for (size_t i = 0; i < cleared.size(); ++i)
            ASSERT_EQ(cleared[i], i < size ? 0 : 1) << size << ' ' << i;
    }
}

TEST(SparseBytes, are_zero_if_each_one_is) {
    for (const size_t size : {0u, 1u, 2u, 100u}) {
        std::vector<uint8_t> bytes(size + 1, 0);
        bytes[size] = 1;
        EXPECT_TRUE(is_zero(bytes.data(), size)) << size;
        for (size_t i = 0; i < size; ++i) {
            bytes[i] = 1;
            EXPECT_FALSE(is_zero(bytes.data(), size)) << size << ' ' << i;
            bytes[i] = 0;
        }
    }
}

} // namespace
} // namespace warpbeam
