#include "heap/mark_stack.hpp"

#include <iterator>

namespace warpbeam::vm {

void MarkStack::use(Chunk* chunk, size_t count) noexcept {
    chunk_ = chunk;
    begin_ = chunk->objects;
    top_ = begin_ + count;
    end_ = std::end(chunk->objects);
}

bool MarkStack::grow() noexcept {
    Chunk* chunk = std::exchange(spare_, nullptr);
    if (chunk == nullptr)
        chunk = static_cast<Chunk*>(allocator_.allocate(sizeof(Chunk), alignof(Chunk)));
    if (chunk == nullptr)
        return false;
    chunk->below = chunk_;
    use(chunk, 0);
    return true;
}

/// The last chunk has become empty; the others are full.
void MarkStack::shrink() noexcept {
    drop_spare();
    spare_ = chunk_;
    use(chunk_->below, std::size(chunk_->objects));
}

} // namespace warpbeam::vm
