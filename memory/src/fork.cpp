#include "platform.hpp"
#include "sparse_bytes.hpp"

#include <warpbeam/memory/linear_memory.hpp>

/// Copies of a memory that share pages with it until one of the two writes them.
///
/// A private mapping can't be copied inside a process. So the pages of a memory are frozen into an image, a
/// file without a name, and both memories map it. For the next copies, only the pages matter that the memory
/// wrote since. If no other memory has the image any more, they are put into it. Otherwise they are copied,
/// until all that was copied since the image was made would fill a new one, which is then made. So a copy
/// takes time and memory for the pages written since the last image, and each memory maps one image only,
/// however long its line of ancestors is.

namespace warpbeam {

std::optional<LinearMemory> LinearMemory::fork() noexcept {
    LinearMemory copy{Options{.page_size_log2 = page_size_log2_,
                              .initial_pages = initial_bytes_ >> page_size_log2_,
                              .max_pages = max_pages_,
                              .reservation = wanted_,
                              .guarded = guarded_,
                              .slots = slots_,
                              .allocator = allocator_}};
    if (!copy.place(size_, false))
        return std::nullopt;
    // Mapping an image costs more than to copy a small memory.
    const bool large = size_ > MemorySlots::max_size;
    if (!(large && reservation_.size() != 0 && copy.reservation_.size() != 0 && share_with(copy)))
        copy_sparse(copy.data_, data_, static_cast<size_t>(size_));
    return copy;
}

/// Gives `copy`, which is all zeros, the contents of this memory. False if it must be copied as a whole.
bool LinearMemory::share_with(LinearMemory& copy) noexcept {
    PageSet own{*allocator_};
    if (!find_own_pages(own))
        return false;
    if (frozen_ && frozen_->has_one_owner() && frozen_->process_forks != 0 &&
        frozen_->process_forks == process_forks())
        freeze_again(own);
    const size_t count = own.count();
    if (!frozen_ || copied_ + count > frozen_->pages.count())
        if (const Ref<FrozenImage> fresh = freeze(own); fresh && fresh->image.map(copy.reservation_)) {
            copy.use(fresh);
            // If this fails, the memory stays as it is, and the next copy tries again.
            if (fresh->image.map(reservation_))
                use(fresh);
            return true;
        }
    if (!frozen_ || !frozen_->image.map(copy.reservation_))
        return false;
    copy.use(frozen_);
    for (size_t page = own.next(0); page < own.pages(); page = own.next(page + 1)) {
        const uint8_t* const from = data_ + page * PageSet::page_size;
        const bool in_image = page < frozen_->pages.pages() && frozen_->pages.has(page);
        if (in_image || !is_zero(from, own.length_of(page)))
            std::memcpy(copy.data_ + page * PageSet::page_size, from, own.length_of(page));
    }
    copied_ += count;
    copy.copied_ = copied_;
    return true;
}

/// Makes `own` the pages that differ from the mapped image, or from zeros where there is none; and perhaps
/// others. False if memory runs out.
bool LinearMemory::find_own_pages(PageSet& own) const noexcept {
    const auto size = static_cast<size_t>(size_);
    if (!own.start(size))
        return false;
    if (has_private_pages() && add_own_pages(data_, own))
        return true;
    if (!own.start(size))
        return false;
    PageSet image{*allocator_};
    if (!image.start(size))
        return false;
    add_image_pages(image);
    uint8_t original[PageSet::page_size];
    for (size_t page = 0; page < own.pages(); ++page) {
        const size_t at = page * PageSet::page_size;
        const size_t length = own.length_of(page);
        const bool same = image.has(page) ? mapped_->read(at, {original, length}) &&
                                                std::memcmp(data_ + at, original, length) == 0
                                          : is_zero(data_ + at, length);
        if (!same)
            own.add(page);
    }
    return true;
}

void LinearMemory::add_image_pages(PageSet& pages) const noexcept {
    if (frozen_)
        frozen_->pages.for_each_run(
            [&](size_t offset, size_t length) { pages.add_bytes(offset, offset + length); });
    else if (mapped_ != nullptr)
        pages.add_bytes(mapped_->begin(), mapped_->end());
}

/// An image of the whole memory; null if there can be none. Only the pages of `own` and those of the mapped
/// image may be other than zeros.
Ref<FrozenImage> LinearMemory::freeze(const PageSet& own) const noexcept {
    const auto size = static_cast<size_t>(size_);
    PageSet pages{*allocator_};
    Vec<MemoryImage::Piece> pieces{*allocator_};
    if (!pages.start(size))
        return {};
    own.for_each_run([&](size_t offset, size_t length) { pages.add_bytes(offset, offset + length); });
    add_image_pages(pages);
    for (size_t page = pages.next(0); page < pages.pages(); page = pages.next(page + 1))
        if (is_zero(data_ + page * PageSet::page_size, pages.length_of(page)))
            pages.remove(page);
    // The image is for all pages, so that those which are written later fit into it.
    bool listed = pieces.push({0, {data_, 1}}) && pieces.push({size - 1, {data_ + size - 1, 1}});
    pages.for_each_run([&](size_t offset, size_t length) {
        listed = listed && pieces.push({offset, {data_ + offset, length}});
    });
    auto image = listed ? MemoryImage::create(pieces) : std::nullopt;
    return image ? Ref<FrozenImage>::adopt(warpbeam::create<FrozenImage>(
                       *allocator_, *allocator_, std::move(*image), std::move(pages), process_forks()))
                 : Ref<FrozenImage>{};
}

/// Puts the pages of `own` into the image, which no other memory has, and removes those that it put there.
void LinearMemory::freeze_again(PageSet& own) noexcept {
    FrozenImage& frozen = *frozen_;
    Vec<MemoryImage::Piece> pieces{*allocator_};
    bool listed = true;
    own.for_each_run([&](size_t offset, size_t length) {
        if (const size_t end = std::min(offset + length, frozen.image.end()); offset < end)
            listed = listed && pieces.push({offset, {data_ + offset, end - offset}});
    });
    // A page of the host that was written in part must not be lost.
    if (!listed || Reservation::round_up(1) != PageSet::page_size)
        return;
    // Even if the update fails halfway, these may be in the image then.
    for (const MemoryImage::Piece& piece : pieces)
        frozen.pages.add_bytes(static_cast<size_t>(piece.offset),
                               static_cast<size_t>(piece.offset) + piece.bytes.size());
    if (!frozen.image.update(pieces))
        return;
    ++placement_;
    copied_ = 0;
    for (const MemoryImage::Piece& piece : pieces) {
        const auto begin = static_cast<size_t>(piece.offset);
        const size_t end = begin + piece.bytes.size();
        if (reservation_.restore(begin, Reservation::round_up(piece.bytes.size())))
            for (size_t at = begin; at < end; at += PageSet::page_size)
                own.remove(at / PageSet::page_size);
    }
}

/// From now on this image is mapped.
void LinearMemory::use(Ref<FrozenImage> image) noexcept {
    frozen_ = std::move(image);
    mapped_ = &frozen_->image;
    copied_ = 0;
    ++placement_;
}

} // namespace warpbeam
