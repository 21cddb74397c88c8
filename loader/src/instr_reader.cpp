#include <warpbeam/loader/instr_reader.hpp>

namespace warpbeam {
namespace {

/// Endless zero bytes, which are valid immediates of every form.
struct Zeros {
    constexpr uint8_t peek() const noexcept { return 0; }
    constexpr void pass(size_t) noexcept {}
    constexpr uint8_t byte() noexcept { return 0; }
    constexpr uint32_t u32() noexcept { return 0; }
    constexpr uint64_t u64() noexcept { return 0; }
    constexpr int64_t s33() noexcept { return 0; }
    constexpr int64_t s64() noexcept { return 0; }
};
static_assert(std::ranges::all_of(instr_table,
                                  [](const InstrRow& row) { return CodeReader{Zeros{}}.skip(row.imm); }),
              "the immediates of every instruction can be read");

/// The heap type for a type index of a module.
auto defined_in(const Module& module) noexcept {
    return [types = module.types()](uint32_t index, bool exact) {
        return HeapType::defined(types[index], exact);
    };
}

} // namespace

HeapType InstrReader::heap_type() noexcept { return heap_of(heap_code(), defined_in(*module_)); }

ValType InstrReader::val_type() noexcept { return type_of(type_code(), defined_in(*module_)); }

BlockType InstrReader::block_type() noexcept {
    const BlockCode code = block_code();
    switch (code.form) {
    case BlockCode::empty:
        return {};
    case BlockCode::result:
        return {nullptr, type_of(code.result_type, defined_in(*module_))};
    case BlockCode::index:
        return {&module_->type_registry().func(module_->types()[static_cast<size_t>(code.type)]), {}};
    }
    return {};
}

} // namespace warpbeam
