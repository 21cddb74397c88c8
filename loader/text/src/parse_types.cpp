// Types, https://webassembly.github.io/spec/core/text/types.html , and type uses,
// https://webassembly.github.io/spec/core/text/types.html#type-uses

#include "module_parser.hpp"

#include <warpbeam/text/number.hpp>

#include <bit>

namespace warpbeam::text {

/// All type definitions, wherever they are among the fields.
void ModuleParser::type_fields() noexcept {
    for (size_t i = 0; i < type_positions_.size() && !failed(); ++i) {
        move_to(type_positions_[i]);
        field_begin_ = token().begin;
        if (!accept_open("rec")) {
            accept_open("type");
            type_definition();
            continue;
        }
        // The group's size precedes its members, so they are counted first.
        const size_t begin = token().begin;
        uint32_t members = 0;
        lenient = true;
        for (; accept_open("type"); ++members)
            skip_to_close();
        lenient = false;
        move_to(begin);
        types_.begin_group(members);
        while (at_open("type")) {
            field_begin_ = token().begin;
            accept_open("type");
            type_definition();
        }
        expect_close();
    }
}

/// After `(type`.
void ModuleParser::type_definition() noexcept {
    const uint32_t index = begin_definition(Space::type);
    TypeTable::Definition definition;
    supertypes_.clear();
    composite_.clear();
    const bool sub = accept_open("sub");
    if (sub) {
        definition.is_final = accept_keyword("final");
        for (; at_index(); ++definition.supertype_count)
            supertypes_.u32(this->index(Space::type));
    }
    type_clause("describes", type_code::describes);
    type_clause("descriptor", type_code::descriptor);
    if (accept_open("func")) {
        signature(Params::named);
        signature_.write(composite_);
        definition.params = signature_.param_count;
    } else if (accept_open("struct")) {
        definition.kind = CompositeKind::struct_;
        struct_fields(index, composite_);
    } else if (accept_open("array")) {
        definition.kind = CompositeKind::array;
        composite_.byte(type_code::array);
        field_type(composite_);
    } else if (accept_open("cont")) {
        definition.kind = CompositeKind::cont;
        composite_.byte(type_code::cont);
        composite_.s64(this->index(Space::type));
    } else {
        unexpected("a composite type");
    }
    expect_close();
    if (sub)
        expect_close();
    expect_close();
    definition.supertypes = supertypes_.view();
    definition.composite = composite_.view();
    mark(SectionId::type, types_.section().bytes.size());
    types_.add(definition);
}

/// https://github.com/WebAssembly/custom-descriptors
void ModuleParser::type_clause(std::string_view keyword, uint8_t code) noexcept {
    if (!accept_open(keyword))
        return;
    composite_.byte(code);
    composite_.u32(index(Space::type));
    expect_close();
}

void ModuleParser::struct_fields(uint32_t type, Bytes& out) noexcept {
    uint32_t count = 0;
    scratch_.clear();
    while (accept_open("field")) {
        const size_t offset = token().begin;
        const Symbol id = accept_id();
        remember_name(Space::field, type, count, id, name_annotation("field"));
        if (id != no_symbol && !names_.bind(Space::field, type, id, count))
            fail_at(offset, "duplicate field");
        list(id != no_symbol, [&] {
            field_type(scratch_);
            ++count;
        });
    }
    out.byte(type_code::struct_);
    out.u32(count);
    out.raw(scratch_);
}

void ModuleParser::field_type(Bytes& out, bool packed_too) noexcept {
    const bool is_mutable = accept_open("mut");
    value_type(out, packed_too);
    if (is_mutable)
        expect_close();
    out.byte(is_mutable ? 1 : 0);
}

void ModuleParser::value_type(Bytes& out, bool packed_too) noexcept {
    if (const std::optional<RefType> ref = accept_ref_type())
        return ref->write(out);
    if (at(TokenKind::keyword))
        for (const PlainType& plain : plain_types)
            if (text() == plain.keyword && (!plain.is_packed() || packed_too)) {
                advance();
                return out.byte(plain.code);
            }
    unexpected("a type");
}

std::optional<RefType> ModuleParser::accept_ref_type() noexcept {
    if (accept_open("ref")) {
        RefType type;
        type.nullable = accept_keyword("null");
        type.heap = heap_type();
        expect_close();
        return type;
    }
    if (at(TokenKind::keyword))
        for (const AbstractHeap& heap : abstract_heaps)
            if (text() == heap.ref) {
                advance();
                return RefType{true, HeapCode::of(heap)};
            }
    return std::nullopt;
}

RefType ModuleParser::ref_type() noexcept {
    const std::optional<RefType> type = accept_ref_type();
    if (!type)
        unexpected("a reference type");
    return type.value_or(RefType{});
}

HeapCode ModuleParser::heap_type() noexcept {
    if (at_index())
        return {index(Space::type)};
    if (accept_open("exact")) {
        const uint32_t type = index(Space::type);
        expect_close();
        return {type, true};
    }
    if (at(TokenKind::keyword))
        for (const AbstractHeap& heap : abstract_heaps)
            if (text() == heap.keyword) {
                advance();
                return HeapCode::of(heap);
            }
    unexpected("a heap type");
    return {};
}

/// Whether the address type is written as i64; i32 may be written or left out.
bool ModuleParser::accept_address_type() noexcept {
    if (accept_keyword("i64"))
        return true;
    accept_keyword("i32");
    return false;
}

ModuleParser::Limits ModuleParser::limits() noexcept {
    const auto bound = [&] {
        const std::optional<uint64_t> value = parse_unsigned(text(), 64);
        if (!value)
            fail("constant out of range");
        advance();
        return value.value_or(0);
    };
    Limits limits;
    if (!at(TokenKind::natural)) {
        unexpected("a size");
        return limits;
    }
    limits.min = bound();
    limits.has_max = at(TokenKind::natural);
    limits.max = limits.has_max ? bound() : 0;
    return limits;
}

/// https://webassembly.github.io/spec/core/binary/types.html#limits
void ModuleParser::Limits::write(Bytes& out) const noexcept {
    out.byte(static_cast<uint8_t>((has_max ? limits_flag::max : 0) | (shared ? limits_flag::shared : 0) |
                                  (is_64 ? limits_flag::is_64 : 0) |
                                  (page_size_log2 ? limits_flag::page_size : 0)));
    out.u64(min);
    if (has_max)
        out.u64(max);
    if (page_size_log2)
        out.u32(*page_size_log2);
}

void ModuleParser::memory_type(Bytes& out, bool is_64) noexcept {
    Limits type = limits();
    type.is_64 = is_64;
    type.shared = accept_keyword("shared");
    type.page_size_log2 = page_size();
    type.write(out);
}

/// The base-2 logarithm of a stated page size. https://github.com/WebAssembly/custom-page-sizes
std::optional<uint32_t> ModuleParser::page_size() noexcept {
    if (!accept_open("pagesize"))
        return std::nullopt;
    const std::optional<uint64_t> bytes = at(TokenKind::natural) ? parse_unsigned(text(), 64) : std::nullopt;
    if (!bytes || !std::has_single_bit(*bytes))
        fail("invalid custom page size, expected a power of two");
    advance();
    expect_close();
    return static_cast<uint32_t>(std::countr_zero(bytes.value_or(1)));
}

/// Reads parameters, then results, into `signature_`.
void ModuleParser::signature(Params params) noexcept {
    signature_.clear();
    while (accept_open("param"))
        param(params);
    while (accept_open("result"))
        list(false, [&] {
            value_type(signature_.results);
            ++signature_.result_count;
        });
}

void ModuleParser::param(Params params) noexcept {
    const size_t offset = token().begin;
    const Symbol id = params == Params::anonymous ? no_symbol : accept_id();
    const Symbol annotated = name_annotation("local");
    if (params == Params::locals && (id != no_symbol || annotated != no_symbol))
        signature_.params.check(local_names_.push({signature_.param_count, id, annotated, offset}));
    list(id != no_symbol, [&] {
        value_type(signature_.params);
        ++signature_.param_count;
    });
}

std::optional<uint32_t> ModuleParser::explicit_type() noexcept {
    if (!accept_open("type"))
        return std::nullopt;
    const uint32_t type = index(Space::type);
    expect_close();
    return type;
}

uint32_t ModuleParser::type_use(Params params) noexcept {
    const size_t offset = token().begin;
    const std::optional<uint32_t> type = explicit_type();
    signature(params);
    if (!type)
        return inline_type();
    match_inline_type(*type, offset);
    return *type;
}

/// The type that is written out instead of an index.
uint32_t ModuleParser::inline_type() noexcept {
    const size_t end = types_.section().bytes.size();
    const uint32_t type = types_.find_or_add(signature_);
    if (types_.section().bytes.size() != end)
        mark(SectionId::type, end);
    return type;
}

/// A signature written besides a type index must be the same type; it may also be left out.
void ModuleParser::match_inline_type(uint32_t type, size_t offset) noexcept {
    if (signature_.empty() || failed())
        return;
    if (!types_.is_func(type))
        fail_at(offset, type < types_.size() ? "non-function type %u" : "unknown type %u", type);
    else if (!types_.equals(type, signature_))
        fail_at(offset, "inline function type does not match explicit type %u", type);
}

/// https://webassembly.github.io/spec/core/binary/instructions.html#control-instructions
void ModuleParser::block_type(Bytes& out) noexcept {
    const size_t offset = token().begin;
    const std::optional<uint32_t> type = explicit_type();
    signature(Params::anonymous);
    if (type) {
        match_inline_type(*type, offset);
        out.s64(*type);
    } else if (signature_.empty()) {
        out.byte(type_code::empty_block);
    } else if (signature_.param_count == 0 && signature_.result_count == 1) {
        out.raw(signature_.results);
    } else {
        out.s64(inline_type());
    }
}

} // namespace warpbeam::text
