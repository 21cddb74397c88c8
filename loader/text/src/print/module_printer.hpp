#pragma once

#include "print/binary_reader.hpp"
#include "print/name_section.hpp"
#include "print/text_out.hpp"

#include <warpbeam/loader/instr_table.hpp>
#include <warpbeam/loader/section_table.hpp>
#include <warpbeam/loader/type_printer.hpp>

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace warpbeam::text {

/// Prints one module from its bytes, section by section. Function types are looked up in the type section;
/// nothing else that was printed is stored.
class ModulePrinter {
public:
    /// What is printed as more than a custom section's bytes.
    struct Choice {
        bool names = true;
        bool hints = true;
        friend bool operator==(const Choice&, const Choice&) noexcept = default;
    };
    ModulePrinter(std::span<const uint8_t> module, Allocator& allocator, TextOut& out,
                  std::optional<Error>& fault, Choice choice,
                  Vec<std::string_view>* left_out = nullptr) noexcept;

    void print() noexcept;
    /// If the bytes are only an expression. Prints a space before each instruction.
    void print_expression() noexcept;
    /// If the bytes are a function body. Prints a line break before each instruction, and returns where the
    /// instructions begin.
    void print_body(Vec<size_t>& offsets) noexcept;
    /// The parts of the choice that turned out to be lossless. If that is not all of it, print the module
    /// again with this.
    [[nodiscard]] Choice feasible() const noexcept;

private:
    struct CustomSection {
        uint8_t place;
        std::string_view name;
        std::span<const uint8_t> contents;
    };
    struct TypeInfo {
        bool is_func;
        uint32_t params;
        uint32_t results;
        /// The position after the form, at the number of parameters.
        BinaryReader at;
    };
    struct Label {
        Op op;
        /// Empty if it has no name.
        std::string_view name;
    };

    /// Types as references in the text of this module.
    class Types final : public TypePrinter {
    public:
        explicit Types(ModulePrinter& printer) noexcept : printer_{printer} {}

    private:
        void add(std::string_view text) noexcept override { printer_.out_.add(text); }
        void defined(TypeId index) noexcept override { printer_.reference(Space::type, index); }

        ModulePrinter& printer_;
    };

    /// Parameters, results or locals in parentheses: one alone if `func` has a name for it, others together.
    struct ValueGroup {
        ModulePrinter& printer;
        const char* keyword;
        std::optional<uint32_t> func;
        bool open = false;
        bool alone = false;

        /// Prints what comes before the next type.
        void next(uint32_t index) noexcept;
        void close() noexcept;
        ~ValueGroup() { close(); }
    };

    // print_sections.cpp: the sections and what they declare
    void find_sections() noexcept;
    [[nodiscard]] BinaryReader section(SectionId id) noexcept;
    /// Calls `each` with a reader at each entry of a section's vector.
    template <typename Each>
    void entries(SectionId id, Each&& each) noexcept {
        BinaryReader in = section(id);
        if (in.at_end())
            return;
        for (uint32_t count = in.count(); count > 0 && !fault_; --count)
            each(in);
        if (!in.at_end())
            in.fail("section size mismatch");
    }
    /// The same for definitions, which begin with a keyword; `each` prints the rest.
    template <typename Each>
    void definitions(SectionId id, const char* keyword, Space space, Each&& each) noexcept {
        entries(id, [&](BinaryReader& in) {
            out_.line(1).add(keyword);
            define(space);
            each(in);
            out_.add(")");
        });
    }
    void read_custom_sections() noexcept;
    void leave_out_stale_sections() noexcept;
    void custom_sections() noexcept;
    void module_name() noexcept;
    void imports() noexcept;
    [[nodiscard]] std::string_view name(BinaryReader& in) noexcept;
    void extern_type(uint8_t kind, BinaryReader& in) noexcept;
    void tables() noexcept;
    void memories() noexcept;
    void globals() noexcept;
    void tags() noexcept;
    void exports() noexcept;
    void start() noexcept;
    void elements() noexcept;
    void element_segment(BinaryReader& in) noexcept;
    void data_segments() noexcept;
    void clause(const char* begin, Space space, uint32_t index) noexcept;
    void offset(BinaryReader& in) noexcept;

    // print_names.cpp: definitions and references
    void define(Space space) noexcept;
    bool name_of(Space space, uint32_t owner, uint32_t index) noexcept;
    void reference(Space space, uint32_t index, uint32_t owner = 0) noexcept;
    void reference_in(BinaryReader& in, Space space) noexcept { reference(space, in.u32()); }
    /// A space and the reference, or nothing for index 0 if the text allows it.
    void optional_reference(Space space, uint32_t index) noexcept;

    // print_types.cpp
    void types() noexcept;
    void type_definition(BinaryReader& in) noexcept;
    void composite_type(BinaryReader& in, uint32_t index) noexcept;
    void field_type(BinaryReader& in) noexcept;
    ValType val_type(BinaryReader& in) noexcept;
    ValType val_type(BinaryReader& in, const TypeCode& code) noexcept;
    HeapType heap_type(BinaryReader& in, const HeapCode& code) noexcept;
    ValType ref_type(BinaryReader& in) noexcept;
    HeapType heap_type(BinaryReader& in) noexcept;
    Limits limits(BinaryReader& in, uint8_t flags, unsigned known) noexcept;
    void memory_type(BinaryReader& in) noexcept;
    void table_type(BinaryReader& in) noexcept;
    uint32_t value_types(const char* keyword, BinaryReader& in, std::optional<uint32_t> func) noexcept;
    /// `(type n)`, followed by the signature if it is short or has names.
    void type_use(uint32_t type, std::optional<uint32_t> func) noexcept;

    // print_instr.cpp
    void funcs() noexcept;
    void func(BinaryReader body) noexcept;
    void locals(BinaryReader& in, uint32_t func, uint32_t first) noexcept;
    void expression(BinaryReader& in, std::optional<size_t> func_start) noexcept;
    const InstrRow* opcode(BinaryReader& in) noexcept;
    bool continue_block(Op op, BinaryReader& in) noexcept;
    void begin_block(Op op, BinaryReader& in) noexcept;
    void block_type(BinaryReader& in) noexcept;
    void catch_clauses(BinaryReader& in) noexcept;
    void handler_clauses(BinaryReader& in) noexcept;
    void label(uint32_t depth) noexcept;
    void hint(const InstrRow& row, size_t offset) noexcept;

    // print_immediates.cpp
    void immediates(const InstrRow& row, BinaryReader& in) noexcept;
    void memory_argument(const InstrRow& row, BinaryReader& in) noexcept;
    TextOut& space() noexcept { return out_.add(" "); }

    bool read_hints(std::span<const uint8_t> contents) noexcept;
    bool keep(bool ok) noexcept;

    std::span<const uint8_t> module_;
    TextOut& out_;
    std::optional<Error>& fault_;
    Types type_text_{*this};
    Choice choice_;
    Vec<std::string_view>* left_out_;

    /// By id; missing sections are empty.
    std::array<std::span<const uint8_t>, 16> sections_{};
    Vec<CustomSection> custom_sections_;
    NameSection names_;
    size_t names_used_ = 0;
    Vec<BranchHint> hints_;
    size_t hints_used_ = 0;

    /// The number of definitions in each space so far.
    std::array<uint32_t, name_space_count> defined_{};
    Vec<TypeInfo> types_;
    Vec<uint32_t> func_types_;

    Vec<Label> labels_;
    std::optional<uint32_t> func_;
    uint32_t label_count_ = 0;
    Vec<size_t>* offsets_ = nullptr; ///< of the printed instructions; null if not needed
};

} // namespace warpbeam::text
