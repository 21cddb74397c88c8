// A host for a small build, in an arena of 128 KB: an engine, a store and an instance whose memory has one
// page. It prints how many bytes they and the module take beside that page, and the largest number of bytes
// until then. bench/small/size.py compiles and runs it.

#include "arena.hpp"

#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/shared_memory.hpp>
#include <warpbeam/vm/snapshot.hpp>
#include <warpbeam/vm/tag.hpp>

#if WARPBEAM_HOST_REFUSES_MAPPINGS
#include <sys/mman.h>
#include <sys/types.h>
#endif

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

// Some for each feature: (module (memory i64 0)), (module (memory 0) (memory 0)), (module (tag)), (module
// (type (struct))), (module (type (func)) (import "" "" (func exact (type 0)))), (module (memory 0 0
// shared)), (module (type (func)) (type (cont 0))), (module (tag (result i32))) and (module (func (v128.const
// i64x2 0 0) (drop))), all without the header of eight bytes.
struct Needy {
    const char* option; ///< null if this build has the feature
    warpbeam::ErrorCode code;
    std::array<uint8_t, 48> bytes;
    size_t size;
};
template <size_t size>
constexpr Needy needy(const char* option, bool is_built, const uint8_t (&sections)[size],
                      warpbeam::ErrorCode code = warpbeam::ErrorCode::unsupported) noexcept {
    Needy made{is_built ? nullptr : option, code, {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00}, 8 + size};
    std::copy_n(sections, size, made.bytes.begin() + 8);
    return made;
}
constexpr Needy needy_modules[] = {
    needy("WARPBEAM_MEMORY64=0", WARPBEAM_MEMORY64 != 0, {0x05, 0x03, 0x01, 0x04, 0x00}),
    needy("WARPBEAM_MULTI_MEMORY=0", WARPBEAM_MULTI_MEMORY != 0, {0x05, 0x05, 0x02, 0x00, 0x00, 0x00, 0x00}),
    needy("WARPBEAM_EXCEPTIONS=0", WARPBEAM_EXCEPTIONS != 0,
          {0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x0d, 0x03, 0x01, 0x00, 0x00}),
    needy("WARPBEAM_GC=0", WARPBEAM_GC != 0, {0x01, 0x03, 0x01, 0x5f, 0x00}),
    needy("WARPBEAM_GC=0", WARPBEAM_GC != 0,
          {0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x02, 0x05, 0x01, 0x00, 0x00, 0x20, 0x00},
          warpbeam::ErrorCode::malformed),
    needy("WARPBEAM_THREADS=0", WARPBEAM_THREADS != 0, {0x05, 0x04, 0x01, 0x03, 0x00, 0x00}),
    needy("WARPBEAM_STACK_SWITCHING=0", WARPBEAM_STACK_SWITCHING != 0,
          {0x01, 0x06, 0x02, 0x60, 0x00, 0x00, 0x5d, 0x00}),
    needy(WARPBEAM_STACK_SWITCHING != 0 ? "WARPBEAM_EXCEPTIONS=0" : "WARPBEAM_STACK_SWITCHING=0",
          WARPBEAM_STACK_SWITCHING != 0 && WARPBEAM_EXCEPTIONS != 0,
          {0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7f, 0x0d, 0x03, 0x01, 0x00, 0x00},
          WARPBEAM_STACK_SWITCHING != 0 ? warpbeam::ErrorCode::unsupported : warpbeam::ErrorCode::invalid),
    needy("WARPBEAM_SIMD=0", WARPBEAM_SIMD != 0,
          {0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x0a, 0x17,
           0x01, 0x15, 0x00, 0xfd, 0x0c, 0,    0,    0,    0,    0,    0,    0,
           0,    0,    0,    0,    0,    0,    0,    0,    0,    0x1a, 0x0b}),
};
// (module (import "wasi_snapshot_preview1" "proc_exit" (func)))
constexpr uint8_t wasi_bytes[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01,
                                  0x60, 0x00, 0x00, 0x02, 0x24, 0x01, 0x16, 'w',  'a',  's',  'i',
                                  '_',  's',  'n',  'a',  'p',  's',  'h',  'o',  't',  '_',  'p',
                                  'r',  'e',  'v',  'i',  'e',  'w',  '1',  0x09, 'p',  'r',  'o',
                                  'c',  '_',  'e',  'x',  'i',  't',  0x00, 0x00};
