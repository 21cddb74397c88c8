#pragma once

#include "handlers/handler_table.hpp"

#include <warpbeam/memory/vec.hpp>

namespace warpbeam::vm {

/// What each handler stands for: the table of handlers the other way round.
class HandlerIndex {
public:
    /// The one index, which is made when it is first asked for; null when there was no memory for it.
    [[nodiscard]] static const HandlerIndex* get() noexcept;

    /// Null for what is no handler. Where several instructions share one, as the relaxed vector operators do
    /// with their strict namesakes, it is the first in the order of the tables.
    [[nodiscard]] const Choice* find(Handler handler) const noexcept;

private:
    struct Entry {
        uintptr_t address;
        uint32_t order;
        Choice choice;
    };
    [[nodiscard]] bool build() noexcept;

    Vec<Entry> entries_; ///< by address
};

} // namespace warpbeam::vm
