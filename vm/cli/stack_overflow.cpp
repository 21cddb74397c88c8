#include "stack_overflow.hpp"

#include <warpbeam/loader/custom_sections.hpp>
#include <warpbeam/loader/instr_reader.hpp>

#include <charconv>
#include <optional>
#include <string_view>

namespace warpbeam::cli {
namespace {

/// Compilers of C and similar languages keep a stack in the memory, for what has an address. It grows
/// downwards from where this global points at first, and no page is protected below it: a stack that is too
/// large goes on below address 0, which is at the top of the address space.
/// https://github.com/WebAssembly/tool-conventions/blob/main/BasicCABI.md
constexpr std::string_view stack_pointer_name = "__stack_pointer";
constexpr uint64_t address_space = uint64_t{1} << 32;
/// How far below 0 a single frame is expected to reach, and above it with its offsets.
constexpr uint64_t reach = uint64_t{1} << 20;

std::optional<uint32_t> named_stack_pointer(const Module& module) {
    for (const CustomSection& section : module.custom_sections()) {
        if (section.name != name_section)
            continue;
        NameReader names{section.bytes, NameSpace::global, NameSpace::global};
        while (const auto entry = names.next())
            if (entry->name == stack_pointer_name)
                return entry->index;
    }
    return std::nullopt;
}

/// The address at which the C stack of a module begins; none if it seems to have no such stack.
std::optional<uint32_t> stack_start(const Module& module) {
    const auto named = named_stack_pointer(module);
    // Without names it is the first global, and points to more than an empty memory.
    const uint32_t index = named.value_or(module.imported_globals());
    if (index < module.imported_globals() ||
        index - module.imported_globals() >= module.global_decls().size())
        return std::nullopt;
    const GlobalDecl& global = module.global_decls()[index - module.imported_globals()];
    if (!global.type.is_mutable || global.type.content != ValType::i32)
        return std::nullopt;
    InstrReader in{module, global.init.code};
    if (in.op() != Op::i32_const)
        return std::nullopt;
    const auto start = static_cast<uint32_t>(in.s64());
    return named || (start >= 1024 && start % 16 == 0) ? std::optional{start} : std::nullopt;
}

/// The number after ` at ` in the message of a memory access that is out of bounds.
std::optional<uint64_t> accessed_address(std::string_view message) {
    constexpr std::string_view before = " at ";
    const size_t at = message.find(before);
    if (at == std::string_view::npos)
        return std::nullopt;
    uint64_t address = 0;
    const std::string_view number = message.substr(at + before.size());
    const auto end = std::from_chars(number.data(), number.data() + number.size(), address);
    return end.ec == std::errc{} ? std::optional{address} : std::nullopt;
}

} // namespace

std::string stack_overflow_hint(const Trap& trap) {
    if (trap.code() != TrapCode::memory_out_of_bounds || trap.backtrace().empty())
        return {};
    const auto address = accessed_address(trap.message());
    if (!address || *address < address_space - reach || *address >= address_space + reach)
        return {};
    const auto start = stack_start(trap.backtrace().front().module);
    if (!start)
        return {};
    return "the address is just below zero, so the C stack, which grows down from " + std::to_string(*start) +
           ", has probably overflowed; link with -Wl,-z,stack-size=N for a stack of N bytes";
}

} // namespace warpbeam::cli
