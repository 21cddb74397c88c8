#pragma once

#include "encode.hpp"
#include "names.hpp"
#include "source_map.hpp"
#include "types.hpp"

#include <warpbeam/loader/instr_table.hpp>
#include <warpbeam/loader/module.hpp>
#include <warpbeam/text/cursor.hpp>
#include <warpbeam/text/parse.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace warpbeam::text {

/// The bytes of all strings that follow.
void append_strings(Cursor& cursor, Bytes& out) noexcept;

/// Translates the fields of one module in three passes over the text: the first binds the identifiers of the
/// index spaces, since they may be used before they are defined; the second reads the type definitions; the
/// third reads everything else and writes it to the sections. Tokens are scanned again in each pass instead
/// of being stored.
///
/// Nothing recurses with the nesting of the text: open instructions are frames on a separate stack.
class ModuleParser : private Cursor {
public:
    /// `map`, unless it is null, records the origin of everything written.
    ModuleParser(std::string_view text, Fault& fault, Allocator& allocator, bool names,
                 SourceMap* map) noexcept;

    /// Translates the fields from `position` up to a closing parenthesis or the end of the text, and returns
    /// where they end. `identifier` is the module's, or empty.
    size_t parse(size_t position, std::string_view identifier) noexcept;
    /// The module in the binary format.
    void write(Bytes& out) const noexcept;

private:
    // declare.cpp: the first pass
    void declare_fields() noexcept;
    void declare_types() noexcept;
    void declare_definition(Space space) noexcept;
    void declare(Space space) noexcept;

    // parse_types.cpp
    enum class Params : uint8_t { anonymous, named, locals };
    void type_fields() noexcept;
    void type_definition() noexcept;
    void struct_fields(uint32_t type, Bytes& out) noexcept;
    void field_type(Bytes& out, bool packed_too = true) noexcept;
    void value_type(Bytes& out, bool packed_too = false) noexcept;
    std::optional<RefType> accept_ref_type() noexcept;
    RefType ref_type() noexcept;
    HeapCode heap_type() noexcept;
    void type_clause(std::string_view keyword, uint8_t code) noexcept;
    bool accept_address_type() noexcept;
    struct Limits {
        bool is_64 = false;
        bool has_max = false;
        bool shared = false;
        uint64_t min = 0;
        uint64_t max = 0;
        std::optional<uint32_t> page_size_log2;
        void write(Bytes& out) const noexcept;
    };
    Limits limits() noexcept;
    void memory_type(Bytes& out, bool is_64) noexcept;
    std::optional<uint32_t> page_size() noexcept;
    void global_type(Bytes& out) noexcept { field_type(out, false); }
    void signature(Params params) noexcept;
    void param(Params params) noexcept;
    std::optional<uint32_t> explicit_type() noexcept;
    uint32_t type_use(Params params) noexcept;
    uint32_t inline_type() noexcept;
    /// A list up to its closing parenthesis: one named entry, or any number of unnamed ones.
    template <typename One>
    void list(bool named, One&& one) noexcept {
        if (named)
            one();
        else
            while (!at(TokenKind::rpar) && !at_end())
                one();
        expect_close();
    }
    void match_inline_type(uint32_t type, size_t offset) noexcept;
    void block_type(Bytes& out) noexcept;

    // parse_fields.cpp
    void fields() noexcept;
    void field() noexcept;
    Symbol accept_id() noexcept;
    uint32_t begin_definition(Space space) noexcept;
    bool inline_exports_and_import(ExternKind kind, uint32_t index) noexcept;
    void import_type(ExternKind kind, uint32_t index) noexcept;
    void func_field() noexcept;
    void func_body(uint32_t func, uint32_t type) noexcept;
    void locals(uint32_t first) noexcept;
    void bind_local_names(uint32_t func) noexcept;
    void table_field() noexcept;
    void table_elements(uint32_t table, bool is_64) noexcept;
    void table_limits(bool is_64) noexcept;
    void memory_field() noexcept;
    void global_field() noexcept;
    void tag_field() noexcept;
    void import_field() noexcept;
    void begin_import(size_t offset) noexcept;
    void export_field() noexcept;
    void start_field() noexcept;
    void constant_expression(Bytes& out) noexcept;
    void name(Bytes& out) noexcept;
    uint32_t index(Space space, uint32_t owner = 0) noexcept;
    uint32_t index_or_zero(Space space) noexcept { return at_index() ? index(space) : 0; }
    uint32_t natural_u32() noexcept;

    // parse_segments.cpp
    struct Elements {
        SegmentMode mode = SegmentMode::passive;
        uint32_t table = 0;
        /// Whether the elements are function indices; otherwise they are expressions of this type.
        bool indices = true;
        RefType type;
        uint32_t count = 0;
    };
    void elem_field() noexcept;
    [[nodiscard]] bool at_old_index() const noexcept;
    void element_indices(Elements& elements) noexcept;
    void element_expressions(Elements& elements) noexcept;
    void write_elements(const Elements& elements) noexcept;
    void data_field() noexcept;
    void offset_expression() noexcept;

    // parse_instr.cpp: the structure of instruction sequences
    struct Frame {
        enum Kind : uint8_t {
            sequence,     ///< up to a parenthesis that the caller closes
            operands,     ///< `(op ...`: the operands, before the instruction itself
            folded_block, ///< `(block`, `(loop` and `(try_table`
            folded_if,    ///< `(if`: the condition, then the arms
            folded_try,   ///< `(try`: the arms
            arm,          ///< `(then`, `(else`, `(do`, `(catch` and `(catch_all`
            plain_block,  ///< `block`, `loop` and `try_table`, up to `end`, like all kinds below
            plain_if,
            plain_else,
            plain_try,
            plain_catch,
            plain_catch_all,
        };
        /// Which arms have been read.
        enum Stage : uint8_t { before_arms, after_first, after_catch, complete, delegated };

