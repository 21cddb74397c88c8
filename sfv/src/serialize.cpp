#include <warpbeam/sfv/serialize.hpp>

namespace warpbeam::sfv {

namespace {

void write_parameters(Writer& writer, const Parameters& parameters) noexcept {
    for (const auto& entry : parameters)
        writer.parameter(entry.key(), entry.value.ref());
}

void write_item(Writer& writer, const Item& item) noexcept {
    writer.value(item.value.ref());
    write_parameters(writer, item.parameters);
}

void write_member(Writer& writer, const Member& member) noexcept {
    if (const Item* const item = member.item()) {
        write_item(writer, *item);
    } else {
        writer.begin_inner_list();
        for (const Item& inner : member.inner_list()->items)
            write_item(writer, inner);
        writer.end_inner_list();
        write_parameters(writer, member.parameters());
    }
}

} // namespace

void write(Writer& writer, const Item& item) noexcept { write_item(writer, item); }

void write(Writer& writer, const List& list) noexcept {
    for (const Member& member : list)
        write_member(writer, member);
}

void write(Writer& writer, const Dictionary& dictionary) noexcept {
    for (const auto& entry : dictionary) {
        writer.key(entry.key());
        write_member(writer, entry.value);
    }
}

} // namespace warpbeam::sfv
