// A host for a small build, in an arena of 128 KB: an engine, a store and an instance whose memory has one
// page. It prints how many bytes they and the module take beside that page, and the largest number of bytes
// until then. bench/small/size.py compiles and runs it.

#include <warpbeam/vm/linker.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string_view>

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

// One for each feature: (module (memory i64 0)), (module (memory 0) (memory 0)), (module (tag)), (module
// (type (struct))) and (module (func (v128.const i64x2 0 0) (drop))), all without the header of eight bytes.
struct Needy {
    const char* option; ///< null if this build has the feature
    std::array<uint8_t, 48> bytes;
    size_t size;
};
template <size_t size>
constexpr Needy needy(const char* option, bool is_built, const uint8_t (&sections)[size]) noexcept {
    Needy made{is_built ? nullptr : option, {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00}, 8 + size};
    std::copy_n(sections, size, made.bytes.begin() + 8);
    return made;
}
constexpr Needy needy_modules[] = {
    needy("WARPBEAM_MEMORY64=0", WARPBEAM_MEMORY64 != 0, {0x05, 0x03, 0x01, 0x04, 0x00}),
    needy("WARPBEAM_MULTI_MEMORY=0", WARPBEAM_MULTI_MEMORY != 0, {0x05, 0x05, 0x02, 0x00, 0x00, 0x00, 0x00}),
    needy("WARPBEAM_EXCEPTIONS=0", WARPBEAM_EXCEPTIONS != 0,
          {0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x0d, 0x03, 0x01, 0x00, 0x00}),
    needy("WARPBEAM_GC=0", WARPBEAM_GC != 0, {0x01, 0x03, 0x01, 0x5f, 0x00}),
    needy("WARPBEAM_SIMD=0", WARPBEAM_SIMD != 0,
          {0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x0a, 0x17,
           0x01, 0x15, 0x00, 0xfd, 0x0c, 0,    0,    0,    0,    0,    0,    0,
           0,    0,    0,    0,    0,    0,    0,    0,    0,    0x1a, 0x0b}),
};
/// Whether a module that needs a feature is refused, by name, exactly if the build is without it.
bool is_refused_by_name(const warpbeam::Engine& engine, const Needy& needy) {
    const auto module = engine.load({needy.bytes.data(), needy.size});
    if (needy.option == nullptr)
        return module.has_value();
    return !module && module.error().code() == warpbeam::ErrorCode::unsupported &&
           module.error().message().find(needy.option) != std::string_view::npos;
}

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
    const size_t used = arena.used();
    const size_t peak = arena.peak();
    for (const Needy& needy : needy_modules)
        if (!is_refused_by_name(engine, needy))
            return 5;
    std::printf("%zu %zu\n", used - page, peak - page);
    return 0;
}
