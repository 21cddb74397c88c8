#pragma once

#include "disassembly/code_instr.hpp"
#include "heap/layout.hpp"
#include "isa/catch_table.hpp"

#include <warpbeam/loader/type_printer.hpp>
#include <warpbeam/memory/vec.hpp>

namespace warpbeam::vm {

/// Writes threaded code as text; docs/engine.md ("Reading threaded code") explains it. It contains no
/// addresses, so the same code gives the same text everywhere. Precondition for all functions: `verify` finds
/// nothing.
class Disassembler : private TypePrinter {
public:
    /// `module` is the module that the code was made from.
    Disassembler(const Module& module, Vec<char>& out) noexcept : module_{&module}, out_{out} {}
    /// For a `variant` without an instruction.
    explicit Disassembler(Vec<char>& out) noexcept : out_{out} {}

    /// The frame, and the locals pinned at entry.
    void head(const Code& code) noexcept;
    void instr(const CodeInstr& instr) noexcept;
    /// What all instructions of a handler have in common: `s` and `#` stand for any slot and constant.
    void variant(const Choice& choice) noexcept { instr({choice, shape_of(choice)}); }
    void region(const Code& code, size_t number) noexcept;
    void clause(const Code& code, size_t number) noexcept;
    /// False if memory ran out for some of the text.
    [[nodiscard]] bool complete() const noexcept { return complete_; }

private:
    void add(std::string_view text) noexcept override {
        complete_ &= out_.append({text.data(), text.size()});
    }
    void defined(TypeId id) noexcept override;
    void name(const CodeInstr& instr) noexcept;
    void option(const CodeInstr& instr) noexcept;
    void sink(const CodeInstr& instr, const FieldRow& field) noexcept;
    void source(const CodeInstr& instr, const FieldRow& field) noexcept;
    void constant(const CodeInstr& instr, const FieldRow& field) noexcept;
    void property(const CodeInstr& instr, const FieldRow& field) noexcept;
    void number(const CodeInstr& instr, const FieldRow& field) noexcept;
    void pins(const Pins& pins) noexcept;
    void type(const CodeInstr& instr, uint64_t word) noexcept;

    void decimal(uint64_t value) noexcept;
    void signed_decimal(int64_t value) noexcept;
    void hexadecimal(uint64_t value, size_t digits = 1) noexcept;
    void position(int64_t value) noexcept { hexadecimal(static_cast<uint64_t>(value), 4); }
    void slot(uint64_t number) noexcept {
        add("s");
        decimal(number);
    }
    void slot(const CodeInstr& instr, const FieldRow& field) noexcept {
        instr.is_variant() ? add("s") : slot(instr.get(field.name));
    }
    /// Between the parts of a list.
    void separate() noexcept { add(parts_++ == 0 ? "" : ", "); }

    const Module* module_ = nullptr;
    Vec<char>& out_;
    size_t parts_ = 0;
    bool complete_ = true;
};

} // namespace warpbeam::vm
