#include "decode_types.hpp"

namespace warpbeam {

bool TypeDecoder::resolve(uint64_t index, size_t offset, TypeId& id) noexcept {
    const Vec<TypeId>& types = context_.module.types;
    if (index < types.size()) {
        id = types[static_cast<size_t>(index)];
        return true;
    }
    if (index - group_start_ < group_size_) {
        id = TypeRegistry::first_member + static_cast<uint32_t>(index - group_start_);
        return true;
    }
    return context_.diagnostics.invalid(offset, "unknown type %llu", static_cast<unsigned long long>(index));
}

bool TypeDecoder::require_heap(HeapType::Abstract heap, size_t offset, bool shorthand) noexcept {
    if (heap == HeapType::func)
        return true; // tables in WebAssembly 1.0 use it
    if (heap == HeapType::extern_)
        return context_.require(Feature::reference_types, offset,
                                shorthand ? "externref" : "a reference type");
    if (heap == HeapType::exn || heap == HeapType::noexn)
        return context_.require(Feature::exceptions, offset, "the type exn");
    if (heap == HeapType::cont || heap == HeapType::nocont)
        return context_.require(Feature::stack_switching, offset, "the type cont");
    return context_.require(Feature::gc, offset, "a heap type of the GC proposal");
}

bool TypeDecoder::heap_type(HeapType& heap) noexcept {
    const size_t start = in_.offset();
    HeapCode code;
    return in_.heap_code(code) && heap_type(code, start, heap);
}

bool TypeDecoder::heap_type(const HeapCode& code, size_t start, HeapType& heap) noexcept {
    if (const AbstractHeap* const row = code.abstract()) {
        heap = row->heap;
        return require_heap(row->heap, start, false);
    }
    if (code.is_malformed())
        return context_.diagnostics.malformed(start, "malformed heap type");
    if (code.exact)
        return exact_type(static_cast<uint32_t>(code.code), start, heap);
    TypeId id = 0;
    if (!context_.require(Feature::function_references, start, "a reference to a defined type") ||
        !resolve(static_cast<uint64_t>(code.code), start, id))
        return false;
    heap = HeapType::defined(id);
    return true;
}

bool TypeDecoder::exact_type(uint32_t index, size_t start, HeapType& heap) noexcept {
    if (!context_.require(Feature::custom_descriptors, start, "an exact type"))
        return false;
    if (group_size_ != 0 && index >= group_start_ + group_size_) {
        unknown_ = unknown_.value_or(Unknown{start, index});
        heap = HeapType::none;
        return true;
    }
    TypeId id = 0;
    if (!resolve(index, start, id))
        return false;
    heap = HeapType::defined(id, true);
    return true;
}

bool TypeDecoder::check_exact_types() noexcept {
    return !unknown_ || context_.diagnostics.invalid(unknown_->offset, "unknown type %u", unknown_->index);
}

bool TypeDecoder::ref_type(ValType& type) noexcept {
    const size_t start = in_.offset();
    TypeCode code;
    if (!in_.type_code(code))
        return false;
    if (code.has_heap()) {
        HeapType heap = HeapType::func;
        if (!context_.require(Feature::function_references, start, "a typed reference") ||
            !heap_type(code.heap, start + 1, heap))
            return false;
        type = ValType::reference(heap, code.first == type_code::ref_null);
        return true;
    }
    const AbstractHeap* const row = find_heap(code.first);
    if (row == nullptr)
        return context_.diagnostics.malformed(start, "malformed reference type 0x%02x", code.first);
    type = ValType::reference(row->heap, true);
    return require_heap(row->heap, start, true);
}

bool TypeDecoder::value_type(ValType& type, bool packed_too) noexcept {
    if (in_.at_end())
        return in_.unexpected_end();
    const size_t start = in_.offset();
    const uint8_t first = in_.peek();
    if (const PlainType* const plain = find_plain(first);
        plain != nullptr && (packed_too || !plain->is_packed())) {
        type = plain->kind;
        return (plain->kind != ValType::v128 || context_.require(Feature::simd, start, "the type v128")) &&
               in_.skip(1);
    }
    if (TypeCode{first, {}}.has_heap() || find_heap(first) != nullptr)
        return context_.require(Feature::reference_types, start, "a value of reference type") &&
               ref_type(type);
    return context_.diagnostics.malformed(start, "malformed value type 0x%02x", first);
}

bool TypeDecoder::mutability(bool& is_mutable) noexcept {
    uint8_t byte = 0;
    const bool read = in_.byte(byte, 1, "mutability");
    is_mutable = byte == 1;
    return read;
}

bool TypeDecoder::field_type(FieldType& field) noexcept {
    return value_type(field.storage, true) && mutability(field.is_mutable);
}

bool TypeDecoder::global_type(GlobalType& type) noexcept {
    return value_type(type.content) && mutability(type.is_mutable);
}

bool TypeDecoder::limits(Limits& limits, MemoryType* memory) noexcept {
    const size_t start = in_.offset();
    uint8_t flags = 0;
    if (!in_.byte(flags))
        return false;
    const uint8_t known = limits_flag::max | limits_flag::is_64 |
                          (memory != nullptr ? limits_flag::shared | limits_flag::page_size : 0);
    if ((flags & ~known) != 0)
        return context_.diagnostics.malformed(start, "malformed limits flags 0x%02x", flags);
    // The official test suite expects this to be malformed.
    if ((flags & limits_flag::page_size) != 0 && !context_.has(Feature::custom_page_sizes)) {
        context_.diagnostics.malformed(start,
                                       "malformed limits flags 0x%02x: a page size needs the feature "
                                       "custom-page-sizes, which is switched off",
                                       flags);
        return context_.diagnostics.for_lack_of(Feature::custom_page_sizes);
    }
    if ((flags & limits_flag::shared) != 0 && !context_.require(Feature::threads, start, "a shared memory"))
        return false;
    if ((flags & limits_flag::is_64) != 0 &&
        !context_.require(Feature::memory64, start, "a 64-bit address type"))
        return false;
    limits.has_max = (flags & limits_flag::max) != 0;
    limits.is_64 = (flags & limits_flag::is_64) != 0;
    if (memory != nullptr)
        memory->shared = (flags & limits_flag::shared) != 0;
    // Without 64-bit addresses the format uses 32-bit numbers here.
    const auto number = [&](uint64_t& value) {
        if (context_.has(Feature::memory64))
            return in_.u64(value);
        uint32_t narrow = 0;
        const bool read = in_.u32(narrow);
        value = narrow;
        return read;
    };
    if (!number(limits.min) || (limits.has_max && !number(limits.max)))
        return false;
    if (limits.has_max && limits.min > limits.max)
        return context_.diagnostics.invalid(
            start, "size minimum must not be greater than maximum: a %s of %llu to %llu",
            memory != nullptr ? "memory" : "table", static_cast<unsigned long long>(limits.min),
            static_cast<unsigned long long>(limits.max));
    return (flags & limits_flag::page_size) == 0 || page_size(memory->page_size_log2);
}

// https://github.com/WebAssembly/custom-page-sizes
bool TypeDecoder::page_size(uint8_t& log2) noexcept {
    const size_t start = in_.offset();
    uint32_t value = 0;
    if (!in_.u32(value))
        return false;
    if (value > 63)
        return context_.diagnostics.malformed(start, "invalid custom page size: 2^%u bytes", value);
    if (value != 0 && value != 16)
        return context_.diagnostics.invalid(
            start, "invalid custom page size: 2^%u bytes; only 1 and 65536 are possible", value);
    log2 = static_cast<uint8_t>(value);
    return true;
}

bool TypeDecoder::table_type(TableType& type) noexcept {
    const size_t start = in_.offset();
    if (!ref_type(type.element) || !limits(type.limits, nullptr))
        return false;
    return !type.limits.exceed(type.limits.max_address()) ||
           context_.diagnostics.invalid(start, "table size must be at most 2^32-1");
}

bool TypeDecoder::memory_type(MemoryType& type) noexcept {
    const size_t start = in_.offset();
    if (!limits(type.limits, &type))
        return false;
    const uint64_t max = type.addressable_pages();
    if (type.limits.exceed(max))
        return context_.diagnostics.invalid(start, "memory size must be at most %llu pages%s",
                                            static_cast<unsigned long long>(max),
                                            type.limits.is_64 ? "" : " (4GiB)");
    if (type.shared && !type.limits.has_max)
        return context_.diagnostics.invalid(start, "shared memory must have maximum");
    return true;
}

bool TypeDecoder::func_type(TypeId& id) noexcept {
    const size_t start = in_.offset();
    uint32_t index = 0;
    if (!in_.u32(index) || !resolve(index, start, id))
        return false;
    if ((*context_.module.registry)[id].kind != CompositeKind::func)
        return context_.diagnostics.invalid(start, "unknown type: type %u is not a function type", index);
    return true;
}

bool TypeDecoder::tag_type(TagType& type) noexcept {
    const size_t start = in_.offset();
    uint8_t attribute = 0;
    if (!in_.byte(attribute, 0, "tag attribute") || !func_type(type.type))
        return false;
    if (context_.module.registry->func(type.type).results.empty() || context_.has(Feature::stack_switching))
        return true;
    context_.diagnostics.invalid(start, "non-empty tag result type");
    return context_.diagnostics.for_lack_of(Feature::stack_switching);
}

} // namespace warpbeam
