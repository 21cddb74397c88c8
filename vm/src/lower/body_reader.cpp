#include "lower/body_reader.hpp"

namespace warpbeam::vm {

ValType BodyReader::val_type() noexcept {
    switch (byte()) {
    case 0x7f:
        return ValType::i32;
    case 0x7e:
        return ValType::i64;
    case 0x7d:
        return ValType::f32;
    case 0x7c:
        return ValType::f64;
    case 0x7b:
        return ValType::v128;
    case 0x63:
    case 0x64:
        (void)heap_type();
        break;
    default:
        break; // the shorthand of an abstract heap type
    }
    return ValType::reference(HeapType::any, true);
}

HeapType BodyReader::heap_type() noexcept {
    constexpr int exact_code = 0x62 - 0x80;
    constexpr int first = 0x69 - 0x80;
    const int64_t code = s64();
    if (code == exact_code)
        return HeapType::defined(module_.types()[u32()], true);
    if (code >= 0)
        return HeapType::defined(module_.types()[static_cast<size_t>(code)]);
    constexpr HeapType::Abstract abstract[] = {HeapType::exn,      HeapType::array,  HeapType::struct_,
                                               HeapType::i31,      HeapType::eq,     HeapType::any,
                                               HeapType::extern_,  HeapType::func,   HeapType::none,
                                               HeapType::noextern, HeapType::nofunc, HeapType::noexn};
    return abstract[code - first];
}

BlockType BodyReader::block_type() noexcept {
    const uint8_t first = *at_;
    // One byte with bit 6 set is a negative number: no result, or a value type.
    if ((first & 0xc0) == 0x40) {
        if (first == 0x40) {
            ++at_;
            return {};
        }
        return {nullptr, val_type()};
    }
    return {&module_.type_registry().func(module_.types()[static_cast<size_t>(s64())]), {}};
}

void BodyReader::skip(Imm imm) noexcept {
    switch (imm) {
    case Imm::none:
        break;
    case Imm::block:
        (void)block_type();
        break;
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
        (void)u32();
        break;
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
        (void)u32();
        (void)u32();
        break;
    case Imm::label_table:
        for (uint32_t count = u32() + 1; count != 0; --count)
            (void)u32();
        break;
    case Imm::mem_arg:
        (void)mem_arg();
        break;
    case Imm::mem_arg_lane:
        (void)mem_arg();
        (void)byte();
        break;
    case Imm::lane:
    case Imm::fence:
        (void)byte();
        break;
    case Imm::lanes:
    case Imm::v128:
        at_ += 16;
        break;
    case Imm::i32:
    case Imm::i64:
        (void)s64();
        break;
    case Imm::heap_type:
        (void)heap_type();
        break;
    case Imm::f32:
        at_ += 4;
        break;
    case Imm::f64:
        at_ += 8;
        break;
    case Imm::select_types:
        for (uint32_t count = u32(); count != 0; --count)
            (void)val_type();
        break;
    case Imm::cast:
        (void)byte();
        (void)u32();
        (void)heap_type();
        (void)heap_type();
        break;
    case Imm::try_table:
        (void)block_type();
        for (uint32_t count = u32(); count != 0; --count) {
            // catch and catch_ref name a tag, catch_all and catch_all_ref don't.
            if (byte() < 2)
                (void)u32();
            (void)u32();
        }
        break;
    }
}

} // namespace warpbeam::vm
