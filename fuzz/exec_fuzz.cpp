// libFuzzer target: any valid module is instantiated, with something generated for each import, and all its
// exported functions are called, with limits on fuel, memory and depth. Nothing may crash, hang or leak.

#include "bounded_allocator.hpp"

#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/memory_view.hpp>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

namespace warpbeam {
namespace {

constexpr uint64_t fuel = 2'000;
constexpr size_t max_calls = 64;

/// A value of a type, made from a number; none for references that can't be null.
std::optional<Value> value_of(ValType type, uint64_t number) {
    const uint64_t slots[2] = {number, ~number};
    if (!type.is_ref())
        return Value::from_slots(type, slots);
    if (type == externref && number != 0)
        return ExternRef::host(number);
    return type.nullable() ? std::optional{Value::null(type.heap())} : std::nullopt;
}

/// Returns zeros and nulls; a call with an odd first argument traps.
std::expected<void, Trap> answer(Caller& caller, std::span<const Value> args, std::span<Value>) {
    if (const auto memory = caller.memory())
        (void)MemoryView{*memory}.write<uint32_t>(16, static_cast<uint32_t>(args.size()));
    if (!args.empty() && args[0].get<uint32_t>().value_or(0) % 2 == 1)
        return std::unexpected{Trap::host("odd")};
    // Calls back into the module, until the limit on the depth of host calls.
    const auto again = caller.find_export("again");
    const Func* const func = again ? std::get_if<Func>(&*again) : nullptr;
    if (func == nullptr || !func->type().params.empty())
        return {};
    std::vector<Value> results(func->type().results.size());
    return func->call({}, results);
}

void define_import(Linker& linker, Store& store, const Import& import) {
    const ExternType& type = import.type;
    const TypeRegistry& types = store.engine().types();
    switch (type.kind) {
    case ExternKind::func:
        (void)linker.func(import.module, import.name, types.func(type.func), answer);
        break;
    case ExternKind::table:
        if (const auto init = value_of(type.table.element, 0))
            if (const auto table = Table::create(store, type.table, *init))
                (void)linker.define(import.module, import.name, *table);
        break;
    case ExternKind::memory:
        if (const auto memory = Memory::create(store, type.memory))
            (void)linker.define(import.module, import.name, *memory);
        break;
    case ExternKind::global:
        if (const auto init = value_of(type.global.content, 1))
            if (const auto global = Global::create(store, type.global, *init))
                (void)linker.define(import.module, import.name, *global);
        break;
    case ExternKind::tag:
        if (const auto tag = Tag::create(store, types.func(type.tag.type).params))
            (void)linker.define(import.module, import.name, *tag);
        break;
    }
}

void call(Store& store, Func func, uint64_t number) {
    const FuncType type = func.type();
    std::vector<Value> args;
    for (const ValType param : type.params) {
        const auto value = value_of(param, number);
        if (!value)
            return;
        args.push_back(*value);
    }
    std::vector<Value> results(type.results.size());
    store.set_fuel(fuel);
    const auto called = func.call(args, results);
    // Only the trap's text is checked: it must always be printable.
    if (!called && (called.error().message().empty() || called.error().code() == TrapCode::usage))
        std::abort();
}

void run(Allocator& allocator, std::span<const uint8_t> bytes, bool eager) {
    Config config;
    config.features = FeatureSet::all();
    config.fuel = true;
    config.waiting = false; // a wait takes no fuel
    config.eager = eager;
    config.collect_always = bytes.size() % 3 == 0;
    config.stack_size = 64 * 1024;
    config.host_call_depth = 10;
    config.allocator = &allocator;
    Engine engine{config};
    const auto module = engine.load(bytes);
    if (!module)
        return;
    StoreLimits limits;
    limits.memory_bytes = 1 << 20;
    limits.table_elements = 10'000;
    limits.heap_bytes = 1 << 20;
    Store store{engine, limits};
    Linker linker{engine};
    for (const Import& import : module->imports())
        if (!linker.defines(import.module, import.name))
            define_import(linker, store, import);
    store.set_fuel(fuel);
    const auto instance = linker.instantiate(store, *module);
    if (!instance) {
        if (instance.error().message().empty())
            std::abort();
        return;
    }
    size_t calls = 0;
    for (const Export& entry : module->exports()) {
        const Extern found = instance->get(entry);
        if (const Func* const func = std::get_if<Func>(&found); func != nullptr && calls++ < max_calls) {
            call(store, *func, 0);
            call(store, *func, 1);
            call(store, *func, 0xffff'ffff'8000'0000);
        }
    }
}

} // namespace
} // namespace warpbeam

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    warpbeam::fuzz::BoundedAllocator allocator{size_t{64} << 20};
    warpbeam::run(allocator, {data, size}, size % 2 == 0);
    if (allocator.live() != 0)
        std::abort();
    return 0;
}
