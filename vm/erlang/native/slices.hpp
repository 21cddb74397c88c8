#pragma once

#include "nif.hpp"

#include <algorithm>

/// What begins a call and what goes on with it have in common: slices, and what comes after them.

namespace warpbeam::erlang {

/// Whether slices need a dirty scheduler, since they may use files.
[[nodiscard]] inline bool is_blocking(const InstanceResource& instance) noexcept {
    return instance.world != nullptr && instance.world->is_blocking();
}

/// Runs a slice, with the lock, and tells its state. What the call has ended with, if it has.
[[nodiscard]] std::optional<Term> run_slice(ErlNifEnv* env, InstanceResource& instance, CallState& call,
                                            ExecutionState& state) noexcept;
/// The first slice of a call that goes on, with the lock: at once if that may be.
[[nodiscard]] Term run_first(ErlNifEnv* env, CallResource& call, const Term argv[]) noexcept;
/// Runs the next slice as soon as others had their turn; on a dirty scheduler if it may use files, or takes
/// long.
[[nodiscard]] Term run_next(ErlNifEnv* env, CallResource& call, const Term argv[]) noexcept;

/// What the call has ended with; none if it goes on, or its output is to be written first.
[[nodiscard]] std::optional<Term> end_of(ErlNifEnv* env, InstanceResource& instance, CallState& call,
                                         ExecutionState state) noexcept;
/// What comes after a slice of a call that has not ended.
[[nodiscard]] Term go_on(ErlNifEnv* env, CallResource& call, ExecutionState state,
                         const Term argv[]) noexcept;
/// The results of a call that has ended.
[[nodiscard]] Term make_results(ErlNifEnv* env, InstanceResource& instance,
                                std::span<const Value> values) noexcept;

inline constexpr int64_t hundredth = 10'000; ///< nanoseconds, of a process's turn
/// Charges the process for what is unpaid.
void pay(ErlNifEnv* env, InstanceResource& instance) noexcept;
/// Charges the process for this time. It has some 4,000 reductions and a millisecond at a time, of which the
/// runtime system counts hundredths; an instance collects what is less.
inline void charge(ErlNifEnv* env, InstanceResource& instance, int64_t nanoseconds) noexcept {
    instance.unpaid += nanoseconds;
    if (instance.unpaid >= hundredth) [[unlikely]]
        pay(env, instance);
}

/// The fuel of a slice for which the clock is not read, since most calls are so short that this would take
/// longer; and what it is charged for.
inline constexpr uint64_t short_slice = 2'000;
inline constexpr int64_t shortest = 200; ///< nanoseconds; of what is around the call
inline void charge_short(ErlNifEnv* env, InstanceResource& instance, uint64_t fuel_used) noexcept {
    charge(env, instance, shortest + static_cast<int64_t>(fuel_used) * 4);
}

} // namespace warpbeam::erlang
