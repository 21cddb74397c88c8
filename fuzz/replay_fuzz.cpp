// libFuzzer target: the records of calls of WASI, with parts changed, are replayed. Nothing may crash or
// leak; a record that is refused changes nothing, and none makes the call after all.
//
// An input is the number of a record, how many changes are made, and these, each a position and a value; or
// 255, the number of a call, and what follows the function and its arguments in the record.

#include "bounded_allocator.hpp"

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/wasi/file_systems.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace warpbeam::wasi {
namespace {

using Bytes = std::vector<uint8_t>;

/// Each export makes a call whose arguments are right; what it is given in memory is at 64.
constexpr std::string_view text = R"((module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_raise" (func $raise (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "\00\01\00\00\10\00\00\00\00\02\00\00\10\00\00\00file")
  (func (export "0") (result i32) (call $args (i32.const 300) (i32.const 400)))
  (func (export "1") (result i32)
    (call $open (i32.const 3) (i32.const 0) (i32.const 80) (i32.const 4) (i32.const 1) (i64.const 66) (i64.const 0)
      (i32.const 0) (i32.const 0)))
  (func (export "2") (result i32) (call $write (i32.const 1) (i32.const 64) (i32.const 2) (i32.const 0)))
  (func (export "3") (result i32) (call $write (i32.const 4) (i32.const 64) (i32.const 2) (i32.const 0)))
  (func (export "4") (result i32) (call $read (i32.const 0) (i32.const 64) (i32.const 2) (i32.const 64)))
  (func (export "5") (result i32) (call $poll (i32.const 1000) (i32.const 1010) (i32.const 3) (i32.const 0)))
  (func (export "6") (result i32) (call $raise (i32.const 9)))
))";
constexpr size_t call_count = 7;

/// Streams and clocks for the calls that are recorded.
class SmallHost final : public Host {
public:
    std::expected<size_t, Errno> read(std::span<uint8_t> into) noexcept override {
        std::ranges::fill(into, uint8_t{'r'});
        return used(into.size());
    }
    std::expected<size_t, Errno> write(Stream, std::span<const uint8_t> bytes) noexcept override {
        return used(bytes.size());
    }
    bool is_terminal(Stream) const noexcept override { return used(true); }
    std::expected<uint64_t, Errno> now(Clock) const noexcept override { return used(uint64_t{1}); }
    std::expected<uint64_t, Errno> resolution(Clock) const noexcept override { return used(uint64_t{1}); }
    void sleep(uint64_t) noexcept override { (void)used(0); }
    std::expected<void, Errno> random(std::span<uint8_t>) noexcept override {
        (void)used(0);
        return {};
    }
    bool is_forbidden = false;

private:
    template <typename T>
    T used(T value) const noexcept {
        if (is_forbidden)
            std::abort();
        return value;
    }
};

class Records final : public CallSink {
public:
    std::expected<void, Trap> write(std::span<const std::span<const uint8_t>> parts) noexcept override {
        all.emplace_back();
        for (const auto part : parts)
            all.back().insert(all.back().end(), part.begin(), part.end());
        return {};
    }
    std::vector<Bytes> all;
};

class OneRecord final : public CallSource {
public:
    explicit OneRecord(const Bytes& record) noexcept : record_{record} {}
    std::expected<std::span<const uint8_t>, Trap> next() noexcept override { return record_; }

private:
    const Bytes& record_;
};

/// The program in a store, which is used for all inputs.
struct Program {
    static Config config() {
        Config config;
        config.fuel = true;
        config.deterministic = true;
        return config;
    }
    Program() {
        if (!define(linker, context))
            std::abort();
        const auto binary = parse_wat(text);
        if (!binary)
            std::abort();
        const auto made = linker.instantiate(store, *engine.load(*binary));
        if (!made)
            std::abort();
        instance = *made;
        const std::span<uint8_t> bytes = memory();
        first.assign(bytes.begin(), bytes.end());
        if (!context.add_arg("program") || !context.add_directory("/", *memory_directory()))
            std::abort();
        context.record(&records);
        for (size_t i = 0; i < call_count; ++i)
            (void)call(i);
        if (records.all.size() != call_count)
            std::abort();
        context.record(nullptr);
        host.is_forbidden = true;
    }
    std::span<uint8_t> memory() const { return *MemoryView{*instance.memory("memory")}.bytes(); }
    std::expected<void, Trap> call(size_t number) {
        store.set_fuel(1'000'000);
        std::ranges::copy(first, memory().begin());
        const char name[] = {static_cast<char>('0' + number), '\0'};
        Value result;
        return instance.func(name)->call({}, {&result, 1});
    }
    void replay(size_t number, const Bytes& record) {
        OneRecord source{record};
        context.replay(&source);
        const auto called = call(number);
        if (called || called.error().code() == TrapCode::exit)
            return;
        if (called.error().code() != TrapCode::host || !std::ranges::equal(memory(), first))
            std::abort();
    }

    SmallHost host;
    fuzz::BoundedAllocator allocator{size_t{1} << 20};
    Context context{host, allocator};
    Engine engine{config()};
    Linker linker{engine};
    Store store{engine};
    Instance instance;
    Bytes first;
    Records records;
};

void replay_input(std::span<const uint8_t> input) {
    static Program program;
    const size_t before = program.allocator.live();
    const bool has_rest = input[0] == 255;
    const size_t number = (has_rest ? input[1] : input[0]) % call_count;
    Bytes record = program.records.all[number];
    if (has_rest) {
        // The function and the count are a byte each; arguments end with a byte below 128.
        size_t size = 2;
        for (size_t args = record[1]; args != 0; ++size)
            args -= record[size] < 0x80;
        record.resize(size);
        record.insert(record.end(), input.begin() + 2, input.end());
    } else {
        for (size_t i = 2; i + 2 < input.size() && i / 3 <= input[1] % 8; i += 3)
            record[(input[i] | size_t{input[i + 1]} << 8) % record.size()] = input[i + 2];
    }
    program.replay(number, record);
    if (program.allocator.live() != before)
        std::abort();
}

} // namespace
} // namespace warpbeam::wasi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size >= 2)
        warpbeam::wasi::replay_input({data, size});
    return 0;
}
