#pragma once

#include "handlers/instance_data.hpp"
#include "snapshot/saved_stack.hpp"

#include <optional>
#include <span>

namespace warpbeam::vm {

/// An instruction that a frame waits in, after its operands are taken.
struct CallSite {
    StackTop top;                     ///< `host` for any call, `resuming`, or `suspended`
    std::span<const ValType> results; ///< what it goes on with
};

/// The instruction at an offset in a function's code, where an instruction must begin; none if it is another
/// one.
[[nodiscard]] std::optional<CallSite> call_site_at(const InstanceData& inst, uint32_t func,
                                                   uint32_t offset) noexcept;

/// The first of these types, as many as the slots hold; none if they don't hold a whole number of them.
[[nodiscard]] std::optional<std::span<const ValType>> types_in(std::span<const ValType> types,
                                                               size_t slots) noexcept;

} // namespace warpbeam::vm
