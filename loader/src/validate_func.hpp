#pragma once

#include "decode_types.hpp"
#include "load_context.hpp"
#include "reader.hpp"
#include "type_names.hpp"

#include <warpbeam/loader/instr_table.hpp>

#include <array>

namespace warpbeam {

/// Decodes and validates function bodies and constant expressions, instruction by instruction, with a stack
/// of operand types and a stack of enclosing blocks.
/// https://webassembly.github.io/spec/core/appendix/algorithm.html
///
/// One validator serves a whole module, so its stacks are allocated once. All functions return false after
/// recording a fault.
class FuncValidator {
public:
    explicit FuncValidator(LoadContext& context) noexcept;
    FuncValidator(const FuncValidator&) = delete;
    FuncValidator& operator=(const FuncValidator&) = delete;

    /// Must be called before any other function.
    [[nodiscard]] bool prepare() noexcept;
    /// Must be called before the first function body, after everything that precedes the code section is
    /// decoded.
    void begin_code() noexcept;
    /// Validates a body from after its locals, which are in `body.locals`; fills in the rest of `body`.
    [[nodiscard]] bool function(const Reader& in, FuncBody& body) noexcept;
    /// @{ Validates the start of a valid body, up to the end of `in`, or after that start what `in` has of
    /// the rest. It fails if no instruction begins at the end, or if that is unreachable.
    [[nodiscard]] bool start_of_function(const Reader& in, const FuncBody& body) noexcept;
    [[nodiscard]] bool more_of_function(const Reader& in) noexcept;
    /// @}
    /// The types at that end. It fails, without recording a fault, if memory runs out.
    [[nodiscard]] bool types_now(ModuleAccess::FrameTypes& types) const noexcept;
    /// https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions ; `in` moves past
    /// the expression.
    [[nodiscard]] bool constant(Reader& in, ValType expected, ConstExpr& expr) noexcept;

private:
    enum class BlockKind : uint8_t { body, block, loop, if_, else_, try_, catch_, catch_all, try_table };

    /// An enclosing block. Its type is `type`, or if that is absent [] -> [result], or [] -> [] if result is
    /// bot.
    struct Block {
        BlockKind kind = BlockKind::body;
        /// Whether the rest of it is unreachable, so that any operands may be popped.
        bool unreachable = false;
        /// Whether it begins in unreachable code; the rules take its inside for reachable all the same.
        bool never_entered = false;
        ValType result;
        const FuncType* type = nullptr;
        /// The number of operands below its parameters, and of initialised locals.
        uint32_t height = 0;
        uint32_t initialised = 0;
        /// The position of the last br_table whose operands were found to match this label.
        mutable const uint8_t* table = nullptr;

        [[nodiscard]] std::span<const ValType> params() const noexcept {
            return type != nullptr ? type->params : std::span<const ValType>{};
        }
        [[nodiscard]] std::span<const ValType> results() const noexcept {
            if (type != nullptr)
                return type->results;
            return {&result, result == ValType::bot ? size_t{0} : size_t{1}};
        }
        /// What a branch to it carries.
        [[nodiscard]] std::span<const ValType> label_types() const noexcept {
            return kind == BlockKind::loop ? params() : results();
        }
    };

    /// How the fast path takes an instruction.
    enum class Shape : uint8_t {
        other, ///< not at all
        push,  ///< of a type from the palette; a number in LEB128 follows
        bytes, ///< pushes; bytes follow
        local_set,
        unary,
        binary,
        load,
        store,
        drop,
        select,
        global_get,
        global_set,
        block,
        end_block,
        br,
        br_if,
        call,
    };
    /// What the fast path knows about a one-byte instruction.
    struct alignas(16) Common {
        Shape shape = Shape::other;
        /// How many bytes it has with its immediates, at most.
        uint8_t max_size = 0;
        uint8_t max_align = 0;
        /// The operands that `local_set` and `block` pop.
        uint8_t pops = 0;
        BlockKind block = BlockKind::block;
        /// @{ The types of the operand at the top and of the one below it, and of the result.
        ValType::Kind last = ValType::bot;
        ValType::Kind first = ValType::bot;
        ValType::Kind result = ValType::bot;
        /// @}
        /// The position in the palette of what `push` pushes; the mask says whether the first byte of the
        /// number is added.
        uint16_t palette = 0;
        uint8_t palette_mask = 0;
    };
    using CommonTable = std::array<Common, 256>;

