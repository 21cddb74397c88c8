#include "fixture.hpp"
#include "handlers/guard.hpp"
#include "handlers/handler_table.hpp"
#include "handlers/instance_data.hpp"
#include "isa/encoder.hpp"
#include "store/internal.hpp"

#include <warpbeam/memory/linear_memory.hpp>

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <vector>

#if WARPBEAM_GUARD_PAGES
#include <sys/mman.h>
#include <unistd.h>
#endif

/// Guard-page mode gives the results of the comparing one.

namespace warpbeam {
namespace {

Config guarded() {
    Config config;
    config.guard_pages = true;
    return config;
}

class GuardPages : public VmTest {
protected:
    GuardPages() : VmTest{guarded()}, comparing_store{comparing}, comparing_linker{comparing} {}
    void SetUp() override {
        if (!engine.guard_pages())
            GTEST_SKIP() << "no guard pages on this platform";
    }

    Engine comparing;
    Store comparing_store;
    Linker comparing_linker;
};

TEST(GuardPagesConfig, is_off_unless_asked_for) {
    EXPECT_FALSE(Engine{}.guard_pages());
    EXPECT_EQ(Engine{guarded()}.guard_pages(), WARPBEAM_GUARD_PAGES != 0);
}

TEST(GuardPagesConfig, shared_memories_reserve_address_space_only_where_guard_pages_work) {
    const auto memory =
        SharedMemory::create({.limits = {.min = 1, .max = 2, .has_max = true}, .shared = true});
    ASSERT_TRUE(memory);
    EXPECT_EQ(vm::Internal::bytes(*memory)->is_guarded(), WARPBEAM_GUARD_PAGES != 0);
}

// ---- Every handler, on its own ----

/// Runs one instruction in a memory of one page, and tells everything that it left behind.
struct Outcome {
    vm::Exit exit{};
    uint64_t detail = 0;
    bool stayed = false; ///< at the instruction
    std::vector<vm::Slot> frame;
    std::vector<std::pair<size_t, uint8_t>> written;
    bool operator==(const Outcome&) const = default;
};

class Bench {
public:
    Bench() : memory_{*LinearMemory::create({.initial_pages = 1, .max_pages = 1, .guarded = true})} {
        for (size_t i = 0; i < memory_.size(); ++i)
            pristine_.push_back(memory_.data()[i] = static_cast<uint8_t>(i * 7 + 129));
    }

    /// Every register and slot of the instruction's operands holds `value`, and so do its constants and what
    /// is added to a base.
    Outcome run(const vm::Choice& choice, uint64_t value, uint32_t offset) {
        std::vector<vm::Slot> frame(8, value);
        alignas(8) uint8_t code[128] = {};
        uint8_t* at = code;
        const auto append = [&](const vm::Choice& next) {
            const vm::Shape shape{next.form, next.variant};
            reinterpret_cast<vm::Instr*>(at)->handler = vm::find_handler(next);
            const vm::Fields fields{at, shape};
            at += shape.size();
            return fields;
        };
        vm::Fields access = append(choice);
        const bool is_constant_address =
            choice.form == vm::Form::load_at || choice.form == vm::Form::store_at;
        uint16_t slot = 1;
        for (const vm::FieldRow& field : vm::row_of(choice.form).fields)
            if (field.name == vm::Field::offset)
                access.set(field.name, offset);
            else if (field.name == vm::Field::address && is_constant_address)
                access.set(field.name, value + offset);
            else if (field.name == vm::Field::addend)
                access.set(field.name, value);
            else if (field.kind == vm::FieldKind::operand && access.is_constant(field.name))
                access.set(field.name, 0x0123'4567'89ab'cdef);
            else if (field.kind == vm::FieldKind::operand || field.kind == vm::FieldKind::result)
                access.set(field.name, field.kind == vm::FieldKind::result ? 3 : slot++);
        // What is in the accumulators afterwards goes to the frame, where the outcome has it.
        for (const uint8_t bank : {uint8_t{0}, uint8_t{1}})
            append({vm::Form::copy_register, Op::nop, {.a = vm::Src::acc, .option = bank}})
                .set(vm::Field::to, bank == 0 ? 5 : 6);
        append({vm::Form::trap}).set(vm::Field::code, static_cast<uint32_t>(vm::Exit::unreachable));

        vm::Execution execution{};
        vm::InstanceData instance{};
        instance.execution = &execution;
        const auto* const ip = reinterpret_cast<const vm::Instr*>(code);
        vm::Regs r{ip,    frame.data(), memory_.data(), memory_.size(), &instance, nullptr,
                   value, value,        value,          {1.5, 2.5},     {3.5, 4.5}};
        Outcome outcome;
#if WARPBEAM_TAIL_CALLS
        outcome.exit =
            ip->handler(r.ip, r.fp, r.mem, r.mem_size, r.inst, r.rp, r.acc, r.l0, r.l1, r.facc, r.f0);
        outcome.detail = execution.detail;
        outcome.stayed = execution.ip == ip;
#else
        do
            outcome.exit = r.ip->handler(r);
        while (outcome.exit == vm::Exit::none);
        outcome.detail = outcome.exit == vm::Exit::memory_out_of_bounds ? r.mem_size : r.acc;
        outcome.stayed = r.ip == ip;
#endif
        outcome.frame = frame;
        // What was written, which is taken back.
        if (std::memcmp(memory_.data(), pristine_.data(), pristine_.size()) != 0)
            for (size_t i = 0; i < pristine_.size(); ++i)
                if (uint8_t& byte = memory_.data()[i]; byte != pristine_[i])
                    outcome.written.emplace_back(i, std::exchange(byte, pristine_[i]));
        return outcome;
    }

private:
    LinearMemory memory_;
    std::vector<uint8_t> pristine_;
};

class GuardedHandlers : public ::testing::Test {
protected:
    void SetUp() override {
        if (!Engine{guarded()}.guard_pages())
            GTEST_SKIP() << "no guard pages on this platform";
        bench_.emplace();
    }

