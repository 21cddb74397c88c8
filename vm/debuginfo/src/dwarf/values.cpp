#include "dwarf/values.hpp"

#include <algorithm>

namespace warpbeam::dwarf {

bool read_length(Input& in, Encoding& encoding, uint64_t& length) noexcept {
    length = in.u32();
    encoding.offset_size = 4;
    if (length >= 0xffff'fff0) {
        if (length != 0xffff'ffff)
            return false;
        encoding.offset_size = 8;
        length = in.u64();
    }
    return true;
}

bool read_value(Input& in, Encoding encoding, Form form, int64_t constant, Value& value) noexcept {
    if (form == Form::indirect)
        form = static_cast<Form>(std::min<uint64_t>(in.uleb(), UINT16_MAX));
    value = {form, 0, {}};
    switch (form) {
    case Form::addr:
        value.number = in.fixed(encoding.address_size);
        return true;
    case Form::data1:
    case Form::ref1:
    case Form::flag:
    case Form::strx1:
    case Form::addrx1:
        value.number = in.fixed(1);
        return true;
    case Form::data2:
    case Form::ref2:
    case Form::strx2:
    case Form::addrx2:
        value.number = in.fixed(2);
        return true;
    case Form::strx3:
    case Form::addrx3:
        value.number = in.fixed(3);
        return true;
    case Form::data4:
    case Form::ref4:
    case Form::ref_sup4:
    case Form::strx4:
    case Form::addrx4:
        value.number = in.fixed(4);
        return true;
    case Form::data8:
    case Form::ref8:
    case Form::ref_sig8:
    case Form::ref_sup8:
        value.number = in.fixed(8);
        return true;
    case Form::strp:
    case Form::line_strp:
    case Form::strp_sup:
    case Form::sec_offset:
    case Form::ref_addr:
        value.number = in.fixed(encoding.offset_size);
        return true;
    case Form::udata:
    case Form::ref_udata:
    case Form::strx:
    case Form::addrx:
    case Form::loclistx:
    case Form::rnglistx:
        value.number = in.uleb();
        return true;
    case Form::sdata:
        value.number = static_cast<uint64_t>(in.sleb());
        return true;
    case Form::implicit_const:
        value.number = static_cast<uint64_t>(constant);
        return true;
    case Form::flag_present:
        value.number = 1;
        return true;
    case Form::string:
        value.text = in.c_string();
        return true;
    case Form::data16:
        in.skip(16);
        return true;
    case Form::block1:
        in.skip(in.fixed(1));
        return true;
    case Form::block2:
        in.skip(in.fixed(2));
        return true;
    case Form::block4:
        in.skip(in.fixed(4));
        return true;
    case Form::block:
    case Form::exprloc:
        in.skip(in.uleb());
        return true;
    case Form::none:
    case Form::indirect: // of a second time
        break;
    }
    value.form = Form::none;
    return false;
}

} // namespace warpbeam::dwarf
