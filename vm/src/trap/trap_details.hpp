#pragma once

#include "trap/exception_root.hpp"

#include <warpbeam/loader/text.hpp>
#include <warpbeam/vm/trap.hpp>

#include <optional>

namespace warpbeam {

/// What a trap shares with its copies; immutable once it is shared.
struct Trap::Details {
    explicit Details(Allocator& from) noexcept : allocator{from}, message{from}, frames{from} {}

    RefCount owners;
    Allocator& allocator;
    Text message;
    Vec<Frame> frames;
    size_t omitted = 0;
    std::optional<Trap> cause;
    Ref<vm::ExceptionRoot> exception;
};

} // namespace warpbeam