    /// Holds the guarded handlers of some forms against the comparing ones: inside, at the end, and outside.
    void compare(std::initializer_list<vm::Form> forms, bool of_stores) {
        size_t expected = 0;
        for (const vm::Form form : forms)
            for (const InstrRow& row : instr_table)
                for (size_t i = 0; i < vm::combinations(form); ++i) {
                    const vm::Variant variant = vm::variant_of(form, i);
                    if (variant.option != 0)
                        continue;
                    const bool is_store = vm::family_of(row.op) == vm::Family::store;
                    const bool is_access = vm::Family::i32_load <= vm::family_of(row.op) &&
                                           vm::family_of(row.op) <= vm::Family::store &&
                                           is_store == of_stores;
                    expected += is_access && vm::exists(form, vm::coverage_of(form, row.op),
                                                        vm::banks_of(row.sig), variant);
                    ASSERT_NO_FATAL_FAILURE(compare({form, row.op, variant}));
                }
        EXPECT_EQ(variants_, expected);
        EXPECT_EQ(faults_ + successes_, variants_ * std::size(addresses) * std::size(offsets));
        // Whatever is added to what: these two addresses are outside, and the first is inside with two
        // offsets.
        EXPECT_GE(faults_, variants_ * 2 * std::size(offsets));
        EXPECT_GE(successes_, variants_ * 2);
    }

private:
    void compare(vm::Choice comparing) {
        vm::Choice unchecked = comparing;
        unchecked.variant.option = 1;
        ASSERT_EQ(exists(comparing), exists(unchecked));
        if (!exists(comparing))
            return;
        SCOPED_TRACE(std::string{row_of(comparing.op).text()} + " " +
                     std::string{vm::name_of(comparing.form)});
        ASSERT_NE(find_handler(comparing), find_handler(unchecked));
        ++variants_;
        const bool is_sum = comparing.form != vm::Form::load && comparing.form != vm::Form::load_at &&
                            comparing.form != vm::Form::store && comparing.form != vm::Form::store_at;
        for (const uint64_t address : addresses)
            for (const uint32_t offset : offsets) {
                const uint64_t value = is_sum ? address / 2 : address;
                const Outcome expected = bench_->run(comparing, value, offset);
                const Outcome actual = bench_->run(unchecked, value, offset);
                ASSERT_TRUE(actual == expected) << "address " << address << " offset " << offset;
                (expected.exit == vm::Exit::memory_out_of_bounds ? faults_ : successes_) += 1;
            }
    }

