#include "host_info.hpp"

#include <warpbeam/memory/hash.hpp>

namespace warpbeam::capi {

uint32_t HostInfos::find(const Key& key) const noexcept {
    return by_id_.find(hash_of(key.id ^ key.kind), [&](uint32_t i) { return entries_[i].key == key; });
}

void* HostInfos::get(const Key& key) const noexcept {
    const uint32_t i = find(key);
    return i != HashIndex::npos ? entries_[i].info.data() : nullptr;
}

void HostInfos::set(const Key& key, HostInfo info, Root kept) noexcept {
    if (const uint32_t i = find(key); i != HashIndex::npos) {
        entries_[i].info = std::move(info);
        return;
    }
    const auto position = static_cast<uint32_t>(entries_.size());
    if (entries_.reserve_more(1) && by_id_.insert(hash_of(key.id ^ key.kind), position))
        (void)entries_.emplace(key, std::move(info), std::move(kept));
}

} // namespace warpbeam::capi
