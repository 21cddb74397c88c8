#include "handlers/joined_table.hpp"

#include "handlers/joined_part.hpp"

#include <bit>

namespace warpbeam::vm {

#if WARPBEAM_TAIL_CALLS

namespace {

/// By the addresses of both handlers.
class Table {
public:
    Table() noexcept {
        for (size_t i = 0; i < joined_count; ++i) {
            const JoinedChoices& row = joined_list[i];
            // The list has the beginnings before what is longer.
            Handler first = find_handler(row.parts[0]);
            for (size_t part = 1; part + 1 < row.count; ++part)
                first = find(first, find_handler(row.parts[part]));
            add(first, find_handler(row.parts[row.count - 1]), joined_entry(i).handler);
        }
    }
    [[nodiscard]] Handler find(Handler first, Handler next) const noexcept {
        for (size_t i = place(first, next);; i = (i + 1) % room) {
            const Entry& entry = entries_[i];
            if (entry.first == first && entry.next == next)
                return entry.joined;
            if (entry.joined == nullptr)
                return nullptr;
        }
    }

private:
    struct Entry {
        Handler first = nullptr;
        Handler next = nullptr;
        Handler joined = nullptr;
    };
    static constexpr size_t room = std::bit_ceil(2 * joined_count + 1);

    static size_t place(Handler first, Handler next) noexcept {
        // Handlers begin at multiples of 64.
        const uint64_t key =
            reinterpret_cast<uintptr_t>(first) / 64 * 31 + reinterpret_cast<uintptr_t>(next) / 64;
        return static_cast<size_t>(key * 0x9e37'79b9'7f4a'7c15 >> 32) % room;
    }
    void add(Handler first, Handler next, Handler joined) noexcept {
        if (first == nullptr || next == nullptr)
            return; // test JoinedTest fails then
        size_t i = place(first, next);
        while (entries_[i].joined != nullptr)
            i = (i + 1) % room;
        entries_[i] = {first, next, joined};
    }

    std::array<Entry, room> entries_;
};

const Table& table() noexcept {
    static const Table made;
    return made;
}

} // namespace

Handler find_joined(Handler first, Handler next) noexcept {
    static const Table& all = table();
    return all.find(first, next);
}

size_t joined_entries() noexcept { return joined_count; }

JoinedEntry joined_entry(size_t i) noexcept {
    const std::span<const Handler> parts[] = {joined_0, joined_1, joined_2, joined_3};
    size_t part = joined_parts - 1;
    while (i < joined_begin(part))
        --part;
    return {parts[part][i - joined_begin(part)], joined_list[i].parts[0]};
}

#else

Handler find_joined(Handler, Handler) noexcept { return nullptr; }
size_t joined_entries() noexcept { return 0; }
JoinedEntry joined_entry(size_t) noexcept { return {}; }

#endif

} // namespace warpbeam::vm
