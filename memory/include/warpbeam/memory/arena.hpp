#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace warpbeam {

/// Memory that is allocated in pieces and freed all at once, for arrays that live as long as the object that
/// owns the arena. Addresses are stable. Only for types that need no destructor. Thread-safety: none; one
/// thread at a time.
class Arena {
public:
    /// Takes its memory from `allocator`, which must outlive it.
    explicit Arena(Allocator& allocator = Allocator::standard()) noexcept : allocator_{&allocator} {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena() { release_chunks(nullptr); }

    /// `count` uninitialised elements; nothing if memory runs out.
    template <typename T>
    [[nodiscard]] std::optional<std::span<T>> array(size_t count) noexcept {
        static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= alignof(Chunk));
        if (count == 0)
            return std::span<T>{};
        if (count > SIZE_MAX / sizeof(T) / 2)
            return std::nullopt;
        void* const block = take(count * sizeof(T));
        if (block == nullptr)
            return std::nullopt;
        return std::span<T>{static_cast<T*>(block), count};
    }

    /// A copy of `values`; nothing if memory runs out.
    template <typename T>
    [[nodiscard]] std::optional<std::span<T>> copy(std::span<const T> values) noexcept {
        static_assert(std::is_trivially_copyable_v<T>);
        const auto fresh = array<T>(values.size());
        if (fresh && !values.empty())
            std::memcpy(static_cast<void*>(fresh->data()), values.data(), values.size_bytes());
        return fresh;
    }

private:
    struct alignas(16) Chunk { // as the largest values
        Chunk* next;
        size_t size;
    };

public:
    /// A position in the arena.
    class Mark {
        friend Arena;
        Chunk* chunks;
        unsigned char* next;
        size_t room;
        size_t chunk_size;
    };
    /// How far it is used now.
    [[nodiscard]] Mark mark() const noexcept {
        Mark mark;
        mark.chunks = chunks_;
        mark.next = next_;
        mark.room = room_;
        mark.chunk_size = chunk_size_;
        return mark;
    }
    /// Frees everything allocated after a mark. Marks must be used in reverse order.
    void rewind(const Mark& mark) noexcept {
        release_chunks(mark.chunks);
        next_ = mark.next;
        room_ = mark.room;
        chunk_size_ = mark.chunk_size;
    }

private:
    void release_chunks(const Chunk* last) noexcept {
        while (chunks_ != last) {
            Chunk* const next = chunks_->next;
            allocator_->deallocate(chunks_, chunks_->size, alignof(Chunk));
            chunks_ = next;
        }
    }

    static constexpr size_t first_chunk = 512;
    static constexpr size_t largest_chunk = 64 * 1024;

    void* take(size_t size) noexcept {
        size = (size + alignof(Chunk) - 1) & ~(alignof(Chunk) - 1);
        if (size > room_ && !add_chunk(size))
            return nullptr;
        void* const block = next_;
        next_ += size;
        room_ -= size;
        return block;
    }

    // Chunk sizes double, so small modules take little memory and large ones make few calls; an array larger
    // than a chunk gets its own.
    bool add_chunk(size_t size) noexcept {
        if (size > chunk_size_ / 2)
            size += sizeof(Chunk);
        else
            size = chunk_size_;
        void* const block = allocator_->allocate(size, alignof(Chunk));
        if (block == nullptr)
            return false;
        chunks_ = ::new (block) Chunk{chunks_, size};
        next_ = static_cast<unsigned char*>(block) + sizeof(Chunk);
        room_ = size - sizeof(Chunk);
        if (chunk_size_ < largest_chunk)
            chunk_size_ *= 2;
        return true;
    }

    Allocator* allocator_;
    Chunk* chunks_ = nullptr;
    unsigned char* next_ = nullptr;
    size_t room_ = 0;
    size_t chunk_size_ = first_chunk;
};

} // namespace warpbeam