    /// What is popped and pushed by instructions whose types depend on declarations in the module.
    enum class Operand : uint8_t {
        none,
        i32,
        eqref,
        i31ref,
        arrayref,
        i31,
        address, ///< of the table
        element, ///< of the table or array, or the field, unpacked
        self,    ///< a reference to the type, which may be null
        fresh,   ///< the newly made reference
    };
    struct Effect {
        std::array<Operand, 4> in{};
        Operand out = Operand::none;
    };
    /// How an instruction accesses a field or element.
    enum class Access : uint8_t { any, plain, packed, mutable_, defaultable };

    // validate_common.cpp
    static consteval CommonTable all_common() noexcept;
    void prepare_palette() noexcept;
    /// Skips instructions that are clearly valid, and stops before the first that may not be: the rules can
    /// accept or refuse everything without it. It fails only if the last instruction goes on beyond the end.
    /// `is_ended_` must be set.
    bool pass_common() noexcept;

    /// Whether an instruction has the two operands that it takes.
    bool has_two(const ValType* top, const Common& common) const noexcept {
        return top - base_ >= 2 && top[-1] == common.last && top[-2] == common.first;
    }
    /// Whether a branch carries nothing, by the first byte of the label.
    bool is_bare_label(uint8_t label) const noexcept {
        if (label >= std::min<size_t>(blocks_.size(), 0x80))
            return false;
        const Block& block = blocks_.end()[-1 - label];
        return block.type == nullptr && (block.result == ValType::bot || block.kind == BlockKind::loop);
    }
    /// Pushes a type that may be a vector. There must be room.
    void push_at(ValType*& top, ValType*& highest, ValType type) noexcept {
        *top++ = type;
        highest = std::max(highest, top);
        kinds_ |= 1u << type.kind();
    }

    // validate_rules.cpp: which of the functions below validates each instruction.
    struct Rules;
    bool run() noexcept;
    bool prefixed() noexcept;
    bool refused() noexcept;
    template <Imm imm>
    bool typed() noexcept;
    bool typed_lane(unsigned lanes) noexcept;

    // validate_func.cpp: whole functions, and what is shared by instructions whose types are in the table.
    void begin(const Reader& in) noexcept;
    bool begin_function(const Reader& in, const FuncBody& body) noexcept;
    bool prepare_locals(const FuncBody& body) noexcept;
    bool apply(const Sig& sig, ValType address) noexcept;
    bool apply(const Effect& effect, ValType address, ValType element, TypeId id) noexcept;
    bool apply_fixed(const Effect& effect) noexcept { return apply(effect, {}, {}, 0); }
    bool wide(unsigned operands) noexcept;
    bool mem_arg(uint8_t access_log2, bool atomic, ValType& address) noexcept;
    bool lane(unsigned lanes) noexcept;

    // validate_variables.cpp: locals, globals, memories, tables and segments.
    bool local_type(uint32_t index, ValType& type) noexcept;
    bool local_get() noexcept;
    bool local_set(bool tee) noexcept;
    bool global_get() noexcept;
    bool global_set() noexcept;
    bool memory(ValType& address) noexcept;
    bool memory_copy() noexcept;
    bool global(const GlobalType*& type, uint32_t& index) noexcept;
    bool data_index(uint32_t& index) noexcept;
    bool data_exists(uint32_t index) noexcept;
    bool elem_exists(uint32_t index) noexcept;
    bool table(const TableType*& type) noexcept;
    bool on_table(const Effect& effect) noexcept;
    bool table_copy() noexcept;
    bool table_init() noexcept;

