#include "fixture.hpp"
#include "snapshot_fixture.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <thread>

/// A hundred thousand executions in eight threads: answered by other threads, dropped at every stage, saved,
/// restored and forked in between. Run under the sanitizers too.

namespace warpbeam {
namespace {

constexpr int thread_count = 8;
constexpr int answering_threads = 3;
constexpr int executions_per_thread = 12'500;
constexpr size_t max_waiting = 100; ///< at the same time

/// Adds up the answers to $n questions, with objects, deep calls and an exception on the way.
constexpr std::string_view text = R"((module
    (import "env" "ask" (func $ask (param i32) (result i32)))
    (type $node (struct (field i32) (field (ref null $node))))
    (tag $e (param i32)) (memory 1) (global $count (mut i32) (i32.const 0))
    (func $deep (param $depth i32) (param $n i32) (result i32)
        (if (result i32) (local.get $depth)
            (then (i32.add (call $deep (i32.sub (local.get $depth) (i32.const 1)) (local.get $n)) (i32.const 0)))
            (else (call $ask (local.get $n)))))
    (func (export "run") (param $n i32) (result i32) (local $list (ref null $node)) (local $sum i32)
        (loop $more
            (local.set $list (struct.new $node
                (block $h (result i32)
                    (try_table (catch $e $h) (throw $e (call $deep (i32.rem_u (local.get $n) (i32.const 5)) (local.get $n))))
                    (unreachable))
                (local.get $list)))
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (loop $more
            (local.set $sum (i32.add (local.get $sum) (struct.get $node 0 (local.get $list))))
            (br_if $more (i32.eqz (ref.is_null (local.tee $list (struct.get $node 1 (local.get $list)))))))
        (local.get $sum))))";

constexpr int32_t answer_to(int32_t question) { return question * 3 + 1; }
constexpr int32_t result_for(int32_t n) {
    int32_t sum = 0;
    for (; n != 0; --n)
        sum += answer_to(n);
    return sum;
}

/// Questions for the threads that answer.
class Questions {
public:
    void push(AnswerToken token, int32_t question) {
        const std::lock_guard lock{mutex_};
        waiting_.emplace_back(std::move(token), question);
        changed_.notify_one();
    }
    void close() {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        changed_.notify_all();
    }
    /// Answers until there will be no more.
    void answer_all() {
        while (true) {
            std::unique_lock lock{mutex_};
            changed_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
            if (waiting_.empty())
                return;
            const auto [token, question] = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            // If its execution was dropped, the answer is refused.
            const Value value{answer_to(question)};
            if (token.answer({&value, 1})) {
                EXPECT_FALSE(token.answer({&value, 1}));
            }
        }
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::pair<AnswerToken, int32_t>> waiting_;
    bool closed_ = false;
};

class ExecutionStressTest : public VmTest {
protected:
    static Config config() {
        Config config;
        config.fuel = true;
        config.interruption = true;
        return config;
    }
    ExecutionStressTest() : VmTest{config()} {
        EXPECT_TRUE(linker.host_call<int32_t(int32_t)>("env", "ask"));
        module = load(text);
    }
    struct Running {
        Execution execution;
        int32_t n;
        bool asked = false; ///< whether its question is with the other threads
    };
    /// Lets one go on; true if it has ended.
    bool go_on(Running& each, std::mt19937& random) {
        if (each.execution.state() == ExecutionState::host_call) {
            if (!each.asked) {
                each.asked = true;
                const int32_t question = each.execution.argument(0).as<int32_t>();
                if (random() % 8 == 0) { // answered here
                    const Value value{answer_to(question)};
                    EXPECT_TRUE(each.execution.answer({&value, 1}));
                } else {
                    auto token = each.execution.token(
                        [](void* data) noexcept { ++*static_cast<std::atomic<uint64_t>*>(data); }, &dropped);
                    EXPECT_TRUE(token);
                    questions.push(std::move(*token), question);
                }
            }
            return false;
        }
        each.asked = false;
        const auto state = each.execution.resume({.fuel = 1 + random() % 20});
        EXPECT_TRUE(state) << (state ? "" : state.error().message());
        if (!state || *state == ExecutionState::trapped) {
            ADD_FAILURE() << (state ? each.execution.trap()->message() : "");
            return true;
        }
        if (*state != ExecutionState::done)
            return false;
        Value result;
        EXPECT_TRUE(each.execution.results({&result, 1}));
        EXPECT_EQ(result.as<int32_t>(), result_for(each.n));
        ++finished;
        return true;
    }
    /// Ends executions that were restored or forked, in this or another thread.
    static void finish(Restored made, std::vector<int32_t> ns) {
        for (size_t i = 0; i < made.executions.size(); ++i) {
            Execution& each = made.executions[i];
            while (each.state() != ExecutionState::done && each.state() != ExecutionState::trapped) {
                if (each.state() == ExecutionState::host_call) {
                    const Value value{answer_to(each.argument(0).as<int32_t>())};
                    EXPECT_TRUE(each.answer({&value, 1}));
                }
                const auto state = each.resume({.fuel = 100});
                if (!state) {
                    ADD_FAILURE() << state.error().message();
                    return;
                }
            }
            Value result;
            EXPECT_TRUE(each.results({&result, 1}));
            EXPECT_EQ(result.as<int32_t>(), result_for(ns[i]));
        }
    }
    /// Copies some executions in one of the two ways.
    void copy(Store& from, const Instance& instance, std::vector<Running>& running, std::mt19937& random) {
        std::vector<const Execution*> some;
        std::vector<int32_t> ns;
        for (Running& each : running)
            if (random() % 4 == 0) {
                some.push_back(&each.execution);
                ns.push_back(each.n);
            }
        const Instance instances[] = {instance};
        const SnapshotContents contents{.instances = instances, .executions = some};
        if (random() % 2 == 0) {
            auto made = fork(from, contents);
            ASSERT_TRUE(made) << made.error().message();
            if (random() % 2 == 0)
                std::thread{[&] { finish(std::move(*made), std::move(ns)); }}.join();
            else
                finish(std::move(*made), std::move(ns));
            ++forks;
            return;
        }
        BytesSink sink;
        const auto saved = save(from, contents, sink);
        ASSERT_TRUE(saved) << saved.error().message();
        BytesSource source{sink.bytes};
        SnapshotSource* const sources[] = {&source};
        const Module modules[] = {module};
        auto made = restore(engine, sources, {.modules = modules, .linker = &linker});
        ASSERT_TRUE(made) << made.error().message();
        finish(std::move(*made), std::move(ns));
        ++snapshots;
    }
    void work(uint32_t seed) {
        std::mt19937 random{seed};
        Store own{engine};
        const auto instance = linker.instantiate(own, module);
        ASSERT_TRUE(instance);
        const Func run = *instance->func("run");
        std::vector<Running> running;
        for (int started = 0; started < executions_per_thread || !running.empty();) {
            if (started < executions_per_thread && running.size() < max_waiting && random() % 2 == 0) {
                const auto n = static_cast<int32_t>(1 + random() % 4);
                const Value args[] = {n};
                auto made = Execution::create(run, args);
                ASSERT_TRUE(made) << made.error().message();
                running.push_back({std::move(*made), n});
                ++started;
            }
            if (running.empty())
                continue;
            const size_t i = random() % running.size();
            const bool drops = random() % 512 == 0;
            if (drops || go_on(running[i], random)) {
                std::swap(running[i], running.back());
                running.pop_back();
            }
            if (random() % 4096 == 0)
                copy(own, *instance, running, random);
            if (random() % 4096 == 0)
                own.collect();
        }
    }

    Module module;
    Questions questions;
    std::atomic<uint64_t> dropped = 0;
    std::atomic<uint64_t> finished = 0;
    std::atomic<uint64_t> forks = 0;
    std::atomic<uint64_t> snapshots = 0;
};

TEST_F(ExecutionStressTest, a_hundred_thousand_in_eight_threads) {
    std::vector<std::thread> answering;
    for (int i = 0; i < answering_threads; ++i)
        answering.emplace_back([&] { questions.answer_all(); });
    std::vector<std::thread> working;
    for (uint32_t i = 0; i < thread_count; ++i)
        working.emplace_back([&, i] { work(i); });
    for (std::thread& each : working)
        each.join();
    questions.close();
    for (std::thread& each : answering)
        each.join();
    EXPECT_GT(finished.load(), uint64_t{executions_per_thread} * thread_count / 2);
    EXPECT_GT(dropped.load(), 100u);
    EXPECT_GT(forks.load(), 10u);
    EXPECT_GT(snapshots.load(), 10u);
}

} // namespace
} // namespace warpbeam