    static constexpr uint64_t addresses[] = {64, 65536 - 40, 65536, 70'000, 0x7fff'fff0, 0xffff'fff0};
    static constexpr uint32_t offsets[] = {0, 24, 40, 65'535, 0xffff'ffff};
    std::optional<Bench> bench_;
    size_t variants_ = 0;
    size_t faults_ = 0;
    size_t successes_ = 0;
};

TEST_F(GuardedHandlers, load_what_the_comparing_ones_load) {
    using enum vm::Form;
    compare({load, load_at, load_sum, load_indexed, load_displaced}, false);
}

TEST_F(GuardedHandlers, store_what_the_comparing_ones_store) {
    using enum vm::Form;
    compare({store, store_at, store_sum, store_displaced}, true);
}

// ---- Whole programs ----

constexpr std::string_view accesses = R"((module
    (import "env" "again" (func $again (param i32) (result i32)))
    (memory (export "memory") 1 3)
    (func $load (param i32) (result i32) (i32.load offset=4 (local.get 0)))
    (func (export "load") (param i32) (result i32) (call $load (local.get 0)))
    (func (export "sum") (param i32) (result i32) (local i32 i32)
        (local.set 1 (i32.const 100))
        (loop $l
            (local.set 2 (i32.add (local.get 2) (i32.load (i32.add (local.get 0) (local.get 1)))))
            (br_if $l (local.tee 1 (i32.sub (local.get 1) (i32.const 4)))))
        (local.get 2))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "nested") (param i32) (result i32)
        (i32.store8 (i32.const 7) (i32.const 9))
        (i32.add (call $again (local.get 0)) (i32.load8_u (i32.const 7))))))";

/// The message and the frames of a trap.
std::string text_of(const Trap& trap) {
    std::string text{trap.message()};
    for (const Frame& frame : trap.backtrace())
        text += " " + std::to_string(frame.func) + "@" + std::to_string(frame.offset);
    return text;
}

/// What a call of an export gives: its result or the whole trap.
std::string outcome_of(Instance instance, std::string_view name, int32_t argument) {
    const auto func = instance.func<int32_t(int32_t)>(name);
    EXPECT_TRUE(func);
    const auto result = (*func)(argument);
    return result ? std::to_string(*result) : text_of(result.error());
}

/// Instantiates it with a host function that calls the export "load" again, and returns 1000 if that traps.
Instance instantiate_accesses(Engine& engine, Store& store, Linker& linker) {
    const auto bytes = assemble(accesses);
    const auto module = engine.load(bytes);
    EXPECT_TRUE(module);
    const auto defined = linker.func("env", "again", [](Caller& caller, int32_t address) {
        const auto load = caller.instance()->func<int32_t(int32_t)>("load");
        return (*load)(address).value_or(1000);
    });
    EXPECT_TRUE(defined);
    const auto instance = linker.instantiate(store, *module);
    EXPECT_TRUE(instance);
    return *instance;
}

