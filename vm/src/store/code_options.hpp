#pragma once

#include "handlers/entry_points.hpp"

#include <warpbeam/vm/engine.hpp>

namespace warpbeam {

/// What an engine asks of the code of its modules.
[[nodiscard]] inline vm::CodeOptions code_options(const Engine& engine) noexcept {
    return {engine.config().fuel, engine.config().interruption, engine.guard_pages(), engine.layouts(),
            &engine.allocator()};
}

} // namespace warpbeam