    // validate_control.cpp: blocks, branches, calls and exceptions.
    bool unreachable() noexcept;
    bool block_type(Block& block) noexcept;
    bool block_func_type(Block& block) noexcept;
    bool begin_block(BlockKind kind) noexcept;
    bool enter(Block& block) noexcept;
    bool leave(Block& block) noexcept;
    bool begin_else() noexcept;
    bool begin_catch(BlockKind kind) noexcept;
    bool delegate() noexcept;
    bool end() noexcept;
    bool try_table() noexcept;
    bool catch_clause() noexcept;
    bool label(const Block*& block, uint32_t base = 0) noexcept;
    bool label(uint32_t depth, const Block*& block, uint32_t base = 0) noexcept;
    bool branch() noexcept;
    bool branch_if() noexcept;
    bool branch_table() noexcept;
    bool return_results() noexcept;
    bool throw_tag() noexcept;
    bool throw_ref() noexcept;
    bool rethrow() noexcept;
    bool tag(const FuncType*& type) noexcept;
    bool tag(uint32_t index, const FuncType*& type) noexcept;
    bool exception_tag(uint32_t index, const FuncType*& type) noexcept;
    bool func_index(uint32_t& index) noexcept;
    bool call(bool tail) noexcept;
    bool call_indirect(bool tail) noexcept;
    bool call_ref(bool tail) noexcept;
    bool invoke(const FuncType& type, bool tail) noexcept;
    bool drop() noexcept;
    bool select() noexcept;
    bool select_typed() noexcept;

    // validate_gc.cpp: references, structures and arrays.
    bool ref_null() noexcept;
    bool ref_is_null() noexcept;
    bool ref_func() noexcept;
    bool ref_as_non_null() noexcept;
    bool branch_on_null(bool on_null) noexcept;
    bool branch_on_cast(bool on_fail, bool with_descriptor) noexcept;
    bool test() noexcept;
    bool cast(bool nullable) noexcept;
    bool cast_operand(HeapType& heap) noexcept;
    bool can_test_for(HeapType heap) noexcept;
    bool get_descriptor() noexcept;
    bool cast_descriptor(bool nullable) noexcept;
    bool pop_descriptor(HeapType described) noexcept;
    [[nodiscard]] ValType new_ref(TypeId id) const noexcept;
    bool convert(HeapType from, HeapType to) noexcept;
    bool defined_type(CompositeKind kind, TypeId& id, const SubType*& type) noexcept;
    bool struct_new(bool with_default, bool with_descriptor) noexcept;
    bool struct_field(Access access, const Effect& effect) noexcept;
    bool array_type(TypeId& id, FieldType& element, bool must_be_mutable) noexcept;
    bool array(Access access, const Effect& effect) noexcept;
    bool array_segment(const FieldType& element) noexcept;
    bool packing(Access access, const FieldType& field, const char* what) noexcept;
    bool array_new_fixed() noexcept;
    bool array_copy() noexcept;

    // validate_switching.cpp: continuations.
    bool cont_type(TypeId& id, const FuncType*& type) noexcept;
    [[nodiscard]] const FuncType* cont_func(HeapType heap) const noexcept;
    [[nodiscard]] bool all_match(std::span<const ValType> sub, std::span<const ValType> super) const noexcept;
    bool cont_new() noexcept;
    bool cont_bind() noexcept;
    bool suspend() noexcept;
    bool resume() noexcept;
    bool resume_throw() noexcept;
    bool resume_throw_ref() noexcept;
    bool handlers(const FuncType& type) noexcept;
    bool handler_clause(const FuncType& type) noexcept;
    bool switch_stack() noexcept;

    // validate_const.cpp
    bool check_constant() noexcept;

    // frame_types.cpp
    bool run_to_end() noexcept;
    [[nodiscard]] bool is_set(uint32_t local) const noexcept {
        return ((initialised_[local / 64] >> (local % 64)) & 1) != 0;
    }

