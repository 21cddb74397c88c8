#pragma once

#include "fixture.hpp"

#include <warpbeam/vm/snapshot.hpp>

#include <vector>

namespace warpbeam {

using Bytes = std::vector<uint8_t>;

class BytesSink final : public SnapshotSink {
public:
    bool write(std::span<const uint8_t> more) noexcept override {
        if (left < more.size())
            return false;
        left -= more.size();
        bytes.insert(bytes.end(), more.begin(), more.end());
        return true;
    }
    Bytes bytes;
    size_t left = SIZE_MAX; ///< what it still takes
};

/// Gives bytes in parts of any size.
class BytesSource final : public SnapshotSource {
public:
    explicit BytesSource(std::span<const uint8_t> from, size_t part = SIZE_MAX) : left_{from}, part_{part} {}
    size_t read(std::span<uint8_t> to) noexcept override {
        const size_t count = std::min({to.size(), left_.size(), part_});
        std::copy_n(left_.begin(), count, to.begin());
        left_ = left_.subspan(count);
        return count;
    }

private:
    std::span<const uint8_t> left_;
    size_t part_;
};

/// A store that is saved and restored.
class SnapshotFixture : public VmTest {
protected:
    static Config configuration() {
        Config config;
        config.features = FeatureSet::all();
        config.fuel = true;
        config.interruption = true;
        config.collect_always = true;
        return config;
    }
    explicit SnapshotFixture(const Config& config = configuration()) : VmTest{config} {}

    [[nodiscard]] static Bytes saved(Store& from, const SnapshotContents& contents,
                                     const SnapshotOptions& options = {}) {
        BytesSink sink;
        const auto digest = save(from, contents, sink, options);
        EXPECT_TRUE(digest) << (digest ? "" : digest.error().message());
        return std::move(sink.bytes);
    }
    [[nodiscard]] std::expected<Restored, Error> restored(std::span<const uint8_t> bytes) {
        BytesSource source{bytes};
        SnapshotSource* const sources[] = {&source};
        return restore(engine, sources, options());
    }
    [[nodiscard]] RestoreOptions options() {
        return {.modules = modules, .linker = &hosts, .host = host, .limits = {}};
    }

    std::vector<Module> modules;
    Linker hosts{engine}; ///< for restored stores
    SnapshotHost* host = nullptr;
};

/// Guests that wait for `host.receive`.
class ReceivingFixture : public SnapshotFixture {
protected:
    ReceivingFixture() {
        for (Linker* const each : {&linker, &hosts})
            EXPECT_TRUE(each->host_call<int32_t()>("host", "receive"));
        store.set_fuel(1'000'000);
    }
    /// A call of the export `f`, which waits.
    Execution waiting(const Instance& instance) {
        auto made = Execution::create(*instance.func("f"));
        EXPECT_TRUE(made);
        EXPECT_EQ(made->resume({.fuel = 1000}), ExecutionState::host_call);
        return std::move(*made);
    }
};

} // namespace warpbeam
