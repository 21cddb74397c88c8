#include "store/stack_pointer.hpp"

#include <warpbeam/loader/instr_reader.hpp>

namespace warpbeam::vm {
namespace {

constexpr std::string_view name = "__stack_pointer";

bool may_be(const GlobalType& type) noexcept {
    return type.is_mutable && (type.content == ValType::i32 || type.content == ValType::i64);
}

/// Whether code has the beginning of a C function with a frame in memory: `global - constant`.
bool lowers(const Module& module, std::span<const uint8_t> code, uint32_t global) noexcept {
    InstrReader reader{module, code};
    for (int matched = 0; !reader.done();) {
        const Op op = reader.op();
        if (op == Op::global_get) {
            matched = reader.u32() == global ? 1 : 0;
            continue;
        }
        if (matched == 2 && (op == Op::i32_sub || op == Op::i64_sub))
            return true;
        matched = matched == 1 && (op == Op::i32_const || op == Op::i64_const) ? 2 : 0;
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
