#pragma once

#include "bounded_allocator.hpp"
#include "store/home.hpp"

#include <warpbeam/vm/growth_policy.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/observer.hpp>

namespace warpbeam::fuzz {

inline constexpr uint64_t fuel = 2'000;
inline constexpr size_t max_homes = 4;
inline constexpr uint64_t stack_size = 256; ///< of most GuestStacks
inline constexpr StoreLimits limits{.memory_bytes = 1 << 20,
                                    .table_elements = 10'000,
                                    .heap_bytes = 1 << 18,
                                    .execution_bytes = 1 << 20,
                                    .instances = 40,
                                    .executions = 8};

/// Looks at all that it is told of.
class Watcher final : public Observer, public TrapObserver, public FrameVisitor {
public:
    void observe(const Observation& observation) noexcept override;
    void trapped(const Trap& trap, const ActiveStack& stack) noexcept override;
    bool visit(const ActiveFrame& frame) noexcept override;
};

/// Calls functions of the C++ API as an input says.
class Driver {
public:
    Driver(Input input, BoundedAllocator& memory);
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    ~Driver();
    void run();

private:
    friend class Names;
    /// Does one thing.
    void step();

    /// @{ What driver.cpp has: values, and the end of objects.
    Home& home() { return *homes_[input_.byte() % homes_.size()]; }
    Home& add_home(Store made);
    /// In a host function, what has called it pays, so that the fuel of executions can be counted.
    static void refuel(Home& home) {
        if (home.running == 0)
            home.store->set_fuel(fuel);
    }
    void end(size_t home);
    void move_store(Home& home);
    void remove();
    std::string_view name();
    ValType type();
    Value value(Home& home, ValType type);
    std::vector<Value> values(Home& home, std::span<const ValType> types);
    [[nodiscard]] static uint64_t stamp(Home& home, const Value& value);
    void keep(Home& home, const Value& value);
    void keep(Home& home, std::span<const Value> values, std::span<const ValType> types);
    void keep(Home& home, const Trap& trap);
    void keep(Home& home, const Extern& object);
    /// What the host holds is still what it was.
    void check(Home& home);
    /// @}

    /// @{ Whether there was no error, which says why.
    template <class T>
    bool done(const std::expected<T, Error>& result) {
        if (!result)
            require(!result.error().message().empty() &&
                    (result.error().code() != ErrorCode::out_of_memory || is_scarce()));
        return result.has_value();
    }
    template <class T>
    bool done(Home& home, const std::expected<T, Trap>& result) {
        if (!result)
            keep(home, result.error());
        return result.has_value();
    }
    template <class T>
    bool done(Home& home, const std::expected<T, InstantiationError>& result) {
        if (result)
            return true;
        const InstantiationError& error = result.error();
        require(!error.message().empty() && (error.trap() != nullptr) == !error.code());
        require(error.code() != ErrorCode::out_of_memory || is_scarce());
        if (error.trap() != nullptr)
            keep(home, *error.trap());
        return false;
    }
    /// @}
    /// Whether memory has run out so far, so that anything may have failed.
    [[nodiscard]] bool is_scarce() const { return memory_.refused(); }

    /// @{ What make.cpp has: objects, linkers and instances.
    void make(Home& home);
    void make_func(Home& home);
    void link(Home& home);
    void define_all(Linker& linker);
    void define_func(Linker& linker, uint8_t choice);
    void instantiate(Home& home);
    void keep_instance(Home& home, Instance instance);
    [[nodiscard]] Extern fitting(Home& home, const ExternType& type);
    /// @}

    /// @{ What host.cpp has: host functions, and calls.
    std::expected<void, Trap> called(Caller& caller, std::span<const Value> args, std::span<Value> results);
    std::expected<void, Trap> outcome(Home& home, Caller& caller, std::span<Value> results);
    template <class R, class... A>
    std::expected<R, Trap> called_typed(Caller& caller, A... args);
    void call(Home& home);
    void call_typed(Home& home);
    [[nodiscard]] auto host_func() {
        return [this, counted = Counted{callables_}](Caller& caller, std::span<const Value> args,
                                                     std::span<Value> results) {
            return called(caller, args, results);
        };
    }
    /// @}

    /// @{ What execute.cpp has.
    void execute(Home& home);
    void begin(Home& home);
    void start(Home& home);
    Run* add_run(Home& home, Execution execution, bool on_stack = false);
    void resume(Run& run);
    void inspect(Run& run);
    void answer(Run& run);
    void take_token(Run& run);
    void use_token();
    void add_ticket(AnswerToken token, Note* note);
    Note* add_note() { return &notes_.emplace_back(); }
    void use_stacks(Home& home);
    void adopt(Run& run, Instance guest);
    /// @}

    /// @{ What objects.cpp has.
    void use_objects(Home& home);
    void make_object(Home& home);
    void use_exception(Home& home);
    void use_scope(Home& home);
    void use(Home& home);
    void use_table(Home& home);
    void use_memory(Home& home);
    void use_global(Home& home);
    void use_interrupt(Home& home);
    void use_instance(Home& home);
    /// @}

    /// @{ What save.cpp has.
    void save(Home& home);
    void take_over(Restored restored, std::span<Run* const> originals);
    /// @}

    Input input_;
    BoundedAllocator& memory_;
    Watcher watcher_;
    bool has_failures_ = false;
    bool stores_end_first_ = false; ///< before what may outlive them
    bool is_ending_ = false;        ///< a store, whose code still frees what it made
    bool has_copies_ = false;       ///< of modules, that snapshots have carried
    int depth_ = 0;                 ///< of host functions, which destroy nothing that a caller may use
    int callables_ = 0;
    int things_ = 0;
    std::optional<Engine> engine_;
    std::vector<Module> modules_;
    std::vector<std::unique_ptr<Home>> homes_;
    std::vector<Root> orphans_; ///< of stores that have ended
    std::deque<Note> notes_;
    Objects<Run> runs_;
    Objects<Linker> linkers_;
    Pool<LinkedModule> linked_;
    Pool<Ticket> tickets_;
    std::vector<InterruptHandle> interrupts_;
    std::vector<Held> exceptions_;
    std::vector<Caught> traps_;
};

} // namespace warpbeam::fuzz
