#pragma once

#include "trap/exception_root.hpp"

#include <warpbeam/loader/text.hpp>
#include <warpbeam/vm/trap.hpp>

#include <optional>

namespace warpbeam {

/// An object that the embedder attached to a trap.
struct TrapPayload : RefCounted<TrapPayload> {
    using Drop = void (*)(Allocator& allocator, void* object) noexcept;
    TrapPayload(Allocator& from, void* of, const void* type, Drop end) noexcept
        : RefCounted{from}, object{of}, tag{type}, drop{end} {}
    ~TrapPayload() { drop(allocator(), object); }

    void* const object;
    const void* const tag; ///< identifies its type
    const Drop drop;
};

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
    Ref<TrapPayload> payload;
};

} // namespace warpbeam
