#include "heap/layout.hpp"

#include <algorithm>

namespace warpbeam::vm {

constinit const Layout exception_layout{
    ObjectKind::exception, 0, HeapType::exn, sizeof(ExceptionObject), 0, 0, nullptr, {}, {}};
// The specification gives host references no more specific type.
constinit const Layout host_layout{
    ObjectKind::host, 0, HeapType::any, sizeof(HostObject), 0, 0, nullptr, {}, {}};
constinit const Layout continuation_layout{
    ObjectKind::continuation, 0, HeapType::cont, sizeof(ContObject), 0, 0, nullptr, {}, {}};

namespace {

/// Whether a value of the type may be a heap object; functions are not.
bool is_traced(ValType type, const TypeRegistry& types) noexcept {
    return type.is_ref() && !types.matches(type.heap(), HeapType::func);
}

constexpr uint32_t align(uint32_t offset, uint32_t bytes) noexcept {
    const uint32_t alignment = std::min(bytes, uint32_t{8});
    return (offset + alignment - 1) & ~(alignment - 1);
}

} // namespace

const Layout* Layouts::find(TypeId type) const noexcept {
    const uint32_t position =
        index_.find(type, [&](uint32_t candidate) { return layouts_[candidate]->type == type; });
    return position != HashIndex::npos ? layouts_[position] : nullptr;
}

const Layout* Layouts::of(TypeId type) noexcept {
    const std::lock_guard lock{mutex_};
    for (;;) {
        if (const Layout* const known = find(type); known != nullptr)
            return known;
        // A layout lists those of all its supertypes, so the outermost is made first.
        TypeId next = type;
        while (types_[next].supertype != SubType::no_supertype && find(types_[next].supertype) == nullptr)
            next = types_[next].supertype;
        if (!make(next))
            return nullptr;
    }
}

bool Layouts::make(TypeId type) noexcept {
    const SubType& sub = types_[type];
    const bool is_array = sub.kind == CompositeKind::array;
    const auto place = arena_.array<Layout>(1);
    const auto fields = arena_.array<ObjectField>(sub.fields.size());
    const auto supertypes = arena_.array<const Layout*>(size_t{sub.depth} + 1);
    const auto traced = static_cast<size_t>(std::ranges::count_if(
        sub.fields, [this](const FieldType& field) { return is_traced(field.storage, types_); }));
    const bool described = sub.descriptor != SubType::no_type;
    const auto references = arena_.array<uint32_t>(is_array ? 0 : traced + described);
    if (!place || !fields || !supertypes || !references)
        return false;

    const Layout* const super = sub.depth != 0 ? find(sub.supertype) : nullptr;
    const size_t inherited = super != nullptr && !is_array ? super->fields.size() : 0;
    uint32_t descriptor = super != nullptr ? super->descriptor : 0;
    uint32_t end = is_array ? first_element(bytes_of(sub.fields[0].storage.kind())) : sizeof(Object);
    const auto add = [&](uint32_t bytes) {
        const uint32_t offset = align(end, bytes);
        end = is_array ? offset : offset + bytes;
        return offset;
    };
    size_t next_reference = 0;
    for (size_t i = 0; i <= fields->size(); ++i) {
        if (i == inherited) {
            // The supertype's fields come before those that this type adds.
            end = std::max(end, descriptor != 0 ? descriptor + uint32_t{sizeof(Slot)} : 0);
            if (described && descriptor == 0)
                descriptor = add(sizeof(Slot));
        }
        if (i == fields->size())
            break;
        const ValType storage = sub.fields[i].storage;
        const uint32_t offset = i < inherited ? super->fields[i].offset : add(bytes_of(storage.kind()));
        end = std::max(end, is_array ? offset : offset + bytes_of(storage.kind()));
        (*fields)[i] = {storage.kind(), is_traced(storage, types_), offset};
        if ((*fields)[i].traced && !is_array)
            (*references)[next_reference++] = offset;
    }
    if (described)
        (*references)[next_reference] = descriptor;
    auto* const layout = ::new (place->data()) Layout{is_array ? ObjectKind::array : ObjectKind::struct_,
                                                      type,
                                                      HeapType::defined(type, true),
                                                      is_array ? end : align(end, 8),
                                                      sub.depth,
                                                      descriptor,
                                                      supertypes->data(),
                                                      *fields,
                                                      *references};
    if (super != nullptr)
        std::copy_n(super->supertypes, sub.depth, supertypes->data());
    (*supertypes)[sub.depth] = layout;
    const auto position = static_cast<uint32_t>(layouts_.size());
    if (!layouts_.push(layout))
        return false;
    if (!index_.insert(type, position)) {
        layouts_.pop();
        return false;
    }
    return true;
}

} // namespace warpbeam::vm