        Kind kind = sequence;
        Stage stage = before_arms;
        Symbol label = no_symbol;
        /// The start in `deferred_` of the instruction that waits for its operands.
        size_t deferred = 0;
        /// Its position in the text.
        size_t place = 0;
        std::optional<uint8_t> hint{};
    };
    /// Instructions up to a closing parenthesis that is not theirs, or a single folded instruction.
    void instructions(bool single = false) noexcept;
    void push(const Frame& frame) noexcept;
    void instruction(bool folded, std::optional<uint8_t> hint) noexcept;
    void open() noexcept;
    void close() noexcept;
    void open_if_arm() noexcept;
    void open_try_arm() noexcept;
    void block_instruction(const InstrRow& row, bool folded) noexcept;
    void if_instruction(bool folded, std::optional<uint8_t> hint) noexcept;
    void continue_block(Op op) noexcept;
    void end_block() noexcept;
    void end_label(Symbol opened) noexcept;
    void emit_deferred(const Frame& frame) noexcept;
    void push_label(Symbol symbol) noexcept;
    void pop_label() noexcept;
    void hint_here(std::optional<uint8_t> hint) noexcept;
    void catch_clauses(Bytes& out) noexcept;

    // parse_immediates.cpp
    void plain_instruction(const InstrRow& row, Bytes& out) noexcept;
    void immediates(const InstrRow& row, Bytes& out) noexcept;
    void opcode(Op op, Bytes& out) noexcept;
    uint32_t label() noexcept;
    void label_table(Bytes& out) noexcept;
    void memory_argument(const InstrRow& row, Bytes& out) noexcept;
    uint64_t assignment(std::string_view prefix) noexcept;
    void lane(Bytes& out) noexcept;
    void select_types(Bytes& out) noexcept;
    void handler_clauses(Bytes& out) noexcept;
    void cast(Bytes& out) noexcept;
    void cast_to(Op non_null, Op nullable, Bytes& out) noexcept;
    void number(Bytes& out, unsigned bits, bool floating, bool leb) noexcept;
    void vector_constant(Bytes& out) noexcept;

    // annotations.cpp
    void field_annotations(bool first) noexcept;
    void custom_annotation(Cursor& inside) noexcept;
    uint8_t custom_place(Cursor& inside) noexcept;
    Symbol name_annotation(const char* what) noexcept;
    std::optional<uint8_t> branch_hint() noexcept;

    // source_map.cpp
    /// Begins another entry of a section; it comes from the field that is being read.
    Bytes& add(Section& section, SectionId id) noexcept;
    void mark(SectionId section, size_t binary) noexcept;
    void mark_instruction(size_t text) noexcept;
    /// Adds the body of a function to its section.
    void end_body() noexcept;

    // write.cpp
    struct NameEntry {
        uint32_t owner;
        uint32_t index;
        Symbol name;
    };
    void remember_name(Space space, uint32_t owner, uint32_t index, Symbol id, Symbol annotated) noexcept;
    void write_custom_sections(Bytes& out, uint8_t place) const noexcept;
    void write_branch_hints(Bytes& out) const noexcept;
    void write_names(Bytes& out) const noexcept;

    struct CustomSection {
        uint8_t place;
        size_t begin;
        size_t size;
    };
    struct Label {
        Symbol symbol;
        /// What the symbol stood for outside the block, as in `label_of_`.
        uint32_t shadowed;
    };
    struct LocalName {
        uint32_t index;
        Symbol id;
        Symbol annotated;
        size_t offset;
    };

    Allocator* allocator_;
    bool emit_names_;
    SourceMap* map_;
    Names names_;
    TypeTable types_;
    Symbol module_name_ = no_symbol;

    Section imports_, funcs_, tables_, memories_, tags_, globals_, exports_, elements_, codes_, data_;
    std::optional<uint32_t> start_;
    bool uses_data_ = false;
    /// The number of definitions in each space found by the first pass, and the number read since.
    std::array<uint32_t, name_space_count> declared_{};
    std::array<uint32_t, name_space_count> read_{};
    /// The kind of the last definition, after which imports are not allowed; null before the first.
    const char* defined_ = nullptr;
    /// The positions of type definitions and recursive groups.
    Vec<size_t> type_positions_;

    Bytes custom_bytes_;
    Vec<CustomSection> custom_sections_;
    Vec<BranchHint> hints_;
    std::array<Vec<NameEntry>, name_space_count> name_entries_;

    // What is being read.
    Signature signature_;
    size_t field_begin_ = 0;
    Vec<LocalName> local_names_;
    Vec<Mark> body_marks_;
    Bytes* out_ = nullptr;
    /// The function whose body is read; absent in constant expressions.
    std::optional<uint32_t> func_;
    /// The number of labels in its body so far.
    uint32_t label_count_ = 0;
    Vec<Frame> frames_;
    Bytes deferred_;
    Vec<Label> labels_;
    /// For each symbol, the position in `labels_` plus one of the label it stands for now, or 0.
    Vec<uint32_t> label_of_;
    Bytes body_, offset_, list_, composite_, supertypes_, scratch_, local_type_, catches_;
};

} // namespace warpbeam::text
