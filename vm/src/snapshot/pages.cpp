#include "snapshot/pages.hpp"

#include "snapshot/save.hpp"
#include "store/compiled_module.hpp"
#include "store/initial_memory.hpp"

#include <cinttypes>
#include <cstring>
#include <utility>

namespace warpbeam::vm {

std::optional<uint32_t> SeriesState::number_of(MemoryObject& memory) noexcept {
    if (const uint32_t known = numbers.find(&memory); known != AddressMap::none)
        return known;
    const auto number = static_cast<uint32_t>(memories.size());
    return memories.push({std::nullopt, {}}) && numbers.add(&memory, number) ? std::optional{number}
                                                                             : std::nullopt;
}

namespace {

constexpr size_t page_size = PageSet::page_size;
/// The most pages that one run has, so that a reader meets small numbers.
constexpr size_t max_run = 4096;

bool is_zero(std::span<const uint8_t> bytes) noexcept {
    return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

void save_runs(const MemoryObject& memory, const PageSet& pages, Writer& out) noexcept {
    const auto page_at = [&](size_t page) -> std::span<const uint8_t> {
        return {memory.base + page * page_size, pages.length_of(page)};
    };
    for (size_t page = pages.next(0); page < pages.pages() && out.ok();) {
        const bool zeros = is_zero(page_at(page));
        size_t end = page + 1;
        while (end < pages.pages() && end - page < max_run && pages.has(end) &&
               is_zero(page_at(end)) == zeros)
            ++end;
        out.u32(static_cast<uint32_t>(zeros ? PageRun::zeros : PageRun::bytes));
        out.u64(page);
        out.u32(static_cast<uint32_t>(end - page));
        if (!zeros) {
            const size_t begin = page * page_size;
            const size_t length = std::min(end * page_size, static_cast<size_t>(memory.size)) - begin;
            out.bytes({memory.base + begin, length});
            static constexpr uint8_t padding[page_size] = {};
            out.bytes({padding, (end - page) * page_size - length});
        }
        page = pages.next(end);
    }
    out.u32(static_cast<uint32_t>(PageRun::end));
}

/// The pages that differ from the initial contents.
bool find_written(const MemoryObject& memory, const MemoryHome& home, Vec<MemoryImage::Piece>& pieces,
                  PageSet& pages) noexcept {
    pieces.clear();
    if (home.instance != nullptr && !list_initial_memory(*home.instance, home.index, pieces))
        return false;
    return find_changed(*memory.bytes, pieces, pages);
}

} // namespace

bool find_homes(std::span<InstanceObject* const> instances, std::span<MemoryObject* const> memories,
                Vec<MemoryHome>& homes) noexcept {
    AddressMap numbers{homes.allocator()};
    if (!homes.resize(memories.size()))
        return false;
    for (uint32_t i = 0; i < memories.size(); ++i)
        if (!numbers.add(memories[i], i))
            return false;
    for (const InstanceObject* const instance : instances)
        for (uint32_t i = instance->module->imported_memories(); i < instance->module->memories().size(); ++i)
            if (const uint32_t number = numbers.find(static_cast<MemoryObject*>(instance->memories[i]));
                number != AddressMap::none)
                homes[number] = {instance, i};
    return true;
}

std::expected<void, Error> save_pages(const Graph& graph, Writer& out, SeriesState* series,
                                      bool follows) noexcept {
    Allocator& allocator = graph.store().allocator();
    const auto no_memory = [] { return std::unexpected{Error{ErrorCode::out_of_memory}}; };
    Vec<MemoryHome> homes{allocator};
    Vec<MemoryImage::Piece> pieces{allocator};
    PageSet pages{allocator};
    if (!find_homes(graph.instances.items, graph.memories.items, homes))
        return no_memory();
    if (series != nullptr && !follows) // nor do memories that this one does not have follow an earlier one
        for (SeriesState::Memory& each : series->memories)
            each.mark.reset();
    out.u32(static_cast<uint32_t>(graph.memories.size()));
    for (uint32_t i = 0; i < graph.memories.size(); ++i) {
        const MemoryObject& memory = *graph.memories.items[i];
        SeriesState::Memory* known = nullptr;
        if (series != nullptr) {
            const auto number = series->number_of(*graph.memories.items[i]);
            if (!number)
                return no_memory();
            known = &series->memories[*number];
            out.u32(*number);
        } else {
            out.u32(i);
        }
        out.u64(memory.size);
        const bool is_known = follows && known->mark.has_value();
        // The initial contents that a restored memory begins with are those of the last snapshot. If they are
        // not those that earlier ones refer to, all pages are written, also those of zeros.
        const bool has_moved = is_known && known->home != homes[i];
        const bool is_marked = is_known && !has_moved;
        if (has_moved) {
            if (!pages.start(static_cast<size_t>(memory.size)))
                return no_memory();
            pages.add_bytes(0, static_cast<size_t>(memory.size));
        } else if (is_marked ? !known->mark->find(*memory.bytes, pages, true)
                             : !find_written(memory, homes[i], pieces, pages)) {
            return no_memory();
        }
        if (series != nullptr)
            known->home = homes[i];
        if (series != nullptr && !is_marked) {
            auto mark = PageMark::set(*memory.bytes, allocator, series->way);
            if (!mark)
                return no_memory();
            known->mark.reset();
            known->mark.emplace(std::move(*mark));
        }
        save_runs(memory, pages, out);
        if (!out.ok())
            return std::unexpected{out.error()};
    }
    return {};
}

bool set_initial_pages(Reader& in, std::span<InstanceObject* const> instances,
                       std::span<MemoryObject* const> memories) noexcept {
    Vec<MemoryHome> homes{Allocator::standard()};
    Vec<MemoryImage::Piece> pieces{Allocator::standard()};
    if (!find_homes(instances, memories, homes))
        return in.fault(Error{ErrorCode::out_of_memory});
    for (size_t i = 0; i < memories.size(); ++i) {
        if (homes[i].instance == nullptr)
            continue;
        MemoryObject& memory = *memories[i];
        const DataImages* const images = homes[i].instance->compiled->images();
        const MemoryImage* const image = images != nullptr ? images->of(homes[i].index) : nullptr;
        const bool mapped = image != nullptr && memory.bytes->map(*image);
        memory.base = memory.bytes->data(); // it may have moved for that
        if (mapped)
            continue;
        if (auto listed = list_initial_memory(*homes[i].instance, homes[i].index, pieces); !listed)
            return in.fault(std::move(listed.error()));
        for (const MemoryImage::Piece& piece : pieces) {
            if (!within(piece.offset, piece.bytes.size(), memory.size))
                return in.fault(Error{ErrorCode::invalid, "a data segment is outside of its memory"});
            if (!piece.bytes.empty())
                std::memcpy(memory.base + piece.offset, piece.bytes.data(), piece.bytes.size());
        }
    }
    return true;
}

// ---- Reading ----

bool PageRestorer::prepare(Reader& in) noexcept {
    bool kept = written_.resize(memories_.size()) && seen_.resize(memories_.size());
    for (uint32_t i = 0; i < numbers_.size() && kept; ++i) {
        const uint64_t key = uint64_t{numbers_[i]} + 1;
        if (places_.find(key) != AddressMap::none)
            return in.malformed("two memories have the number %" PRIu32 " in the series", numbers_[i]);
        kept = places_.add(key, i);
        written_[i] = seen_[i] = 0;
    }
    return kept || in.fault(Error{ErrorCode::out_of_memory});
}

bool PageRestorer::read(Reader& in) noexcept {
    const uint32_t count = in.u32();
    ++snapshots_;
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t number = in.u32();
        const uint64_t size = in.u64();
        if (!in.ok())
            return false;
        const uint32_t at = places_.find(uint64_t{number} + 1);
        if (at == AddressMap::none) {
            if (!runs(in, nullptr, written_of_none_))
                return false;
            continue;
        }
        // Otherwise a few bytes could ask for any amount of work.
        if (std::exchange(seen_[at], snapshots_) == snapshots_)
            return in.malformed("memory %" PRIu32 " of the series comes twice", number);
        MemoryObject& memory = *memories_[at];
        if (!runs(in, &memory, written_[at]))
            return false;
        // The memory was smaller then, and when it grew again that was zeros.
        if (written_[at] > size) {
            std::memset(memory.base + size, 0, static_cast<size_t>(written_[at] - size));
            written_[at] = size;
        }
    }
    return in.ok();
}

/// Reads the runs of one memory; null skips them. `written` is the end of all pages that were written.
bool PageRestorer::runs(Reader& in, MemoryObject* memory, uint64_t& written) noexcept {
    const uint64_t size = memory != nullptr ? memory->size : 0;
    for (uint64_t next = 0;;) {
        const auto kind = static_cast<PageRun>(in.u32());
        if (!in.ok())
            return false;
        if (kind == PageRun::end)
            return true;
        const uint64_t page = in.u64();
        const uint32_t count = in.u32();
        if (!in.ok())
            return false;
        if (kind > PageRun::zeros || count == 0 || count > max_run || page < next ||
            page > UINT64_MAX / page_size - count)
            return in.malformed("a run of %" PRIu32 " pages at page %" PRIu64 " is not possible here", count,
                                page);
        next = page + count;
        // What is beyond the end is padding, or the memory was larger then.
        const uint64_t begin = std::min(page * page_size, size);
        const auto length = static_cast<size_t>(std::min(next * page_size, size) - begin);
        written = std::max(written, begin + length);
        if (kind == PageRun::zeros) {
            if (length != 0)
                std::memset(memory->base + begin, 0, length);
            continue;
        }
        if (length != 0 && !in.bytes({memory->base + begin, length}))
            return false;
        uint8_t skipped[page_size];
        for (uint64_t left = count * page_size - length; left != 0;) {
            const auto part = static_cast<size_t>(std::min<uint64_t>(left, page_size));
            if (!in.bytes({skipped, part}))
                return false;
            left -= part;
        }
    }
}

} // namespace warpbeam::vm
