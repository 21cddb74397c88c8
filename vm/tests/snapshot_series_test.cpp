#include "snapshot_fixture.hpp"

#include <random>

/// Snapshots that follow each other, and what is in them.

namespace warpbeam {
namespace {

class SnapshotSeriesTest : public SnapshotFixture {
protected:
    SnapshotSeriesTest() {
        store.set_fuel(UINT32_MAX);
        instance = instantiate(R"((module (memory (export "m") 64 80) (data (i32.const 100000) "data")
            (global $n (mut i32) (i32.const 0))
            (func (export "write") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))
                (global.set $n (i32.add (global.get $n) (i32.const 1))))
            (func (export "n") (result i32) (global.get $n))
            (func (export "grow") (drop (memory.grow (i32.const 1))))))");
        modules = {instance.module()};
    }
    Bytes next(SnapshotSeries& series) {
        const Instance instances[] = {instance};
        return saved(store, {.instances = instances}, {.series = &series});
    }
    std::expected<Restored, Error> all(const std::vector<Bytes>& parts) {
        std::vector<BytesSource> sources;
        for (const Bytes& part : parts)
            sources.emplace_back(part);
        std::vector<SnapshotSource*> pointers;
        for (BytesSource& source : sources)
            pointers.push_back(&source);
        return restore(engine, pointers, options());
    }
    void write(uint32_t address, uint8_t value) {
        const Value args[] = {address, int32_t{value}};
        ASSERT_TRUE(instance.func("write")->call(args));
    }
    void expect_same(const Restored& copy) {
        const auto a = instance.memory("m")->data();
        const auto b = copy.instances[0].memory("m")->data();
        ASSERT_EQ(a.size(), b.size());
        EXPECT_TRUE(std::ranges::equal(a, b));
        Value n[2];
        ASSERT_TRUE(instance.func("n")->call({}, {&n[0], 1}));
        Restored& mutable_copy = const_cast<Restored&>(copy);
        mutable_copy.store.set_fuel(10);
        ASSERT_TRUE(copy.instances[0].func("n")->call({}, {&n[1], 1}));
        EXPECT_EQ(n[0].as<int32_t>(), n[1].as<int32_t>());
    }
    Instance instance;
};

