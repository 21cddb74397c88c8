#include "nif.hpp"

#include <utility>

/// The option `stacks`: each call has a stack of its own in the guest's memory, so that calls of a C program
/// may end in any order.

namespace warpbeam::erlang {

namespace {

/// What the guest's `malloc` or `free` may use at once, since it runs outside of slices: about a millisecond.
constexpr uint64_t allocator_fuel = 1'000'000;

constexpr uint64_t max_stack = 1 << 30;

/// Fuel for what the guest does for its stacks. The store has none at other times.
class AllocatorFuel {
public:
    explicit AllocatorFuel(InstanceResource& instance) noexcept : instance_{instance} {
        instance_.store.set_fuel(allocator_fuel);
    }
    ~AllocatorFuel() {
        instance_.fuel_used += allocator_fuel - instance_.store.fuel();
        instance_.store.set_fuel(0);
    }
    AllocatorFuel(const AllocatorFuel&) = delete;
    AllocatorFuel& operator=(const AllocatorFuel&) = delete;

private:
    InstanceResource& instance_;
};

/// The stacks of the instance, made if there are none yet.
std::expected<GuestStacks*, Term> stacks_of(ErlNifEnv* env, InstanceResource& instance) noexcept {
    if (instance.call_limits.stacks > max_stack)
        return std::unexpected{bad_argument(env, "stacks is at most 1,073,741,824 bytes")};
    if (!instance.stacks) {
        auto made = GuestStacks::of(instance.instance, {.size = instance.call_limits.stacks});
        if (!made)
            return std::unexpected{make_trap(env, instance, made.error())};
        instance.stacks.emplace(std::move(*made));
    }
    return &*instance.stacks;
}

} // namespace

std::expected<Execution, Term> prepare_call(ErlNifEnv* env, InstanceResource& instance, Func func,
                                            std::span<const Value> arguments) noexcept {
    if (instance.call_limits.stacks == 0) {
        auto made = Execution::create(func, arguments);
        if (!made)
            return std::unexpected{make_error(env, made.error())};
        return std::move(*made);
    }
    const auto stacks = stacks_of(env, instance);
    if (!stacks)
        return std::unexpected{stacks.error()};
    const AllocatorFuel fuel{instance};
    auto made = (*stacks)->create(func, arguments);
    if (!made)
        return std::unexpected{make_trap(env, instance, made.error())};
    return std::move(*made);
}

std::optional<Term> trim_stacks(ErlNifEnv* env, InstanceResource& instance) noexcept {
    // A call that was stopped in the middle of `free` would not expect another one.
    if (!instance.stacks || instance.store.usage().executions != 0)
        return std::nullopt;
    const AllocatorFuel fuel{instance};
    const auto trimmed = instance.stacks->trim();
    return trimmed ? std::nullopt : std::optional{make_trap(env, instance, trimmed.error())};
}

std::optional<Term> adopt_stacks(ErlNifEnv* env, InstanceResource& instance,
                                 std::span<Execution> executions) noexcept {
    if (instance.call_limits.stacks == 0 || executions.empty())
        return std::nullopt;
    const auto stacks = stacks_of(env, instance);
    if (!stacks)
        return stacks.error();
    for (Execution& execution : executions) {
        const auto adopted = (*stacks)->adopt(execution);
        // One that had no stack of its own goes on without.
        if (!adopted && adopted.error().code() != ErrorCode::usage)
            return make_error(env, adopted.error());
    }
    return std::nullopt;
}

} // namespace warpbeam::erlang
