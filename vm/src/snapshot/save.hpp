#pragma once

#include "snapshot/graph.hpp"
#include "snapshot/pages.hpp"
#include "snapshot/stream.hpp"

/// Writes a graph. docs/snapshot-format.md describes what is written, in this order.

namespace warpbeam::vm {

/// The first bytes of a snapshot.
inline constexpr uint8_t snapshot_magic[8] = {0, 'w', 'b', 's', 'n', 'a', 'p', '\n'};
inline constexpr uint32_t snapshot_version = 1;
/// Flags in the head.
inline constexpr uint32_t has_fuel = 1; ///< code consumes fuel
inline constexpr uint32_t has_base = 2; ///< it has only the pages that differ from an earlier snapshot
inline constexpr uint32_t is_deterministic = 4; ///< Config::deterministic
/// How many bytes a name has at most.
inline constexpr uint32_t max_name = 1 << 20;
/// How a host function is found again.
enum class HostName : uint8_t { import, named, shared };
/// What follows in the pages of a memory.
enum class PageRun : uint32_t { end, bytes, zeros };

/// What a fork is made from stays in this process and is not written down: the bytes then have addresses.
enum class Purpose : uint8_t { snapshot, fork };

class Saver {
public:
    Saver(Graph& graph, Writer& out, Purpose purpose, const SnapshotOptions& options,
          SeriesState* series) noexcept
        : graph_{graph}, out_{out}, purpose_{purpose}, options_{options}, series_{series},
          name_{graph.store().allocator()} {}

    /// The structure: everything but the pages of memories.
    [[nodiscard]] std::expected<void, Error> write() noexcept;

private:
    void modules() noexcept;
    [[nodiscard]] bool has_length(const Vec<uint8_t>& name) noexcept;
    void hosts() noexcept;
    [[nodiscard]] uint32_t number_in_series(MemoryObject& memory) noexcept;
    void memories() noexcept;
    void tables() noexcept;
    void globals() noexcept;
    void tags() noexcept;
    void instances() noexcept;
    void externs() noexcept;
    void objects() noexcept;
    void contents(Object& object) noexcept;
    void elements() noexcept;
    void continuation(const GraphContinuation& continuation) noexcept;
    void execution(const GraphExecution& execution) noexcept;
    void guest_stack(const GuestStack& stack) noexcept;
    void answer(const Trap& trap) noexcept;
    void guest_heaps() noexcept;
    void heap() noexcept;

    void limits(const Limits& limits) noexcept;
    void type(TypeId type) noexcept;
    void type(ValType type) noexcept;
    void value(ValType::Kind kind, const Slot* slot) noexcept;
    void reference(Slot reference) noexcept { out_.u64(graph_.encode(reference)); }
    void values(std::span<const ValType> types, const Slot* slots) noexcept;
    void stack(const SavedStack& stack, std::span<const ValType> types) noexcept;
    void number_or_none(uint32_t number, bool exists) noexcept { out_.u32(exists ? number + 1 : 0); }
    [[nodiscard]] bool is_fork() const noexcept { return purpose_ == Purpose::fork; }
    void address(const void* address) noexcept { out_.u64(reinterpret_cast<uintptr_t>(address)); }
    void fail(Error error) noexcept {
        if (!error_)
            error_ = std::move(error);
    }

    Graph& graph_;
    Writer& out_;
    const Purpose purpose_;
    const SnapshotOptions& options_;
    SeriesState* const series_;
    Vec<uint8_t> name_;
    std::optional<Error> error_;
};

} // namespace warpbeam::vm