TEST_F(GuardPages, give_the_same_results_messages_and_positions) {
    const Instance expected = instantiate_accesses(comparing, comparing_store, comparing_linker);
    const Instance actual = instantiate_accesses(engine, store, linker);
    for (int round = 0; round < 2; ++round) {
        for (const char* const name : {"load", "sum", "nested"})
            for (const int32_t address :
                 {0, 65528, 65529, 65536, 70'000, 131'064, 200'000, INT32_MAX, -1, -200})
                EXPECT_EQ(outcome_of(actual, name, address), outcome_of(expected, name, address))
                    << name << " " << address;
        EXPECT_EQ(outcome_of(actual, "grow", 1), outcome_of(expected, "grow", 1));
    }
    EXPECT_NE(outcome_of(actual, "load", -1).find("out of bounds memory access: 4 bytes at 4294967299"),
              std::string::npos);
}

TEST_F(GuardPages, go_with_every_reset) {
    const Instance instance = instantiate_accesses(engine, store, linker);
    EXPECT_EQ(outcome_of(instance, "grow", 2), "1");
    EXPECT_EQ(outcome_of(instance, "load", 150'000), "0");
    ASSERT_TRUE(instance.reset());
    EXPECT_NE(outcome_of(instance, "load", 150'000).find("memory has 65536"), std::string::npos);
}

TEST_F(GuardPages, serve_several_threads) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([this] {
            Store own{engine};
            Linker own_linker{engine};
            const Instance instance = instantiate_accesses(engine, own, own_linker);
            for (int round = 0; round < 200; ++round) {
                EXPECT_EQ(outcome_of(instance, "load", 1000 + round), "0");
                EXPECT_NE(outcome_of(instance, "load", 65536 + round).find("out of bounds"),
                          std::string::npos);
                EXPECT_EQ(outcome_of(instance, "nested", -1), "1009");
            }
        });
    for (std::thread& thread : threads)
        thread.join();
}

TEST_F(GuardPages, guard_a_memory_that_can_never_have_a_page) {
    const Instance instance = instantiate(R"((module (memory 0 0)
        (func (export "f") (drop (i64.load (i32.const 8))))))");
    EXPECT_EQ(trap_of(instance, "f"), "out of bounds memory access: 8 bytes at 8, memory has 0");
}

TEST_F(GuardPages, leave_other_memories_to_comparisons) {
    const Instance instance = instantiate(R"((module (memory 1) (memory $b i64 1) (memory $c 1)
        (func (export "b") (drop (i32.load $b (i64.const 65536))))
        (func (export "c") (drop (i32.load $c (i32.const 65536))))))");
    EXPECT_EQ(trap_of(instance, "b"), "out of bounds memory access: 4 bytes at 65536, memory has 65536");
    EXPECT_EQ(trap_of(instance, "c"), "out of bounds memory access: 4 bytes at 65536, memory has 65536");
}

TEST_F(GuardPages, need_their_address_space) {
    class None final : public Allocator {
    public:
        void* allocate(size_t size, size_t alignment) noexcept override {
            return Allocator::standard().allocate(size, alignment);
        }
        void deallocate(void* block, size_t size, size_t alignment) noexcept override {
            Allocator::standard().deallocate(block, size, alignment);
        }
        void* reserve(size_t) noexcept override { return nullptr; }
    };
    static None none; // the fixture's stores outlive the test
    Config config = guarded();
    config.allocator = &none;
    Engine cramped{config};
    Store cramped_store{cramped};
    const auto memory = Memory::create(cramped_store, {.limits = {1, 0, false, false}});
    ASSERT_FALSE(memory);
    EXPECT_EQ(memory.error().code(), ErrorCode::out_of_memory);
    // Without guards a block does.
    config.guard_pages = false;
    Engine modest{config};
    Store modest_store{modest};
    EXPECT_TRUE(Memory::create(modest_store, {.limits = {1, 0, false, false}}));

    const MemoryType shared{.limits = {1, 2, true, false}, .shared = true};
    const auto unguarded = SharedMemory::create(shared, &none);
    ASSERT_TRUE(unguarded);
    const auto imported = Memory::create(store, *unguarded);
    ASSERT_FALSE(imported);
    EXPECT_EQ(imported.error().code(), ErrorCode::usage);
    EXPECT_TRUE(Memory::create(comparing_store, *unguarded));
    // One that the store makes itself is no mistake of the embedder's.
    const auto made = Memory::create(cramped_store, shared);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), ErrorCode::out_of_memory);
    EXPECT_TRUE(Memory::create(store, *SharedMemory::create(shared)));
}

// ---- The signals of others ----

#if WARPBEAM_GUARD_PAGES

/// Each in a process of its own, whose signal handlers are untouched.
class GuardPagesDeathTest : public ::testing::Test {
protected:
    void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
    /// Faults in a guest, and then on its own.
    static void fault_both_ways(bool by_signal) {
        Engine fresh{guarded()};
        Store fresh_store{fresh};
        Linker fresh_linker{fresh};
        const Instance instance = instantiate_accesses(fresh, fresh_store, fresh_linker);
        if (outcome_of(instance, "load", -1).find("out of bounds") == std::string::npos)
            std::_Exit(1);
        if (by_signal) {
            (void)std::raise(SIGSEGV);
        } else {
            void* const page = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            *static_cast<volatile char*>(page) = 1;
        }
        std::_Exit(2);
    }
};

TEST_F(GuardPagesDeathTest, hand_on_faults_to_a_handler_with_information) {
    const auto run = [](bool by_signal) {
        struct sigaction own{};
        own.sa_sigaction = [](int, siginfo_t* info, void*) { std::_Exit(info->si_code > 0 ? 42 : 43); };
        own.sa_flags = SA_SIGINFO;
        sigaction(SIGSEGV, &own, nullptr);
        fault_both_ways(by_signal);
    };
    EXPECT_EXIT(run(false), ::testing::ExitedWithCode(42), "");
    EXPECT_EXIT(run(true), ::testing::ExitedWithCode(43), "");
}

TEST_F(GuardPagesDeathTest, hand_on_faults_to_a_plain_handler) {
    const auto run = [](bool by_signal) {
        std::signal(SIGSEGV, [](int number) { std::_Exit(40 + number); });
        fault_both_ways(by_signal);
    };
    EXPECT_EXIT(run(false), ::testing::ExitedWithCode(40 + SIGSEGV), "");
    EXPECT_EXIT(run(true), ::testing::ExitedWithCode(40 + SIGSEGV), "");
}

TEST_F(GuardPagesDeathTest, hand_on_once_to_a_handler_that_wants_no_more) {
    // Such a handler may return, and then the fault that happens again has to end the process.
    const auto run = [] {
        static int calls = 0;
        struct sigaction own{};
        own.sa_handler = [](int number) {
            if (++calls == 2)
                std::_Exit(40 + number);
        };
        own.sa_flags = static_cast<int>(SA_RESETHAND);
        sigaction(SIGSEGV, &own, nullptr);
        fault_both_ways(false);
    };
    EXPECT_EXIT(run(), ::testing::KilledBySignal(SIGSEGV), "");
}

/// What a handler of the embedder finds when it is called.
struct Surroundings {
    bool segv_waits = false;
    bool usr1_waits = false;
    bool on_alternate_stack = false;
    bool operator==(const Surroundings&) const = default;
};
char alternate_stack[1 << 16]; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
Surroundings found;            // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
sigjmp_buf after;              // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

/// Faults, with a handler that comes back here.
[[gnu::noinline]] void fault_and_return() {
    void* const page = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (sigsetjmp(after, 1) == 0)
        *static_cast<volatile char*>(page) = 1;
}

/// Ends the process with 42 if a handler with such flags, which holds up SIGUSR1, finds that after a fault of
/// the embedder's, and the thread's mask is afterwards what it was.
void expect_surroundings(int flags, const Surroundings& expected) {
    stack_t stack{};
    stack.ss_sp = alternate_stack;
    stack.ss_size = sizeof alternate_stack;
    sigaltstack(&stack, nullptr);
    struct sigaction own{};
    own.sa_handler = [](int) {
        sigset_t mask;
        sigprocmask(SIG_SETMASK, nullptr, &mask);
        const char here = 0;
        const auto at = reinterpret_cast<uintptr_t>(&here);
        const auto begin = reinterpret_cast<uintptr_t>(alternate_stack);
        found = {sigismember(&mask, SIGSEGV) == 1, sigismember(&mask, SIGUSR1) == 1,
                 at - begin < sizeof alternate_stack};
        siglongjmp(after, 1);
    };
    own.sa_flags = flags;
    sigaddset(&own.sa_mask, SIGUSR1);
    sigaction(SIGSEGV, &own, nullptr);

    Engine fresh{guarded()};
    Store fresh_store{fresh};
    Linker fresh_linker{fresh};
    const Instance instance = instantiate_accesses(fresh, fresh_store, fresh_linker);
    for (int round = 0; round < 2; ++round) {
        if (outcome_of(instance, "load", -1).find("out of bounds") == std::string::npos)
            std::_Exit(1);
        found = {};
        fault_and_return();
        sigset_t mask;
        sigprocmask(SIG_SETMASK, nullptr, &mask);
        if (found != expected || sigismember(&mask, SIGUSR1) == 1 || sigismember(&mask, SIGSEGV) == 1)
            std::_Exit(2);
    }
    std::_Exit(42);
}

TEST_F(GuardPagesDeathTest, give_a_handler_the_mask_and_the_stack_that_it_asked_for) {
    EXPECT_EXIT(expect_surroundings(0, {true, true, false}), ::testing::ExitedWithCode(42), "");
    EXPECT_EXIT(expect_surroundings(SA_NODEFER, {false, true, false}), ::testing::ExitedWithCode(42), "");
    EXPECT_EXIT(expect_surroundings(SA_ONSTACK, {true, true, true}), ::testing::ExitedWithCode(42), "");
    EXPECT_EXIT(expect_surroundings(SA_ONSTACK | SA_NODEFER, {false, true, true}),
                ::testing::ExitedWithCode(42), "");
}

TEST_F(GuardPagesDeathTest, let_a_handler_of_one_fault_return_only_once) {
    // The kernel has forgotten such a handler when it runs, so a fault of its own ends the process.
    const auto run = [] {
        struct sigaction own{};
        own.sa_handler = [](int) {
            if (found.segv_waits)
                std::_Exit(43); // a second time
            found.segv_waits = true;
            *static_cast<volatile char*>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) =
                1;
        };
        own.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
        sigaction(SIGSEGV, &own, nullptr);
        fault_both_ways(false);
    };
    EXPECT_EXIT(run(), ::testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(GuardPagesDeathTest, leave_the_default_alone) {
    const auto run = [](bool by_signal) {
        std::signal(SIGSEGV, SIG_DFL);
        fault_both_ways(by_signal);
    };
    EXPECT_EXIT(run(false), ::testing::KilledBySignal(SIGSEGV), "");
    EXPECT_EXIT(run(true), ::testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(GuardPagesDeathTest, ignore_only_what_was_sent) {
    const auto run = [](bool by_signal) {
        std::signal(SIGSEGV, SIG_IGN);
        fault_both_ways(by_signal);
    };
    EXPECT_EXIT(run(false), ::testing::KilledBySignal(SIGSEGV), "");
    EXPECT_EXIT(run(true), ::testing::ExitedWithCode(2), "");
}

#endif

} // namespace
} // namespace warpbeam
