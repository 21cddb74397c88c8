#pragma once

#include <warpbeam/loader/byte_reader.hpp>
#include <warpbeam/loader/instr_table.hpp>
#include <warpbeam/loader/module.hpp>
#include <warpbeam/loader/type_codes.hpp>
#include <warpbeam/memory/export.hpp>

#include <cstdint>
#include <span>

namespace warpbeam {

/// The first immediates of a memory access.
struct MemArg {
    /// The base-2 logarithm of the alignment. A value of `mem_arg_flag::limit` or more is malformed; in that
    /// case nothing after it has been read.
    uint32_t align = 0;
    uint32_t memory = 0; ///< the memory's index
    uint64_t offset = 0; ///< added to the address operand
    /// Whether the memory's index is written; it may be left out for memory 0.
    bool has_memory = false;
};

/// A clause of `try_table`; it is malformed if its kind is not in `catch_kinds`.
struct CatchCode {
    uint8_t kind = 0;   ///< the row of `catch_kinds`
    uint32_t tag = 0;   ///< the tag's index, if this kind has one
    uint32_t label = 0; ///< where it branches to
};

/// A clause of `resume` and its variants; it is malformed if its kind is not in HandlerKind, and then nothing
/// after that has been read.
struct HandlerCode {
    uint8_t kind = 0;   ///< a HandlerKind
    uint32_t tag = 0;   ///< the tag's index
    uint32_t label = 0; ///< where a suspension branches to; not for `switch`

    /// Whether the kind exists.
    [[nodiscard]] constexpr bool is_malformed() const noexcept {
        return kind > static_cast<uint8_t>(HandlerKind::switch_);
    }
    /// Whether it is `(on tag label)`.
    [[nodiscard]] constexpr bool has_label() const noexcept {
        return kind == static_cast<uint8_t>(HandlerKind::label);
    }
};

/// Reads instructions and types, which are sequences of the numbers that `Bytes` reads. `Bytes` either checks
/// its input, and returns zeros after a fault, or is for validated input. Thread-safety: none; one thread at
/// a time.
/// https://webassembly.github.io/spec/core/binary/instructions.html
template <typename Bytes>
class CodeReader : public Bytes {
public:
    using Bytes::Bytes;
    /// Continues at the position of `bytes`.
    constexpr CodeReader(const Bytes& bytes) noexcept : Bytes{bytes} {}

    /// An opcode. There need not be an instruction that has it.
    [[nodiscard]] constexpr Op op() noexcept {
        const uint8_t byte = this->byte();
        return static_cast<Op>(is_prefix(byte) ? prefixed_code(byte, this->u32()) : byte);
    }
    /// A heap type.
    [[nodiscard]] constexpr HeapCode heap_code() noexcept {
        const uint8_t first = this->peek();
        if (first == type_code::exact) {
            this->pass(1);
            return {this->u32(), true};
        }
        // All codes of abstract types are negative numbers of one byte; a longer encoding is none of them.
        const int64_t code = this->s33();
        return {code < 0 && !type_code::is_negative(first) ? INT64_MIN : code, false};
    }
    /// A value type.
    [[nodiscard]] constexpr TypeCode type_code() noexcept {
        TypeCode code;
        code.first = this->byte();
        if (code.has_heap())
            code.heap = heap_code();
        return code;
    }
    /// The type of a block.
    [[nodiscard]] constexpr BlockCode block_code() noexcept {
        switch (BlockCode::form_of(this->peek())) {
        case BlockCode::empty:
            this->pass(1);
            break;
        case BlockCode::result:
            return {BlockCode::result, type_code(), 0};
        case BlockCode::index:
            return {BlockCode::index, {}, this->s33()};
        }
        return {};
    }
    /// The first immediates of a memory access.
    [[nodiscard]] constexpr MemArg mem_arg() noexcept {
        MemArg arg;
        arg.align = this->u32();
        if (arg.align >= mem_arg_flag::limit)
            return arg;
        arg.has_memory = (arg.align & mem_arg_flag::memory) != 0;
        arg.align &= ~mem_arg_flag::memory;
        if (arg.has_memory)
            arg.memory = this->u32();
        arg.offset = this->u64();
        return arg;
    }
    /// A clause of `try_table`.
    [[nodiscard]] constexpr CatchCode catch_clause() noexcept {
        CatchCode clause;
        clause.kind = this->byte();
        if (clause.kind < std::size(catch_kinds) && catch_kinds[clause.kind].has_tag)
            clause.tag = this->u32();
        clause.label = this->u32();
        return clause;
    }
    /// A clause of `resume` and its variants.
    [[nodiscard]] constexpr HandlerCode handler_clause() noexcept {
        HandlerCode clause;
        clause.kind = this->byte();
        if (clause.is_malformed())
            return clause;
        clause.tag = this->u32();
        if (clause.has_label())
            clause.label = this->u32();
        return clause;
    }

