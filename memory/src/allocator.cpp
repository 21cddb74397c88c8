#include <warpbeam/memory/allocator.hpp>

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

} // namespace warpbeam
