#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/memory_image.hpp>
#include <warpbeam/memory/vec.hpp>

namespace warpbeam::vm {

/// The memories of a module as its data segments leave them, for its instances to share: those whose segments
/// are large, and lie close enough together that an image is at most twice as large as they are.
class DataImages {
public:
    explicit DataImages(Allocator& allocator) noexcept : images_{allocator} {}

    /// Null when there is no memory.
    [[nodiscard]] static DataImages* create(const Module& module, Allocator& allocator) noexcept;

    /// The image of a memory, which stands for all segments that go there; null when these are to be copied.
    /// `memory` is its index.
    [[nodiscard]] const MemoryImage* of(size_t memory) const noexcept {
        const bool exists = memory >= first_ && memory - first_ < images_.size();
        return exists && images_[memory - first_] ? &*images_[memory - first_] : nullptr;
    }

private:
    size_t first_ = 0; ///< the index of the first image's memory
    Vec<std::optional<MemoryImage>> images_;
};

} // namespace warpbeam::vm
