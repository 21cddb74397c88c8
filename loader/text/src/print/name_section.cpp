#include "print/name_section.hpp"

#include <warpbeam/memory/hash.hpp>
#include <warpbeam/memory/hash_index.hpp>

#include <algorithm>

namespace warpbeam::text {
namespace {

/// An identifier is repeated wherever it is used, so a long one could turn a few bytes into a lot of text.
constexpr size_t longest_identifier = 200;

/// Whether a name can be an identifier, if no other has it.
constexpr bool fits(std::string_view name) noexcept {
    return !name.empty() && name.size() <= longest_identifier;
}

constexpr std::pair<uint32_t, uint32_t> place(const NameSection::Entry& entry) noexcept {
    return {entry.owner, entry.index};
}

} // namespace

NameSection::NameSection(Allocator& allocator) noexcept : allocator_{allocator} {
    for (Vec<Entry>& entries : entries_)
        entries = Vec<Entry>{allocator};
}

bool NameSection::read(std::span<const uint8_t> contents) noexcept {
    NameReader in{contents};
    while (const auto entry = in.next()) {
        if (entry->space == Space::module)
            module_ = entry->name;
        else if (!entries_[static_cast<size_t>(entry->space)].push({entry->owner, entry->index, entry->name}))
            return false;
    }
    // Labels can't be annotated.
    const Vec<Entry>& labels = entries_[static_cast<size_t>(Space::label)];
    if (!in.canonical() || !std::ranges::all_of(labels, fits, &Entry::name)) {
        module_.reset();
        for (Vec<Entry>& entries : entries_)
            entries.clear();
    }
    for (size_t space = 0; space < name_space_count; ++space)
        if (!choose_identifiers(static_cast<Space>(space)))
            return false;
    return true;
}

/// The first of several equal names becomes the identifier. Labels may share theirs.
bool NameSection::choose_identifiers(Space space) noexcept {
    Vec<Entry>& entries = entries_[static_cast<size_t>(space)];
    HashIndex seen{allocator_};
    for (uint32_t i = 0; i < entries.size(); ++i) {
        Entry& entry = entries[i];
        if (space == Space::label) {
            entry.is_identifier = true;
            continue;
        }
        if (!fits(entry.name))
            continue;
        const uint32_t hash = SeededHash{&seen}.add(entry.owner).add(entry.name).finish();
        const uint32_t other = seen.find(hash, [&](uint32_t j) {
            return entries[j].owner == entry.owner && entries[j].name == entry.name;
        });
        entry.is_identifier = other == HashIndex::npos;
        if (entry.is_identifier && !seen.insert(hash, i))
            return false;
    }
    return true;
}

const NameSection::Entry* NameSection::find(Space space, uint32_t owner, uint32_t index) const noexcept {
    const Vec<Entry>& entries = entries_[static_cast<size_t>(space)];
    const auto* const found = std::ranges::lower_bound(entries, std::pair{owner, index}, {}, place);
    return found != entries.end() && place(*found) == std::pair{owner, index} ? found : nullptr;
}

bool NameSection::any(Space space, uint32_t owner) const noexcept {
    const Vec<Entry>& entries = entries_[static_cast<size_t>(space)];
    const auto* const found = std::ranges::lower_bound(entries, owner, {}, &Entry::owner);
    return found != entries.end() && found->owner == owner;
}

size_t NameSection::size() const noexcept {
    size_t count = 0;
    for (const Vec<Entry>& entries : entries_)
        count += entries.size();
    return count;
}

} // namespace warpbeam::text
