#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <cstddef>
#include <utility>

namespace warpbeam::vm {

struct Object;

/// The objects whose references are still to be followed. It grows and shrinks by chunks, so no step takes
/// longer because the stack is large.
class MarkStack {
public:
    explicit MarkStack(Allocator& allocator) noexcept : allocator_{allocator} {}
    MarkStack(const MarkStack&) = delete;
    MarkStack& operator=(const MarkStack&) = delete;
    ~MarkStack() {
        drop_spare();
        free(chunk_);
    }

    /// Makes room for the first objects, for which there is then always room; false if memory runs out.
    [[nodiscard]] bool prepare() noexcept { return chunk_ != nullptr || grow(); }
    [[nodiscard]] bool empty() const noexcept { return top_ == begin_; }
    /// False if memory runs out.
    [[nodiscard]] bool push(Object* object) noexcept {
        if (top_ == end_ && !grow()) [[unlikely]]
            return false;
        *top_++ = object;
        return true;
    }
    /// Not if it is empty.
    [[nodiscard]] Object* pop() noexcept {
        Object* const object = *--top_;
        if (top_ == begin_ && chunk_->below != nullptr) [[unlikely]]
            shrink();
        return object;
    }
    /// Frees the memory that an empty stack does not need.
    void drop_spare() noexcept { free(std::exchange(spare_, nullptr)); }

private:
    struct Chunk {
        Chunk* below;
        Object* objects[511];
    };

    bool grow() noexcept;
    void shrink() noexcept;
    void free(Chunk* chunk) noexcept {
        if (chunk != nullptr)
            allocator_.deallocate(chunk, sizeof(Chunk), alignof(Chunk));
    }
    void use(Chunk* chunk, size_t count) noexcept;

    // Only the first chunk is ever empty.
    Object** top_ = nullptr;
    Object** begin_ = nullptr; ///< of the last chunk
    Object** end_ = nullptr;
    Chunk* chunk_ = nullptr; ///< the last one
    Chunk* spare_ = nullptr; ///< so that a stack that shrinks and grows again does not need the allocator
    Allocator& allocator_;
};

} // namespace warpbeam::vm