TEST_F(SnapshotSeriesTest, unchanged_pages_cost_nothing) {
    const Instance instances[] = {instance};
    EXPECT_LT(saved(store, {.instances = instances}).size(), 400u);
    write(4096 * 5, 1);
    write(4096 * 9 + 17, 1);
    write(100'000, 'd'); // what was there
    const size_t size = saved(store, {.instances = instances}).size();
    EXPECT_GT(size, 2 * 4096u);
    EXPECT_LT(size, 2 * 4096u + 400);
}

TEST_F(SnapshotSeriesTest, later_ones_have_what_changed) {
    SnapshotSeries series;
    std::vector<Bytes> parts;
    std::mt19937 random{3};
    for (int part = 0; part < 6; ++part) {
        for (int i = 0; i < 20; ++i)
            write(random() % (64u << 16), static_cast<uint8_t>(random() % 3));
        if (part == 3) {
            ASSERT_TRUE(instance.func("grow")->call());
            write((64u << 16) + 5, 9);
        }
        parts.push_back(next(series));
        if (part != 0) {
            EXPECT_LT(parts.back().size(), 24 * 4096u);
        }
        const auto copy = all(parts);
        ASSERT_TRUE(copy) << copy.error().message();
        expect_same(*copy);
    }
    // Nothing changed.
    parts.push_back(next(series));
    EXPECT_LT(parts.back().size(), 500u);
    ASSERT_TRUE(all(parts));

    // They only fit in their order, and all of them.
    std::vector<Bytes> wrong = parts;
    std::swap(wrong[1], wrong[2]);
    EXPECT_FALSE(all(wrong));
    wrong = parts;
    wrong.erase(wrong.begin() + 2);
    EXPECT_FALSE(all(wrong));
    wrong = {parts.begin() + 1, parts.end()};
    EXPECT_FALSE(all(wrong));
    const auto refused = [&](const std::vector<Bytes>& some) {
        const auto made = all(some);
        EXPECT_FALSE(made);
        return made ? std::string{} : std::string{made.error().message()};
    };
    EXPECT_EQ(refused({parts[1]}),
              "the snapshot has only what changed since the one before, which is needed too");
    EXPECT_EQ(refused({parts[0], parts[0]}), "the last snapshot is complete: it needs no earlier ones");
    // Damage in an earlier one is found too.
    wrong = parts;
    wrong[1][wrong[1].size() - 40] ^= 1;
    EXPECT_FALSE(all(wrong));
}

TEST_F(SnapshotSeriesTest, after_a_reset) {
    SnapshotSeries series;
    write(4096 * 7, 1);
    ASSERT_TRUE(instance.func("grow")->call());
    write((64u << 16) + 5, 9);
    std::vector<Bytes> parts{next(series)};
    ASSERT_TRUE(instance.reset());
    parts.push_back(next(series));
    auto copy = all(parts);
    ASSERT_TRUE(copy) << copy.error().message();
    expect_same(*copy);
    ASSERT_TRUE(instance.func("grow")->call());
    parts.push_back(next(series));
    copy = all(parts);
    ASSERT_TRUE(copy) << copy.error().message();
    expect_same(*copy);
}

TEST_F(SnapshotSeriesTest, a_snapshot_that_failed_is_followed_by_a_complete_one) {
    SnapshotSeries series;
    EXPECT_FALSE(series.is_complete());
    write(4096 * 7, 1);
    (void)next(series);
    EXPECT_TRUE(series.is_complete());
    write(4096 * 8, 1);
    (void)next(series);
    EXPECT_FALSE(series.is_complete());
    const Instance instances[] = {instance};
    for (const size_t room : {10u, 2000u}) {
        write(4096 * 9, static_cast<uint8_t>(room));
        BytesSink full;
        full.left = room;
        ASSERT_FALSE(save(store, {.instances = instances}, full, {.series = &series}));
        EXPECT_FALSE(series.is_complete());
        const auto copy = all({next(series)});
        EXPECT_TRUE(series.is_complete());
        ASSERT_TRUE(copy) << copy.error().message();
        expect_same(*copy);
        (void)next(series);
        EXPECT_FALSE(series.is_complete());
    }
}

TEST_F(SnapshotSeriesTest, a_memory_that_a_complete_one_does_not_have_is_whole_in_the_next_one) {
    const Instance other = instantiate("(module (global (export \"g\") i32 (i32.const 1)))");
    modules.push_back(other.module());
    for (const PageMark::Way way : {PageMark::Way::best, PageMark::Way::hashes}) {
        SnapshotSeries series{way};
        write(5000, 77);
        (void)next(series);
        write(5000, 78);
        BytesSink full;
        full.left = 1500;
        const Instance instances[] = {instance}, others[] = {other};
        ASSERT_FALSE(save(store, {.instances = instances}, full, {.series = &series}));
        std::vector<Bytes> parts{saved(store, {.instances = others}, {.series = &series})};
        EXPECT_TRUE(series.is_complete());
        write(20'000, 88);
        parts.push_back(next(series));
        EXPECT_FALSE(series.is_complete());
        const auto copy = all(parts);
        ASSERT_TRUE(copy) << copy.error().message();
        expect_same(*copy);
    }
}

TEST_F(SnapshotSeriesTest, hashes_find_the_same_pages) {
    SnapshotSeries series{PageMark::Way::hashes};
    write(4096 * 7, 1);
    const Bytes first = next(series);
    write(4096 * 8, 1);
    const auto copy = all({first, next(series)});
    ASSERT_TRUE(copy) << copy.error().message();
    expect_same(*copy);
}

TEST_F(SnapshotSeriesTest, a_memory_whose_definer_comes_or_goes) {
    // Its initial contents are those of the last snapshot's graph.
    const Instance defines = instantiate(R"((module (memory (export "m") 64) (data (i32.const 1000) "data")
        (func (export "f")) (func (export "clear") (memory.fill (i32.const 1000) (i32.const 0) (i32.const 4)))))");
    ASSERT_TRUE(linker.define_instance("a", defines));
    for (const bool goes : {true, false}) {
        instance = instantiate(R"((module (import "a" "m" (memory 64)) (export "m" (memory 0))
            (global (export "g") (mut funcref) (ref.null func)) (func (export "n") (result i32) (i32.const 0))
            (func (export "write") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))))");
        modules = {instance.module(), defines.module()};
        const auto refer = [&](bool does) {
            ASSERT_TRUE(instance.global("g")->set(Value{does ? *defines.func("f") : Func{}}));
        };
        refer(goes);
        SnapshotSeries series;
        std::vector<Bytes> parts{next(series)};
        write(500'000, 1);
        refer(!goes);
        ASSERT_TRUE(defines.func("clear")->call());
        parts.push_back(next(series));
        write(500'001, 1);
        parts.push_back(next(series));
        const auto copy = all(parts);
        ASSERT_TRUE(copy) << copy.error().message();
        expect_same(*copy);
        write(1000, 'd');
    }
}

TEST_F(SnapshotSeriesTest, belongs_to_one_store) {
    SnapshotSeries series;
    (void)next(series);
    Store other{engine};
    const auto made = linker.instantiate(other, instance.module());
    ASSERT_TRUE(made);
    const Instance instances[] = {*made};
    BytesSink sink;
    EXPECT_FALSE(save(other, {.instances = instances}, sink, {.series = &series}));
}

} // namespace
} // namespace warpbeam
