// A host for a small build, in an arena of 128 KB: an engine, a store and an instance whose memory has one
// page. It prints how many bytes they and the module take beside that page, and the largest number of bytes
// until then. bench/small/size.py compiles and runs it.

#include <warpbeam/vm/linker.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

// (module
//   (memory 1)
//   (func (export "f") (param i32) (result i32)
//     (i32.store (local.get 0) (i32.const 42))
//     (i32.load (local.get 0))))
constexpr uint8_t bytes[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01,
                             0x7f, 0x01, 0x7f, 0x03, 0x02, 0x01, 0x00, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07,
                             0x05, 0x01, 0x01, 0x66, 0x00, 0x00, 0x0a, 0x10, 0x01, 0x0e, 0x00, 0x20, 0x00,
                             0x41, 0x2a, 0x36, 0x02, 0x00, 0x20, 0x00, 0x28, 0x02, 0x00, 0x0b};

constexpr size_t page = 65536;

/// Memory from an array, in which the first gap that is large enough is used. No address space is reserved,
/// so linear memories lie in the array, too.
class Arena final : public warpbeam::Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        size = rounded(size);
        size_t at = 0;
        for (size_t i = 0; i <= count_; ++i) {
            const size_t begin = (at + alignment - 1) / alignment * alignment;
            const size_t end = i < count_ ? blocks_[i].begin : sizeof memory_;
            if (begin <= end && size <= end - begin && count_ < max_blocks) {
                for (size_t later = count_++; later > i; --later)
                    blocks_[later] = blocks_[later - 1];
                blocks_[i] = {begin, size};
                used_ += size;
                peak_ = used_ > peak_ ? used_ : peak_;
                return memory_ + begin;
            }
            at = i < count_ ? blocks_[i].begin + blocks_[i].size : at;
        }
        return nullptr;
    }
    void deallocate(void* block, size_t, size_t) noexcept override {
        const auto begin = static_cast<size_t>(static_cast<unsigned char*>(block) - memory_);
        size_t i = 0;
        while (blocks_[i].begin != begin)
            ++i;
        used_ -= blocks_[i].size;
        for (--count_; i < count_; ++i)
            blocks_[i] = blocks_[i + 1];
    }
    void* reserve(size_t) noexcept override { return nullptr; }

    [[nodiscard]] size_t used() const noexcept { return used_; }
    [[nodiscard]] size_t peak() const noexcept { return peak_; }

private:
    struct Block {
        size_t begin;
        size_t size;
    };
    static constexpr size_t max_blocks = 256;
    static constexpr size_t rounded(size_t size) noexcept { return (size + 15) / 16 * 16; }

    alignas(64) unsigned char memory_[128 * 1024];
    Block blocks_[max_blocks] = {};
    size_t count_ = 0;
    size_t used_ = 0;
    size_t peak_ = 0;
};
Arena arena;

} // namespace

// The library must not use the C++ heap if it is given an allocator.
void* operator new(size_t, std::align_val_t, const std::nothrow_t&) noexcept { std::abort(); }

int main() {
    warpbeam::Config config;
    config.allocator = &arena;
    warpbeam::Engine engine{config};
    warpbeam::Linker linker{engine};
    warpbeam::Store store{engine};
    auto module = engine.load(bytes, {.borrow = true});
    if (!module)
        return 1;
    auto instance = linker.instantiate(store, *module);
    if (!instance)
        return 2;
    auto f = instance->func<int32_t(int32_t)>("f");
    if (!f)
        return 3;
    const auto result = (*f)(4);
    if (!result || *result != 42)
        return 4;
    std::printf("%zu %zu\n", arena.used() - page, arena.peak() - page);
    return 0;
}
