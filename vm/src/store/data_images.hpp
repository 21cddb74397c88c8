#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/memory_image.hpp>
#include <warpbeam/memory/vec.hpp>

namespace warpbeam::vm {

/// The initial contents of a module's memories, which its instances share. Only for memories whose data
/// segments are large, and so close together that an image is at most twice as large as they are.
class DataImages {
public:
    explicit DataImages(Allocator& allocator) noexcept : images_{allocator} {}

    /// Null if memory runs out.
    [[nodiscard]] static DataImages* create(const Module& module, Allocator& allocator) noexcept;

    /// The image of the memory with index `memory`, which replaces all segments for it; null if these must be
    /// copied.
    [[nodiscard]] const MemoryImage* of(size_t memory) const noexcept {
        const bool exists = memory >= first_ && memory - first_ < images_.size();
        return exists && images_[memory - first_] ? &*images_[memory - first_] : nullptr;
    }

private:
    size_t first_ = 0; ///< the index of the first image's memory
    Vec<std::optional<MemoryImage>> images_;
};

} // namespace warpbeam::vm