    // operand_stack.cpp
    bool push(ValType type) noexcept {
        if (top_ == room_) [[unlikely]]
            if (!make_room(1))
                return false;
        *top_++ = type;
        kinds_ |= 1u << type.kind();
        highest_ = std::max(highest_, top_);
        return true;
    }
    bool pop(ValType expected) noexcept {
        if (top_ == base_) [[unlikely]]
            return blocks_.back().unreachable || mismatch({&expected, 1});
        if (!context_.module.registry->matches(top_[-1], expected)) [[unlikely]]
            return mismatch({&expected, 1});
        --top_;
        return true;
    }
    /// The operand is `bot` if its type is unknown in unreachable code.
    bool pop_any(ValType& found) noexcept {
        if (top_ == base_) [[unlikely]] {
            found = ValType::bot;
            return blocks_.back().unreachable || mismatch({});
        }
        found = *--top_;
        return true;
    }
    bool pop_ref(ValType& found) noexcept;
    // Most blocks and labels have no types.
    bool push_all(std::span<const ValType> types) noexcept { return types.empty() || push_some(types); }
    bool pop_all(std::span<const ValType> types) noexcept { return types.empty() || pop_some(types); }
    /// Checks the operands on top without popping them.
    bool peek_all(std::span<const ValType> types) noexcept { return types.empty() || peek_some(types); }
    bool push_some(std::span<const ValType> types) noexcept;
    bool pop_some(std::span<const ValType> types) noexcept;
    bool peek_some(std::span<const ValType> types) noexcept;
    /// Whether any number of operands can be popped: in unreachable code, once the known ones are used up.
    [[nodiscard]] bool is_bottomless() const noexcept { return top_ == base_ && blocks_.back().unreachable; }
    void set_unreachable() noexcept {
        top_ = base_;
        blocks_.back().unreachable = true;
    }
    bool make_room(size_t count) noexcept;
    /// Reports that the operands on top are not as expected (an empty list means any operand).
    bool mismatch(std::span<const ValType> expected) noexcept;
    /// The operands begin after two extra entries, which the fast path may read.
    [[nodiscard]] ValType* bottom() noexcept { return stack_.data() + 2; }
    [[nodiscard]] const ValType* bottom() const noexcept { return stack_.data() + 2; }
    [[nodiscard]] uint32_t height() noexcept { return static_cast<uint32_t>(top_ - bottom()); }

    [[nodiscard]] Diagnostics& diagnostics() const noexcept { return context_.diagnostics; }
    [[nodiscard]] const TypeRegistry& registry() const noexcept { return *context_.module.registry; }
    /// The offset of the current instruction.
    [[nodiscard]] size_t here() const noexcept {
        return static_cast<size_t>(start_ - context_.module.bytes.data());
    }
    [[nodiscard]] Op op() const noexcept { return static_cast<Op>(code_); }
    /// The keyword of the current instruction, or its encoding, which the next call overwrites, in a build
    /// without names.
    [[nodiscard]] const char* op_name() noexcept;
    /// For messages.
    [[nodiscard]] TypeText text_of(auto type) const noexcept { return TypeText{context_.module}.add(type); }

    LoadContext& context_;
    Reader in_;
    TypeDecoder types_;
    /// The current instruction: its first byte and its code.
    const uint8_t* start_ = nullptr;
    uint32_t code_ = 0;
    /// Which one-byte opcodes exist and are switched on.
    std::array<bool, 256> enabled_{};
    CommonTable common_{};
    /// The types of the first locals, for the fast path. A packed type, which never occurs on the stack,
    /// marks what does not exist or needs a rule. i32 and i64 follow.
    static constexpr size_t max_palette = 128;
    static constexpr uint16_t numbers_in_palette = 256;
    std::array<ValType, numbers_in_palette + 2> palette_{};
    size_t palette_size_ = 0;
    /// Whether the code that is being read goes on, beyond the end of `in_` or not, up to an `end`, so that
    /// every number that begins in it ends in the same function.
    bool is_ended_ = false;
    bool is_constant_ = false;

    /// Operand types. `base_` is where those of the innermost block begin.
    Vec<ValType> stack_;
    ValType* top_ = nullptr;
    ValType* base_ = nullptr;
    ValType* room_ = nullptr;
    ValType* highest_ = nullptr;
    /// One bit for each kind of type that was ever pushed.
    uint32_t kinds_ = 0;
    size_t max_operands_ = 0;
    Vec<Block> blocks_;

    /// The types of the first locals, and those of the others as runs, with the index where each run ends.
    /// Most functions need only the former; expanding all locals would be too slow for many small functions
    /// that declare many locals.
    Vec<ValType> locals_;
    std::span<const LocalRun> runs_;
    Vec<uint32_t> run_ends_;
    uint32_t local_count_ = 0;
    /// Whether there are locals without a default value; a bit for each such local that has been set, and a
    /// list of these in the order they were set.
    bool tracks_locals_ = false;
    Vec<uint64_t> initialised_;
    Vec<uint32_t> initialised_list_;
    const FuncType* func_type_ = nullptr;
    std::array<char, 24> op_text_{}; ///< of op_name
};

} // namespace warpbeam
