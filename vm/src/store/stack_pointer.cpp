#include "store/stack_pointer.hpp"

#include <warpbeam/loader/instr_reader.hpp>

namespace warpbeam::vm {
namespace {

constexpr std::string_view name = "__stack_pointer";

bool may_be(const GlobalType& type) noexcept {
    return type.is_mutable && (type.content == ValType::i32 || type.content == ValType::i64);
}

/// Whether code has the beginning of a C function with a frame in memory, whose size is a multiple of the
/// stack's alignment: `global.set (local.tee (global - size))`. A counter that goes down has not.
bool lowers(const Module& module, std::span<const uint8_t> code, uint32_t global) noexcept {
    constexpr int64_t alignment = 16;
    enum class Next : uint8_t { get, size, sub, tee, set };
    InstrReader reader{module, code};
    for (Next next = Next::get; !reader.done();) {
        const Op op = reader.op();
        if (op == Op::global_get || op == Op::global_set) {
            const bool is_it = reader.u32() == global;
            if (op == Op::global_set && is_it && next == Next::set)
                return true;
            next = op == Op::global_get && is_it ? Next::size : Next::get;
            continue;
        }
        if (op == Op::i32_const || op == Op::i64_const) {
            const int64_t size = reader.s64();
            next = next == Next::size && size > 0 && size % alignment == 0 ? Next::sub : Next::get;
            continue;
        }
        const bool is_sub = op == Op::i32_sub || op == Op::i64_sub;
        next = next == Next::sub && is_sub                ? Next::tee
               : next == Next::tee && op == Op::local_tee ? Next::set
                                                          : Next::get;
        if (!reader.skip(row_of(op).imm))
            return false;
    }
    return false;
}

} // namespace

uint32_t find_stack_pointer(const Module& module) noexcept {
    uint32_t index = 0;
    for (const Import& import : module.imports())
        if (import.type.kind == ExternKind::global) {
            if (import.name == name && may_be(import.type.global))
                return index;
            ++index;
        }
    for (const Export& entry : module.exports())
        if (entry.kind == ExternKind::global && entry.name == name && may_be(module.globals()[entry.index]))
            return entry.index;
    if (module.memories().empty() || index >= module.globals().size() || !may_be(module.globals()[index]))
        return no_stack_pointer;
    for (const FuncBody& body : module.bodies())
        if (lowers(module, body.code, index))
            return index;
    return no_stack_pointer;
}

} // namespace warpbeam::vm
