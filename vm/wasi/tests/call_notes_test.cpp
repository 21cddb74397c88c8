#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/wasi/call_notes.hpp>

#include <vector>

/// What the functions of WASI note of a call, as bytes.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::test::ScarceAllocator;

namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint64_t memory_size = 1000;

/// All parts of a record; nothing if there is none.
Bytes record(CallNotes& notes, std::span<const uint64_t> args = {}) {
    static constexpr uint8_t memory[memory_size] = {};
    Bytes all;
    for (const auto part : notes.record(3, args, 4, memory))
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

TEST(CallNotes, outputs_that_touch_are_one) {
    CallNotes notes{Allocator::standard()};
    notes.begin();
    notes.output(10, 2);
    notes.output(12, 3); // goes on there
    notes.output(11, 1); // lies inside
    notes.output(16, 1); // a byte is between them
    notes.output(15, 1); // before the last one
    notes.output(500, 0);
    const Bytes contents(5 + 1 + 1);
    Bytes expected{3, 0, 4, 0, 0, 0, 3, 10, 5, 16, 1, 15, 1};
    expected.insert(expected.end(), contents.begin(), contents.end());
    EXPECT_EQ(record(notes), expected);
}

TEST(CallNotes, fuel_adds_up_to_no_more_than_64_bits) {
    CallNotes notes{Allocator::standard()};
    notes.begin();
    notes.fuel(40);
    notes.fuel(50);
    EXPECT_EQ(record(notes), (Bytes{3, 0, 4, 90, 0, 0, 0}));
    notes.fuel(UINT64_MAX - 89);
    EXPECT_EQ(record(notes),
              (Bytes{3, 0, 4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 0, 0}));
    notes.begin();
    EXPECT_EQ(record(notes), (Bytes{3, 0, 4, 0, 0, 0, 0})) << "each call begins without";
}

// The second record is longer than the first one, which had memory.
TEST(CallNotes, without_memory_for_all_there_is_no_record) {
    const std::vector<uint64_t> args(50, 1);
    size_t successes = 0;
    for (bool done = false; !done; ++successes) {
        ASSERT_LT(successes, 100u);
        ScarceAllocator scarce{successes};
        {
            CallNotes notes{scarce};
            const auto call = [&](std::span<const uint64_t> with, uint64_t ranges) {
                notes.begin();
                for (uint64_t i = 0; i < ranges; ++i) {
                    notes.input(0, {});
                    notes.output(2 * i, 1);
                }
                const Bytes made = record(notes, with);
                // Two bytes for each input, and for each output, whose contents are another; and what is
                // always there, with a checksum of one byte if there are inputs.
                const size_t size = 7 + with.size() + (ranges != 0 ? 1 : 0) + 5 * ranges;
                EXPECT_TRUE(made.empty() || made.size() == size) << made.size() << " instead of " << size;
                return !made.empty();
            };
            const bool has_first = call({}, 0);
            const bool has_second = call(args, 0);
            done = call({}, 40) && has_first && has_second;
        }
        EXPECT_EQ(scarce.live, 0);
    }
    EXPECT_GT(successes, 5u);
}

} // namespace
