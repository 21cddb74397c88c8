#pragma once

#include "handlers/handler_table.hpp"

#include <warpbeam/memory/vec.hpp>

namespace warpbeam::vm {

/// What each handler stands for, the reverse of the handler table; for those of joined instructions, the
/// first.
class HandlerIndex {
public:
    /// The only index, made on first use; null if memory runs out.
    [[nodiscard]] static const HandlerIndex* get() noexcept;

    /// Null if it is not a handler. If several instructions share one, as the relaxed vector operators do
    /// with their strict namesakes, the first in the order of the tables.
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
