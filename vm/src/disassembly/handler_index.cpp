#include "disassembly/handler_index.hpp"

#include "handlers/joined_table.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace warpbeam::vm {

const HandlerIndex* HandlerIndex::get() noexcept {
    static const std::optional<HandlerIndex> made = []() noexcept {
        std::optional<HandlerIndex> index{std::in_place};
        if (!index->build())
            index.reset();
        return index;
    }();
    return made ? &*made : nullptr;
}

bool HandlerIndex::build() noexcept {
    for (const HandlerGroup& group : handler_groups())
        for (size_t i = 0; i < group.count; ++i) {
            const HandlerRow& row = group.rows[i];
            if (row.handlers == nullptr)
                continue;
            for (size_t number = 0; number < combinations(group.form); ++number)
                if (row.places[number] != UINT8_MAX &&
                    !entries_.push({reinterpret_cast<uintptr_t>(row.handlers[row.places[number]]),
                                    static_cast<uint32_t>(entries_.size()),
                                    {group.form, op_at(group.family, i), variant_of(group.form, number)}}))
                    return false;
        }
    for (size_t i = 0; i < joined_entries(); ++i) {
        const JoinedEntry joined = joined_entry(i);
        if (!entries_.push({reinterpret_cast<uintptr_t>(joined.handler),
                            static_cast<uint32_t>(entries_.size()), joined.first}))
            return false;
    }
    std::ranges::sort(entries_, {}, [](const Entry& entry) { return std::pair{entry.address, entry.order}; });
    return true;
}

const Choice* HandlerIndex::find(Handler handler) const noexcept {
    const auto address = reinterpret_cast<uintptr_t>(handler);
    const auto* const found = std::ranges::lower_bound(entries_, address, {}, &Entry::address);
    return found != entries_.end() && found->address == address ? &found->choice : nullptr;
}

} // namespace warpbeam::vm