constexpr char text[] = "(module)";

/// Whether a result is an error of this kind that names an option, or, if the option is null, no error.
bool is_refused_by_name(const auto& result, const char* option,
                        warpbeam::ErrorCode code = warpbeam::ErrorCode::unsupported) {
    if (option == nullptr)
        return result.has_value();
    return !result && result.error().code() == code &&
           result.error().message().find(option) != std::string_view::npos;
}

constexpr size_t page = 65536;

small::Arena arena;

} // namespace

// The library must not use the C++ heap if it is given an allocator.
void* operator new(size_t, std::align_val_t, const std::nothrow_t&) noexcept { std::abort(); }

#if WARPBEAM_HOST_REFUSES_MAPPINGS
// Nor the platform's memory and files. Otherwise these are taken from the platform, where platform.txt lists
// them.
extern "C" {
void* mmap(void*, size_t, int, int, int, off_t) noexcept { std::abort(); }
void* mmap64(void*, size_t, int, int, int, off64_t) noexcept { std::abort(); }
int memfd_create(const char*, unsigned) noexcept { std::abort(); }
}
#endif

namespace {

/// What isn't a feature of modules.
bool are_others_refused(const warpbeam::Engine& engine, warpbeam::Linker& linker, warpbeam::Store& store) {
    using warpbeam::ErrorCode;
    const auto if_without = [](bool is_built, const char* option) { return is_built ? nullptr : option; };
    warpbeam::Config config = engine.config();
    config.deterministic = true;
    if (!is_refused_by_name(warpbeam::Engine{config}.load(bytes),
                            if_without(WARPBEAM_REPLAY != 0, "WARPBEAM_REPLAY=0")))
        return false;
    warpbeam::MemoryType shared;
    shared.limits = {.min = 0, .max = 0, .has_max = true};
    shared.shared = true;
    if (!is_refused_by_name(warpbeam::SharedMemory::create(shared, &arena),
                            if_without(WARPBEAM_THREADS != 0, "WARPBEAM_THREADS=0")))
        return false;
    warpbeam::SnapshotBuffer saved{arena};
    const auto snapshot = save(store, {}, saved);
    const bool is_full = !snapshot && snapshot.error().code() == ErrorCode::out_of_memory;
    if (!(WARPBEAM_SNAPSHOTS != 0 && is_full) && // as the arena may be
        !is_refused_by_name(snapshot, if_without(WARPBEAM_SNAPSHOTS != 0, "WARPBEAM_SNAPSHOTS=0")))
        return false;
    if (WARPBEAM_GC == 0 &&
        !is_refused_by_name(warpbeam::StructRef::create(store, warpbeam::TypeId{}, {}), "WARPBEAM_GC=0"))
        return false;
    const auto tag = warpbeam::Tag::create(store, {});
    if (WARPBEAM_GC == 0 && WARPBEAM_EXCEPTIONS == 0 &&
        (!tag || !is_refused_by_name(warpbeam::Exception::create(*tag, {}), "WARPBEAM_EXCEPTIONS=0")))
        return false;
    // The library of this program never has these.
    const auto of_text = engine.load({reinterpret_cast<const uint8_t*>(text), sizeof text - 1});
    const auto of_wasi = linker.instantiate(store, engine.load(wasi_bytes).value_or(warpbeam::Module{}));
    return is_refused_by_name(of_text, "WARPBEAM_TEXT=0", ErrorCode::malformed) &&
           is_refused_by_name(of_wasi, "WARPBEAM_WASI=0", ErrorCode::unlinkable);
}

} // namespace

int main() {
    warpbeam::Config config;
    config.allocator = &arena;
    config.features = warpbeam::FeatureSet::all();
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
        if (!is_refused_by_name(engine.load({needy.bytes.data(), needy.size}), needy.option, needy.code))
            return 5;
    if (!are_others_refused(engine, linker, store))
        return 6;
    std::printf("%zu %zu\n", used - page, peak - page);
    return 0;
}
