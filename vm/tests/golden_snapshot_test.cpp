#include "saved_modules.hpp"
#include "snapshot_fixture.hpp"

#include <cstdlib>
#include <fstream>

/// Snapshots that earlier versions have written can still be read: vm/tests/golden has one for each version
/// of the format, in hexadecimal. With WARPBEAM_WRITE_GOLDEN set, the one of the present version is written,
/// for which there must be a reason in docs/snapshot-format.md.

namespace warpbeam {
namespace {

class GoldenSnapshotTest : public SnapshotFixture {
protected:
    static Config golden_configuration() {
        Config config = configuration();
        config.collect_always = false;
        return config;
    }
    GoldenSnapshotTest() : SnapshotFixture{golden_configuration()} {
        for (Linker* const each : {&linker, &hosts})
            EXPECT_TRUE(each->host_call<int32_t(int32_t)>("env", "ask"));
    }
    static std::string path() { return std::string{WARPBEAM_GOLDEN_DIR} + "/snapshot_1.hex"; }
    static Bytes golden() {
        std::ifstream file{path()};
        Bytes bytes;
        for (std::string line; std::getline(file, line);)
            for (size_t i = 0; i + 1 < line.size(); i += 2)
                bytes.push_back(static_cast<uint8_t>(std::stoul(line.substr(i, 2), nullptr, 16)));
        return bytes;
    }
    static void write(const Bytes& bytes) {
        std::ofstream file{path()};
        for (size_t i = 0; i < bytes.size(); ++i) {
            constexpr const char* digits = "0123456789abcdef";
            file << digits[bytes[i] >> 4] << digits[bytes[i] & 15];
            if (i % 60 == 59 || i + 1 == bytes.size())
                file << '\n';
        }
    }
    [[nodiscard]] static int32_t finish(Execution& execution) {
        while (true) {
            if (execution.state() == ExecutionState::host_call) {
                const Value answer{execution.argument(0).as<int32_t>() * 3};
                EXPECT_TRUE(execution.answer({&answer, 1}));
            }
            const auto state = execution.resume({.fuel = 10'000});
            if (!state || *state == ExecutionState::trapped) {
                ADD_FAILURE();
                return 0;
            }
            if (*state != ExecutionState::done)
                continue;
            Value result;
            EXPECT_TRUE(execution.results({&result, 1}));
            return result.as<int32_t>();
        }
    }
};

TEST_F(GoldenSnapshotTest, version_1) {
    if (std::getenv("WARPBEAM_WRITE_GOLDEN") != nullptr) {
        const Instance instance = instantiate(switching_module);
        store.set_fuel(10'000);
        ASSERT_TRUE(instance.func("prepare")->call());
        const Value args[] = {4};
        Execution execution = std::move(*Execution::create(*instance.func("run"), args));
        while (*execution.resume({.fuel = 1000}) != ExecutionState::host_call) {
        }
        const Instance instances[] = {instance};
        const Execution* const executions[] = {&execution};
        write(saved(store, {.instances = instances, .executions = executions}, {.carry_modules = true}));
        FAIL() << "written";
    }
    const Bytes bytes = golden();
    ASSERT_GT(bytes.size(), 1000u);
    auto made = restored(bytes);
    ASSERT_TRUE(made) << made.error().message();
    // The present version writes the same.
    const Instance instances[] = {made->instances[0]};
    const Execution* const executions[] = {&made->executions[0]};
    EXPECT_EQ(saved(made->store, {.instances = instances, .executions = executions}, {.carry_modules = true}),
              bytes);
    EXPECT_EQ(finish(made->executions[0]), 666'652);
    made->store.set_fuel(10'000);
    Value result;
    ASSERT_TRUE(made->instances[0].func("bound")->call({}, {&result, 1}));
    EXPECT_EQ(result.as<int32_t>(), 42);
}

} // namespace
} // namespace warpbeam
