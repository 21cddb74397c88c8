#include "handlers/generate.hpp"
#include "handlers/memory_access.hpp"

/// Loads and stores of any memory, with 32-bit or 64-bit addresses.
/// https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

namespace {

/// The address of the accessed bytes; null after `out_of_bounds`.
template <typename A, typename In>
[[gnu::always_inline]] inline uint8_t* locate(Regs& r) noexcept {
    const MemoryInst& memory = *r.inst->memories[In::template get<Field::memory>(r.ip)];
    const auto address = In::template slot<Field::address, uint64_t>(r); // an i32 is zero-extended
    const uint64_t offset = In::template get<Field::offset>(r.ip);
    const uint64_t start = address + offset;
    if (start < offset || start > memory.size || memory.size - start < A::size) [[unlikely]] {
        (void)out_of_bounds(r, start);
        return nullptr;
    }
    uint8_t* const at = memory.base + start;
    if (at == nullptr)
        __builtin_unreachable(); // a memory that is not empty is never at null
    return at;
}

template <typename A, Variant v>
struct LoadAny {
    using In = Decoder<Form::load_any, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const uint8_t* const at = locate<A, In>(r);
        if (at == nullptr) [[unlikely]]
            return Exit::memory_out_of_bounds;
        write<Dst::slot, typename A::Value>(r, In::template get<Field::to>(r.ip), A::load(at));
        return In::proceed(r);
    }
};
template <typename A, Variant v>
struct StoreAny {
    using In = Decoder<Form::store_any, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        uint8_t* const at = locate<A, In>(r);
        if (at == nullptr) [[unlikely]]
            return Exit::memory_out_of_bounds;
        A::store(at, In::template slot<Field::value, typename A::Value>(r));
        return In::proceed(r);
    }
};

template <Op op, Variant v>
using LoadAnyBody = LoadAny<typename AccessOf<op>::type, v>;
template <Op op, Variant v>
using StoreAnyBody = StoreAny<typename AccessOf<op>::type, v>;

constexpr HandlerGroup any_memory_group_list[] = {group<Form::load_any, Family::i32_load, LoadAnyBody>(),
                                                  group<Form::load_any, Family::i64_load, LoadAnyBody>(),
                                                  group<Form::load_any, Family::float_load, LoadAnyBody>(),
                                                  group<Form::load_any, Family::vector_load, LoadAnyBody>(),
                                                  group<Form::store_any, Family::store, StoreAnyBody>()};

} // namespace

constinit const HandlerGroups any_memory_groups{any_memory_group_list};

} // namespace warpbeam::vm
