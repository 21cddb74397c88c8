#include <warpbeam/memory/vec.hpp>

#include <cstring>

namespace warpbeam {
namespace {

class StandardAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        return ::operator new(size, std::align_val_t{alignment}, std::nothrow);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        (void)size;
        ::operator delete(block, std::align_val_t{alignment}, std::nothrow);
    }
    [[nodiscard]] bool has_private_pages() const noexcept override { return true; }
};

} // namespace

Allocator& Allocator::standard() noexcept {
    static StandardAllocator instance;
    return instance;
}

void* detail::move_block(Allocator& allocator, void* block, size_t used, size_t bytes, size_t wanted,
                         size_t alignment) noexcept {
    void* const fresh = allocator.allocate(wanted, alignment);
    if (fresh == nullptr)
        return nullptr;
    if (used != 0)
        std::memcpy(fresh, block, used);
    if (block != nullptr)
        allocator.deallocate(block, bytes, alignment);
    return fresh;
}

} // namespace warpbeam
