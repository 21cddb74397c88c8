#include "types.hpp"

#include <warpbeam/memory/hash.hpp>

#include <algorithm>

namespace warpbeam::text {

void Signature::clear() noexcept {
    params.clear();
    results.clear();
    param_count = 0;
    result_count = 0;
}

void Signature::write(Bytes& out) const noexcept {
    out.byte(type_code::func);
    out.u32(param_count);
    out.raw(params);
    out.u32(result_count);
    out.raw(results);
}

void TypeTable::begin_group(uint32_t members) noexcept {
    if (members == 1)
        return; // the same as no declared supertype
    Bytes& out = section_.add();
    out.byte(type_code::rec);
    out.u32(members);
    members_left_ = members;
}

void TypeTable::add(const Definition& definition) noexcept {
    const bool alone = members_left_ == 0;
    Bytes& out = alone ? section_.add() : section_.bytes;
    members_left_ -= alone ? 0 : 1;
    const bool plain = definition.is_final && definition.supertype_count == 0;
    if (!plain) {
        out.byte(definition.is_final ? type_code::sub_final : type_code::sub);
        out.u32(definition.supertype_count);
        out.raw(definition.supertypes);
    }
    out.raw(definition.composite);

    const uint32_t index = size();
    const size_t begin = composites_.size();
    composites_.raw(definition.composite);
    if (*fault_ || !types_.push({definition.kind, begin, definition.composite.size(), definition.params}))
        return fault_->out_of_memory();
    if (alone && plain && definition.kind == CompositeKind::func)
        composites_.check(plain_functions_.insert(hash(definition.composite), index));
}

uint32_t TypeTable::find_or_add(const Signature& signature) noexcept {
    scratch_.clear();
    signature.write(scratch_);
    const uint32_t found = plain_functions_.find(hash(scratch_.view()), [&](uint32_t index) {
        return std::ranges::equal(composite(index), scratch_.view());
    });
    if (found != HashIndex::npos)
        return found;
    add({.supertypes = {}, .composite = scratch_.view(), .params = signature.param_count});
    return size() - 1;
}

bool TypeTable::equals(uint32_t func, const Signature& signature) noexcept {
    scratch_.clear();
    signature.write(scratch_);
    return std::ranges::equal(composite(func), scratch_.view());
}

} // namespace warpbeam::text
