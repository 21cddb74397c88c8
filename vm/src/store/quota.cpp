#include "store/quota.hpp"

#include "store/memory_type.hpp"

#include <cinttypes>

/// Limits are checked again after the policy was asked, since a policy that breaks the rules may have made
/// objects itself.

namespace warpbeam::vm {

std::expected<void, Error> Quota::add_memory(const MemoryType& type, uint64_t taken) noexcept {
    if (usage_.memories >= limits_.memories)
        return std::unexpected{
            Error{ErrorCode::limit, "store memory limit reached (%" PRIu32 ")", limits_.memories}};
    if (taken == UINT64_MAX || !has_memory(taken)) { // overflow
        const uint64_t pages = type.shared ? max_pages(type) : type.limits.min;
        return std::unexpected{Error{ErrorCode::limit,
                                     "a %s %" PRIu64 " page%s exceeds the store's limit of %" PRIu64 " bytes",
                                     type.shared ? "shared memory of up to" : "memory of", pages,
                                     pages == 1 ? "" : "s", limits_.memory_bytes}};
    }
    if (!allows(type, 0, type.limits.min << type.page_size_log2))
        return std::unexpected{Error{ErrorCode::limit,
                                     "the growth policy refused a memory of %" PRIu64 " page%s",
                                     type.limits.min, type.limits.min == 1 ? "" : "s"}};
    if (usage_.memories >= limits_.memories || !has_memory(taken))
        return std::unexpected{Error{ErrorCode::limit,
                                     "the growth policy used up the space for a memory of %" PRIu64 " page%s",
                                     type.limits.min, type.limits.min == 1 ? "" : "s"}};
    usage_.memory_bytes += taken;
    ++usage_.memories;
    return {};
}

std::expected<void, Error> Quota::add_table(const TableType& type) noexcept {
    const uint64_t size = type.limits.min;
    if (usage_.tables >= limits_.tables)
        return std::unexpected{
            Error{ErrorCode::limit, "store table limit reached (%" PRIu32 ")", limits_.tables}};
    if (!has_elements(size))
        return std::unexpected{Error{ErrorCode::limit,
                                     "a table of %" PRIu64 " elements exceeds the store's limit of %" PRIu64
                                     " elements",
                                     size, limits_.table_elements}};
    if (!take_elements(type, 0, size))
        return std::unexpected{Error{ErrorCode::limit,
                                     "the growth policy refused a table of %" PRIu64 " element%s", size,
                                     size == 1 ? "" : "s"}};
    if (usage_.tables >= limits_.tables) {
        return_elements(size);
        return std::unexpected{
            Error{ErrorCode::limit, "the growth policy used up the space for another table"}};
    }
    ++usage_.tables;
    return {};
}

bool Quota::take_memory(const MemoryType& type, uint64_t from, uint64_t to) noexcept {
    if (!has_memory(to - from) || !allows(type, from, to) || !has_memory(to - from))
        return false;
    usage_.memory_bytes += to - from;
    return true;
}

bool Quota::take_elements(const TableType& type, uint64_t from, uint64_t to) noexcept {
    if (!has_elements(to - from) ||
        (limits_.growth != nullptr && !limits_.growth->allow_table(*store_, type, from, to)) ||
        !has_elements(to - from))
        return false;
    usage_.table_elements += to - from;
    return true;
}

std::expected<void, Error> Quota::check_executions() const noexcept {
    if (has_executions())
        return {};
    return std::unexpected{
        Error{ErrorCode::limit, "store execution limit reached (%" PRIu32 ")", limits_.executions}};
}

std::expected<void, Error> Quota::check_instances() const noexcept {
    if (usage_.instances < limits_.instances)
        return {};
    return std::unexpected{
        Error{ErrorCode::limit, "store instance limit reached (%" PRIu32 ")", limits_.instances}};
}

} // namespace warpbeam::vm
