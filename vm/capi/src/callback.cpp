#include "callback.hpp"

#include "types.hpp"

namespace warpbeam::capi {
namespace {

std::expected<void, Trap> convert(wasm_store_t& store, std::span<const Value> args,
                                  std::span<wasm_val_t> to) noexcept {
    for (size_t i = 0; i < args.size(); ++i)
        if (!to_c(store, args[i], to[i]))
            return std::unexpected{
                args[i].type().is_vec()
                    ? Trap::with_message(store.allocator(), TrapCode::usage,
                                         "argument %zu is a v128, which a wasm_val_t has no room for", i)
                    : Trap{TrapCode::out_of_memory}};
    return {};
}

std::expected<void, Trap> convert_back(wasm_store_t& store, std::span<const ValType> types,
                                       std::span<const wasm_val_t> from, std::span<Value> results) noexcept {
    for (size_t i = 0; i < results.size(); ++i) {
        const auto value = from_c(store, from[i], types[i]);
        if (!value)
            return std::unexpected{trap_of("result", i, value.error(), store.allocator())};
        results[i] = *value;
    }
    return {};
}

} // namespace

std::expected<void, Trap> Callback::operator()(Caller& caller, std::span<const Value> args,
                                               std::span<Value> results) noexcept {
    wasm_store_t& store = store_of(caller.store());
    Room<wasm_val_t> room{store.allocator(), args.size() + results.size()};
    if (!room)
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    const wasm_val_vec_t c_args{args.size(), room.all().data()};
    wasm_val_vec_t c_results{results.size(), room.all().data() + args.size()};
    for (size_t i = 0; i < results.size(); ++i)
        set_zero(c_results.data[i], kind_of(results[i].type(), store.engine.types()));
    auto called = convert(store, args, room.all());
    if (called) {
        wasm_trap_t* const trap =
            with_env_ != nullptr ? with_env_(env_.data(), &c_args, &c_results) : plain_(&c_args, &c_results);
        if (trap != nullptr)
            called = std::unexpected{passed_trap(trap)};
        else
            called = convert_back(store, caller.type().results, room.all().subspan(args.size()), results);
        wasm_trap_delete(trap);
    }
    for (wasm_val_t& value : room.all())
        wasm_val_delete(&value);
    return called;
}

} // namespace warpbeam::capi
