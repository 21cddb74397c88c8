// The snippets of docs/memory.md, whole and as a test: the lines between the marks are those that the page
// shows.

#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/vm/guest_allocator.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/shared_memory.hpp>

#include <cstdint>
#include <cstdio>

namespace {

using namespace warpbeam;

// (module
//   (memory (export "memory") 2 16)
//   (global (export "__heap_base") i32 (i32.const 65536))
//   (data (i32.const 16) "hello")
//   (func (export "length") (param i32) (result i32) (local i32)
//     (block $end (loop $next
//       (br_if $end (i32.eqz (i32.load8_u (i32.add (local.get 0) (local.get 1)))))
//       (local.set 1 (i32.add (local.get 1) (i32.const 1)))
//       (br $next)))
//     (local.get 1)))
constexpr uint8_t bytes[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01,
    0x7f, 0x03, 0x02, 0x01, 0x00, 0x05, 0x04, 0x01, 0x01, 0x02, 0x10, 0x06, 0x08, 0x01, 0x7f,
    0x00, 0x41, 0x80, 0x80, 0x04, 0x0b, 0x07, 0x21, 0x03, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72,
    0x79, 0x02, 0x00, 0x0b, 0x5f, 0x5f, 0x68, 0x65, 0x61, 0x70, 0x5f, 0x62, 0x61, 0x73, 0x65,
    0x03, 0x00, 0x06, 0x6c, 0x65, 0x6e, 0x67, 0x74, 0x68, 0x00, 0x00, 0x0a, 0x22, 0x01, 0x20,
    0x01, 0x01, 0x7f, 0x02, 0x40, 0x03, 0x40, 0x20, 0x00, 0x20, 0x01, 0x6a, 0x2d, 0x00, 0x00,
    0x45, 0x0d, 0x01, 0x20, 0x01, 0x41, 0x01, 0x6a, 0x21, 0x01, 0x0c, 0x00, 0x0b, 0x0b, 0x20,
    0x01, 0x0b, 0x0b, 0x0b, 0x01, 0x00, 0x41, 0x10, 0x0b, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
};

int failures = 0;
void check(bool good, const char* what) {
    if (!good) {
        std::fprintf(stderr, "%s\n", what);
        ++failures;
    }
}

std::expected<void, Trap> access(Instance instance) {
    // [access
    warpbeam::MemoryView view{*instance.memory("memory")};
    auto text = view.read_c_string(16, 1000);       // at most 1000 bytes, else an error
    auto number = view.read<uint32_t>(20);          // little-endian, need not be aligned
    auto wrong = view.read<uint64_t>(uint64_t(-4)); // an error, with offset, size and memory size
    if (auto stored = view.write<uint32_t>(24, 7); !stored)
        return stored; // a Trap, as a host function returns it
    // access]
    check(text && std::string_view{text->data(), text->size()} == "hello", "the text is read");
    check(number && *number == 'o', "the number is read");
    check(!wrong, "an offset outside is an error");
    return {};
}

std::expected<int32_t, Trap> allocate(Instance instance) {
    // [allocate
    auto heap = warpbeam::GuestAllocator::of(instance); // its malloc, cabi_realloc, or ours
    if (!heap)
        return std::unexpected{heap.error()};
    auto name = heap->write_c_string("Ada"); // a GuestBuffer: frees the block at the end of its life
    if (!name)
        return std::unexpected{name.error()};
    auto length = instance.func<int32_t(int32_t)>("length");
    return (*length)(static_cast<int32_t>(name->address()));
    // allocate]
}

void limit(Engine& engine, const Module& module) {
    // [limits
    struct Careful final : warpbeam::GrowthPolicy {
        bool allow_memory(const warpbeam::Store& store, const warpbeam::MemoryType&, uint64_t from,
                          uint64_t to) noexcept override {
            return store.usage().memory_bytes + (to - from) <= 8 << 20;
        }
    } careful;
    warpbeam::Store store{engine, {.memory_bytes = 64 << 20, .memories = 4, .growth = &careful}};
    auto instance = warpbeam::Instance::create(store, module);
    uint64_t bytes_now = store.usage().memory_bytes; // exact, at any time
    // limits]
    check(instance && bytes_now == 2 * 65536, "the limits allow it");
}

void account(std::span<const uint8_t> wasm) {
    // [account
    warpbeam::AccountingAllocator counted{warpbeam::Allocator::standard(), 256 << 20}; // refuses more
    {
        warpbeam::Engine engine{{.allocator = &counted}};
        auto module = engine.load(wasm);
        warpbeam::Store store{engine};
        auto instance = warpbeam::Instance::create(store, *module);
        std::printf("%llu bytes of blocks, %llu of linear memories\n",
                    static_cast<unsigned long long>(counted.blocks().live),
                    static_cast<unsigned long long>(counted.committed().live));
    }
    // Now all of them are 0.
    // account]
    check(counted.blocks().live == 0 && counted.committed().live == 0 && counted.reserved().live == 0,
          "everything was given back");
}

void reset(Instance instance) {
    // [reset
    auto length = instance.func<int32_t(int32_t)>("length");
    for (int request = 0; request < 3; ++request) {
        auto served = (*length)(16);
        if (!served || !instance.reset()) // for the next request everything is as it was
            break;
    }
    // reset]
    check((*length)(16).value_or(0) == 5, "the instance is as it was");
}

} // namespace

int main() {
    Engine engine;
    const auto module = engine.load(bytes);
    if (!module) {
        std::fprintf(stderr, "%s\n", module.error().message().data());
        return 1;
    }
    Store store{engine};
    const auto instance = Instance::create(store, *module);
    check(instance.has_value(), "the module is instantiated");
    if (!instance)
        return 1;
    check(access(*instance).has_value(), "the memory is accessed");
    check(allocate(*instance).value_or(0) == 3, "the guest reads the string");
    limit(engine, *module);
    account(bytes);
    reset(*instance);
    return failures == 0 ? 0 : 1;
}
