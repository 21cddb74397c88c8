#include "disassembly/disassembler.hpp"
#include "isa/stop_table.hpp"
#include "store/compiled_module.hpp"
#include "store/errors.hpp"

#include <warpbeam/vm/disassembly.hpp>

#include <algorithm>
#include <cstdio>

namespace warpbeam {

/// Makes a listing. All text is collected in one buffer, and cut into lines when the buffer no longer moves.
class CodeLister {
public:
    CodeLister(Allocator& allocator, const Module& module, vm::CompiledModule& compiled) noexcept
        : module_{module}, compiled_{compiled}, code_{compiled.code()}, listing_{allocator},
          marks_{allocator}, ends_{allocator} {}

    std::expected<CodeListing, Error> run(uint32_t func) noexcept {
        vm::Exit exit = code_.lower(func);
        if (exit == vm::Exit::none)
            exit = code_.locate_all(func, marks_);
        if (exit != vm::Exit::none)
            return std::unexpected{compiled_.error_of(exit)};
        Vec<uint64_t> copy{listing_.text_.allocator()};
        const vm::Code* const as_lowered = without_stops(code_.code(func), copy);
        if (as_lowered == nullptr)
            return std::unexpected{no_memory()};
        const vm::Code& code = *as_lowered;
        const auto finding = code_.verify(code);
        if (!finding)
            return std::unexpected{no_memory()};
        bool ok = finding->words == nullptr || note(*finding);
        if (finding->words == nullptr || finding->is_readable)
            ok = ok && list(code);
        if (!ok)
            return std::unexpected{no_memory()};
        cut();
        return std::move(listing_);
    }

private:
    /// Code as it is while nothing asks it to stop.
    static const vm::Code* without_stops(const vm::Code& code, Vec<uint64_t>& copy) noexcept {
        if (code.stop_points == 0)
            return &code;
        if (!copy.resize((vm::bytes_of(code) + 7) / 8))
            return nullptr;
        std::memcpy(copy.data(), &code, vm::bytes_of(code));
        auto* const plain = reinterpret_cast<vm::Code*>(copy.data());
        auto* const bytes = reinterpret_cast<char*>(plain + 1);
        for (const vm::StopPoint& point : std::span{vm::stop_points_of(code), code.stop_points})
            std::memcpy(bytes + point.position, point.words,
                        point.is_distance() ? sizeof point.words[0] : sizeof(vm::Handler));
        return plain;
    }

    bool note(const vm::Finding& finding) noexcept {
        char text[160];
        const int length = std::snprintf(text, sizeof text, "at 0x%04zx: %.*s%s%s", finding.position,
                                         static_cast<int>(finding.field.size()), finding.field.data(),
                                         finding.field.empty() ? "" : ": ", finding.words);
        return listing_.finding_.append({text, static_cast<size_t>(length)});
    }

    bool list(const vm::Code& code) noexcept {
        const vm::HandlerIndex* const index = vm::HandlerIndex::get(); // made for the verifier already
        vm::Disassembler out{module_, listing_.text_};
        out.head(code);
        if (!end_line(0, Error::no_offset))
            return false;
        const size_t begin = module_.bodies()[code.func - module_.imported_funcs()].code_offset;
        for (size_t position = 0; position < code.size;) {
            const auto instr = vm::read_instr(*index, vm::instructions_of(code), position);
            const auto after = std::ranges::upper_bound(marks_, position, {}, &vm::CodeMark::position);
            out.instr(*instr);
            if (!end_line(position, after != marks_.begin() ? begin + after[-1].offset : Error::no_offset))
                return false;
            position += instr->size;
        }
        for (uint32_t i = 0; i < code.try_regions; ++i) {
            out.region(code, i);
            if (!end_line(code.size, Error::no_offset))
                return false;
        }
        for (uint32_t i = 0; i < code.catch_clauses; ++i) {
            out.clause(code, i);
            if (!end_line(code.size, Error::no_offset))
                return false;
        }
        return out.complete();
    }

    bool end_line(size_t position, size_t offset) noexcept {
        return ends_.push(listing_.text_.size()) && listing_.lines_.push({{}, position, offset});
    }

    void cut() noexcept {
        size_t begin = 0;
        for (size_t i = 0; i < ends_.size(); ++i) {
            listing_.lines_[i].text = {listing_.text_.data() + begin, ends_[i] - begin};
            begin = ends_[i];
        }
    }

    const Module& module_;
    vm::CompiledModule& compiled_;
    vm::ModuleCode& code_;
    CodeListing listing_;
    Vec<vm::CodeMark> marks_;
    Vec<size_t> ends_;
};

std::expected<CodeListing, Error> list_code(const Engine& engine, const Module& module,
                                            uint32_t func) noexcept {
    if (!module)
        return std::unexpected{Error{ErrorCode::usage, "no module: the handle is empty"}};
    if (&module.type_registry() != &engine.types())
        return std::unexpected{Error{ErrorCode::usage, "the module was loaded by a different engine"}};
    if (func < module.imported_funcs() || func >= module.funcs().size())
        return std::unexpected{Error{ErrorCode::usage,
                                     "function index %u out of range: the module defines functions %u to %zu",
                                     func, module.imported_funcs(), module.funcs().size() - 1}};
    vm::CompiledModule* const compiled = vm::CompiledModule::of(module, engine);
    if (compiled == nullptr)
        return std::unexpected{no_memory()};
    return CodeLister{engine.allocator(), module, *compiled}.run(func);
}

} // namespace warpbeam