    /// Skips the immediates of an instruction. Returns false if they are malformed.
    constexpr bool skip(Imm imm) noexcept {
        switch (imm) {
        case Imm::none:
            return true;
        case Imm::block:
            (void)block_code();
            return true;
        case Imm::label:
        case Imm::func:
        case Imm::type:
        case Imm::local:
        case Imm::global:
        case Imm::table:
        case Imm::elem:
        case Imm::data:
        case Imm::memory:
        case Imm::tag:
            (void)this->u32();
            return true;
        case Imm::type_table:
        case Imm::type_field:
        case Imm::type_count:
        case Imm::type_type:
        case Imm::type_data:
        case Imm::type_elem:
        case Imm::table_table:
        case Imm::elem_table:
        case Imm::memory_memory:
        case Imm::data_memory:
        case Imm::type_tag:
            (void)this->u32();
            (void)this->u32();
            return true;
        case Imm::type_tag_handlers:
            (void)this->u32();
            [[fallthrough]];
        case Imm::type_handlers:
            (void)this->u32();
            for (uint32_t count = this->u32(); count != 0; --count)
                (void)handler_clause();
            return true;
        case Imm::label_table:
            for (uint64_t count = uint64_t{this->u32()} + 1; count != 0; --count)
                (void)this->u32();
            return true;
        case Imm::mem_arg:
            (void)mem_arg();
            return true;
        case Imm::mem_arg_lane:
            (void)mem_arg();
            this->pass(1);
            return true;
        case Imm::lane:
        case Imm::fence:
            this->pass(1);
            return true;
        case Imm::lanes:
        case Imm::v128:
            this->pass(16);
            return true;
        case Imm::i32:
        case Imm::i64:
            (void)this->s64();
            return true;
        case Imm::f32:
            this->pass(4);
            return true;
        case Imm::f64:
            this->pass(8);
            return true;
        case Imm::heap_type:
            (void)heap_code();
            return true;
        case Imm::select_types:
            for (uint32_t count = this->u32(); count != 0; --count)
                (void)type_code();
            return true;
        case Imm::cast:
            this->pass(1);
            (void)this->u32();
            (void)heap_code();
            (void)heap_code();
            return true;
        case Imm::try_table:
            (void)block_code();
            for (uint32_t count = this->u32(); count != 0; --count)
                (void)catch_clause();
            return true;
        }
        return false;
    }
};

/// The type of a block: a function type or, without one, at most one result.
struct BlockType {
    const FuncType* func = nullptr; ///< null when there is at most one result
    ValType result;                 ///< without `func`: the result; `ValType{}` for none
    /// How many parameters there are.
    [[nodiscard]] size_t params() const noexcept { return func != nullptr ? func->params.size() : 0; }
    /// How many results there are.
    [[nodiscard]] size_t results() const noexcept {
        return func != nullptr ? func->results.size() : result == ValType{} ? 0 : 1;
    }
    /// The kind of parameter `i`, which must exist.
    [[nodiscard]] ValType::Kind param(size_t i) const noexcept { return func->params[i].kind(); }
    /// The kind of result `i`, which must exist.
    [[nodiscard]] ValType::Kind result_kind(size_t i) const noexcept {
        return func != nullptr ? func->results[i].kind() : result.kind();
    }
};

/// Reads instructions of a loaded module, from a body or a constant expression.
class WARPBEAM_API InstrReader : public CodeReader<ValidBytes> {
public:
    /// Reads `code`, which must be code of `module`; both must outlive it.
    InstrReader(const Module& module, std::span<const uint8_t> code) noexcept
        : CodeReader{code}, module_{&module} {}

    /// @{ The type that comes next. Defined types in it have the ids of the module's registry.
    [[nodiscard]] HeapType heap_type() noexcept;
    [[nodiscard]] ValType val_type() noexcept;
    [[nodiscard]] BlockType block_type() noexcept;
    /// @}

private:
    const Module* module_;
};

} // namespace warpbeam
