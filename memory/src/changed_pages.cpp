#include "platform.hpp"
#include "sparse_bytes.hpp"

#include <warpbeam/memory/changed_pages.hpp>
#include <warpbeam/memory/wide_product.hpp>

#include <algorithm>
#include <chrono>

namespace warpbeam {
namespace {

using Piece = MemoryImage::Piece;

/// A piece that covers a part of a page, by its number.
struct Cover {
    size_t page;
    size_t piece;
    friend auto operator<=>(const Cover&, const Cover&) = default;
};

/// Lists the parts of all pieces, ordered by page, then by piece; false if memory runs out.
bool list_covers(std::span<const Piece> pieces, size_t bytes, Vec<Cover>& covers) noexcept {
    for (size_t i = 0; i < pieces.size(); ++i) {
        if (pieces[i].offset >= bytes || pieces[i].bytes.empty())
            continue;
        const auto begin = static_cast<size_t>(pieces[i].offset);
        const size_t end = begin + std::min(pieces[i].bytes.size(), bytes - begin);
        for (size_t page = begin / PageSet::page_size; page * PageSet::page_size < end; ++page)
            if (!covers.push({page, i}))
                return false;
    }
    std::sort(covers.begin(), covers.end());
    return true;
}

/// Writes the part of a piece that lies in a page.
void overlay(uint8_t (&contents)[PageSet::page_size], size_t page, const Piece& piece) noexcept {
    const uint64_t begin = std::max<uint64_t>(page * PageSet::page_size, piece.offset);
    const uint64_t end =
        std::min<uint64_t>((page + 1) * PageSet::page_size, piece.offset + piece.bytes.size());
    std::memcpy(contents + begin % PageSet::page_size, piece.bytes.data() + (begin - piece.offset),
                static_cast<size_t>(end - begin));
}

void make_key(uint64_t (&key)[2]) noexcept {
    if (fill_random({reinterpret_cast<uint8_t*>(key), sizeof key}))
        return;
    key[0] = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    key[1] = reinterpret_cast<uintptr_t>(&key);
}

} // namespace

bool find_changed(const LinearMemory& memory, std::span<const Piece> initial, PageSet& pages) noexcept {
    const auto bytes = static_cast<size_t>(memory.size());
    Vec<Cover> covers{memory.allocator()};
    if (!pages.start(bytes) || !list_covers(initial, bytes, covers))
        return false;
    if (memory.has_private_pages() && add_own_pages(memory.data(), pages)) {
        for (const Cover& cover : covers)
            pages.add(cover.page);
        memory.add_image_pages(pages);
    } else {
        pages.add_bytes(0, bytes);
    }
    const Cover* cover = covers.begin();
    for (size_t page = pages.next(0); page < pages.pages(); page = pages.next(page + 1)) {
        const uint8_t* const at = memory.data() + page * PageSet::page_size;
        const size_t length = pages.length_of(page);
        bool same = false;
        if (cover == covers.end() || cover->page != page) {
            same = is_zero(at, length);
        } else {
            uint8_t contents[PageSet::page_size] = {};
            for (; cover != covers.end() && cover->page == page; ++cover)
                overlay(contents, page, initial[cover->piece]);
            same = std::memcmp(at, contents, length) == 0;
        }
        if (same)
            pages.remove(page);
    }
    return true;
}

PageMark::PageMark(PageMark&& other) noexcept
    : allocator_{other.allocator_}, way_{other.way_}, placement_{other.placement_}, size_{other.size_},
      key_{other.key_[0], other.key_[1]}, watch_{std::exchange(other.watch_, nullptr)},
      hashes_{std::move(other.hashes_)} {}

PageMark::~PageMark() { destroy(*allocator_, watch_); }

std::optional<PageMark> PageMark::set(const LinearMemory& memory, Allocator& allocator, Way way) noexcept {
    PageMark mark{allocator, way};
    make_key(mark.key_);
    if (!mark.start(memory))
        return std::nullopt;
    return mark;
}

bool PageMark::start(const LinearMemory& memory) noexcept {
    placement_ = 0; // that of no memory, in case this fails
    size_ = static_cast<size_t>(memory.size());
    if (!start_watch(memory)) {
        if (!hashes_.resize(size_ / PageSet::page_size + (size_ % PageSet::page_size != 0)))
            return false;
        for (size_t page = 0; page < hashes_.size(); ++page)
            hashes_[page] = hash_of({memory.data() + page * PageSet::page_size,
                                     std::min(PageSet::page_size, size_ - page * PageSet::page_size)});
    }
    placement_ = memory.placement();
    return true;
}

bool PageMark::start_watch(const LinearMemory& memory) noexcept {
    // Other memories share their mapping with a small one, and it would be split.
    if (way_ == Way::best && memory.has_private_pages() && !memory.is_in_slot() &&
        size_ > MemorySlots::max_size) {
        if (watch_ == nullptr)
            watch_ = create<WriteWatch>(*allocator_);
        if (watch_ != nullptr && watch_->start(memory.data(), Reservation::round_up(size_)))
            return true;
    }
    destroy(*allocator_, std::exchange(watch_, nullptr));
    return false;
}

PageMark::Hash PageMark::hash_of(std::span<const uint8_t> page) const noexcept {
    uint8_t padded[PageSet::page_size];
    const uint8_t* at = page.data();
    if (page.size() != PageSet::page_size) {
        std::memset(padded, 0, PageSet::page_size);
        std::memcpy(padded, page.data(), page.size());
        at = padded;
    }
    // Each step's product depends on the key, all bytes so far, and the next sixteen; two chains of steps
    // take different halves of a page's bytes, and run at the same time.
    Hash hash{{key_[0], key_[1]}};
    for (const uint8_t* const end = at + PageSet::page_size; at != end; at += 32) {
        uint64_t words[4];
        std::memcpy(words, at, sizeof words);
        hash.value[0] = folded_product(words[0] ^ key_[1], words[1] ^ hash.value[0]) + words[0];
        hash.value[1] = folded_product(words[2] ^ key_[0], words[3] ^ hash.value[1]) + words[2];
    }
    return hash;
}

bool PageMark::find(const LinearMemory& memory, PageSet& pages, bool move_mark) noexcept {
    const auto size = static_cast<size_t>(memory.size());
    if (!pages.start(size))
        return false;
    size_t known =
        size_ / PageSet::page_size + (size_ % PageSet::page_size != 0); // the pages that existed at the mark
    if (placement_ == 0) {
        known = 0;
        pages.add_bytes(0, size);
    } else if (watch_ != nullptr) {
        if (placement_ != memory.placement() || !watch_->add_written(pages, move_mark)) {
            known = 0;
            pages.add_bytes(0, size);
        }
    } else {
        for (size_t page = 0; page < std::min(known, pages.pages()); ++page) {
            const Hash hash = hash_of({memory.data() + page * PageSet::page_size, pages.length_of(page)});
            if (hash == hashes_[page])
                continue;
            pages.add(page);
            if (move_mark)
                hashes_[page] = hash;
        }
    }
    for (size_t page = known; page < pages.pages(); ++page)
        if (!is_zero(memory.data() + page * PageSet::page_size, pages.length_of(page)))
            pages.add(page);
    if (!move_mark || (known != 0 && size == size_))
        return true;
    return start(memory);
}

} // namespace warpbeam
