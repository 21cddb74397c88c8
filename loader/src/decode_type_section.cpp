#include "decode_types.hpp"

#include <algorithm>

/// https://webassembly.github.io/spec/core/binary/modules.html#type-section and the validation of type
/// definitions, https://webassembly.github.io/spec/core/valid/types.html#recursive-types

namespace warpbeam {
namespace {

class TypeSection {
public:
    TypeSection(LoadContext& context, Reader& in) noexcept
        : context_{context}, in_{in}, types_{context, in}, group_{context.allocator},
          slices_{context.allocator}, values_{context.allocator}, fields_{context.allocator} {}

    bool decode() noexcept {
        uint32_t count = 0;
        if (!in_.count(count, "types", context_.limits.types))
            return false;
        if (!context_.module.types.reserve(count))
            return context_.diagnostics.out_of_memory();
        for (uint32_t i = 0; i < count; ++i)
            if (!rec_group())
                return false;
        return !in_.at_end() || types_.check_exact_types();
    }

private:
    /// The positions of a member's parameters, results and fields in `values_` and `fields_`, which may move
    /// while the group grows.
    struct Slices {
        uint32_t offset;
        uint32_t params_start, results_start, results_end;
        uint32_t fields_start, fields_end;
    };
    /// The number of values or fields so far. Each took a byte of the module.
    static uint32_t count_of(const auto& list) noexcept { return static_cast<uint32_t>(list.size()); }

    bool rec_group() noexcept {
        if (in_.at_end())
            return in_.unexpected_end();
        group_start_ = static_cast<uint32_t>(context_.module.types.size());
        group_.clear();
        slices_.clear();
        values_.clear();
        fields_.clear();
        uint32_t size = 1;
        if (in_.peek() == type_code::rec) {
            const size_t start = in_.offset();
            if (!context_.require(Feature::gc, start, "a recursive group") || !in_.skip(1) ||
                !in_.count(size, "types in a group", max_group))
                return false;
        }
        if (size > context_.limits.types - group_start_)
            return context_.diagnostics.limit(in_.offset(), "too many types (the limit is %u)",
                                              context_.limits.types);
        group_size_ = size;
        // A large group may hold all types of a program, so avoid copying the list as it grows.
        if (!group_.reserve(size) || !slices_.reserve(size))
            return context_.diagnostics.out_of_memory();
        types_.enter_group(group_start_, size);
        for (uint32_t i = 0; i < size; ++i)
            if (!sub_type(group_start_ + i))
                return false;
        types_.enter_group(0, 0);
        return size == 0 || close_group();
    }

    bool sub_type(uint32_t index) noexcept {
        if (in_.at_end())
            return in_.unexpected_end();
        const size_t start = in_.offset();
        SubType type;
        if (in_.peek() == type_code::sub || in_.peek() == type_code::sub_final) {
            if (!context_.require(Feature::gc, start, "a declared subtype"))
                return false;
            type.is_final = in_.peek() == type_code::sub_final;
            uint32_t supertypes = 0;
            if (!in_.skip(1) || !in_.each("supertypes", UINT32_MAX, [&] {
                    ++supertypes;
                    return super_type(index, type);
                }))
                return false;
            if (supertypes > 1)
                return context_.diagnostics.invalid(
                    start, "sub type %u has %u super types; at most one is allowed", index, supertypes);
        }
        Slices slices{};
        slices.offset = static_cast<uint32_t>(start);
        if (!clause(type_code::describes, "described", type.described) ||
            !clause(type_code::descriptor, "descriptor", type.descriptor) || !composite_type(type, slices))
            return false;
        return context_.append(group_, type) && context_.append(slices_, slices);
    }

    bool super_type(uint32_t index, SubType& type) noexcept {
        const size_t start = in_.offset();
        uint32_t super = 0;
        if (!in_.u32(super))
            return false;
        if (super >= index)
            return context_.diagnostics.invalid(
                start, "unknown type %u: a super type must come before type %u", super, index);
        return types_.resolve(super, start, type.supertype);
    }

    /// Reads `(describes x)` or `(descriptor x)` if it is there; the type must be in the same group.
    bool clause(uint8_t code, const char* what, TypeId& id) noexcept {
        const size_t start = in_.offset();
        if (in_.at_end() || in_.peek() != code)
            return true;
        uint32_t index = 0;
        if (!context_.require(Feature::custom_descriptors, start, "a type with a descriptor") ||
            !in_.skip(1) || !in_.u32(index))
            return false;
        if (index < group_start_ || index - group_start_ >= group_size_)
            return context_.diagnostics.invalid(start, "%s type is outside rec group: type %u", what, index);
        id = TypeRegistry::first_member + (index - group_start_);
        return true;
    }

    bool composite_type(SubType& type, Slices& slices) noexcept {
        const size_t start = in_.offset();
        uint8_t form = 0;
        if (!in_.byte(form))
            return false;
        slices.params_start = slices.results_start = slices.results_end = count_of(values_);
        slices.fields_start = slices.fields_end = count_of(fields_);
        switch (form) {
        case type_code::func:
            return func_type(slices);
        case type_code::struct_:
            type.kind = CompositeKind::struct_;
            if (!context_.require(Feature::gc, start, "a structure type") ||
                !in_.each("fields", context_.limits.fields, [&] { return field(); }))
                return false;
            slices.fields_end = count_of(fields_);
            return true;
        case type_code::array:
            type.kind = CompositeKind::array;
            if (!context_.require(Feature::gc, start, "an array type") || !field())
                return false;
            slices.fields_end = count_of(fields_);
            return true;
        case type_code::cont:
            type.kind = CompositeKind::cont;
            return context_.require(Feature::stack_switching, start, "a continuation type") &&
                   cont_type(type);
        default:
            return context_.diagnostics.malformed(start, "malformed definition type 0x%02x", form);
        }
    }

    bool field() noexcept {
        FieldType field;
        return types_.field_type(field) && context_.append(fields_, field);
    }

    /// Which kind of type it names is known when the group is complete.
    bool cont_type(SubType& type) noexcept {
        const size_t start = in_.offset();
        int64_t index = 0;
        if (!in_.s33(index))
            return false;
        if (index < 0)
            return context_.diagnostics.malformed(start, "malformed type of a continuation");
        return types_.resolve(static_cast<uint64_t>(index), start, type.cont);
    }

    bool func_type(Slices& slices) noexcept {
        if (!value_types("parameters", context_.limits.params))
            return false;
        slices.results_start = count_of(values_);
        const size_t start = in_.offset();
        if (!value_types("results", context_.limits.results))
            return false;
        slices.results_end = count_of(values_);
        return slices.results_end - slices.results_start <= 1 ||
               context_.require(Feature::multi_value, start, "a function with multiple results");
    }

    bool value_types(const char* what, uint32_t limit) noexcept {
        return in_.each(what, limit, [&] {
            ValType type;
            return types_.value_type(type) && context_.append(values_, type);
        });
    }

    /// Whether types and their descriptors refer to each other.
    bool check_descriptors() noexcept {
        Diagnostics& diagnostics = context_.diagnostics;
        for (uint32_t i = 0; i < group_.size(); ++i) {
            const SubType& type = group_[i];
            const size_t offset = slices_[i].offset;
            const uint32_t index = group_start_ + i;
            if (const uint32_t j = type.described - TypeRegistry::first_member; type.described != no_type) {
                if (group_[j].descriptor != TypeRegistry::first_member + i)
                    return diagnostics.invalid(offset, "described type is not described by descriptor %u",
                                               index);
                if (j >= i)
                    return diagnostics.invalid(offset, "forward use of described type by descriptor %u",
                                               index);
            }
            if (const uint32_t j = type.descriptor - TypeRegistry::first_member; type.descriptor != no_type)
                if (group_[j].described != TypeRegistry::first_member + i)
                    return diagnostics.invalid(offset, "type %u is not described by its descriptor", index);
        }
        for (uint32_t i = 0; i < group_.size(); ++i) {
            const SubType& type = group_[i];
            if (type.kind != CompositeKind::struct_ &&
                (type.descriptor != no_type || type.described != no_type))
                return diagnostics.invalid(slices_[i].offset, "%s type must be a struct: type %u",
                                           type.descriptor != no_type ? "descriptor" : "described",
                                           group_start_ + i);
        }
        return true;
    }

    /// Whether continuations run functions.
    bool check_continuations() noexcept {
        for (uint32_t i = 0; i < group_.size(); ++i) {
            const TypeId id = group_[i].cont;
            if (id == no_type)
                continue;
            const bool is_member = id >= TypeRegistry::first_member;
            const SubType& runs =
                is_member ? group_[id - TypeRegistry::first_member] : (*context_.module.registry)[id];
            if (runs.kind != CompositeKind::func)
                return context_.diagnostics.invalid(
                    slices_[i].offset, "non-function type in the continuation type %u", group_start_ + i);
        }
        return true;
    }

    bool close_group() noexcept {
        if (!check_descriptors() || !check_continuations())
            return false;
        for (size_t i = 0; i < group_.size(); ++i) {
            const Slices& s = slices_[i];
            const ValType* const values = values_.data();
            group_[i].func.params = {values + s.params_start, s.results_start - s.params_start};
            group_[i].func.results = {values + s.results_start, s.results_end - s.results_start};
            group_[i].fields = {fields_.data() + s.fields_start, s.fields_end - s.fields_start};
        }
        const TypeId base = context_.module.registry->add_group(group_);
        if (base == TypeRegistry::failed)
            return no_room();
        for (uint32_t i = 0; i < group_.size(); ++i)
            if (!context_.append(context_.module.types, base + i))
                return false;
        // The group is already in the registry, which can compare its members. A comparison takes time
        // proportional to the depth, so all depths are checked first.
        for (uint32_t i = 0; i < group_.size(); ++i)
            if (const uint32_t depth = (*context_.module.registry)[base + i].depth;
                depth > context_.limits.subtyping_depth)
                return context_.diagnostics.limit(slices_[i].offset,
                                                  "sub type %u is %u levels deep (the limit is %u)",
                                                  group_start_ + i, depth, context_.limits.subtyping_depth);
        for (uint32_t i = 0; i < group_.size(); ++i)
            if (!check_supertype(base + i, group_start_ + i, slices_[i].offset))
                return false;
        return true;
    }

    /// Why the group is not in the registry.
    bool no_room() noexcept {
        const auto count = static_cast<unsigned>(group_.size());
        if (!context_.module.registry->contains(max_type_id - count))
            return context_.diagnostics.out_of_memory();
        return context_.diagnostics.limit(slices_[0].offset,
                                          "too many types with those of other modules: %u more (the limit "
                                          "is %u for all modules of an engine)",
                                          count, unsigned{max_type_id});
    }

    bool check_supertype(TypeId id, uint32_t index, size_t offset) noexcept {
        const TypeRegistry& registry = *context_.module.registry;
        const SubType& type = registry[id];
        if (type.supertype == SubType::no_supertype)
            return true;
        const SubType& super = registry[type.supertype];
        const char* const problem = super.is_final                    ? ", which is final"
                                    : !descriptors_match(type, super) ? ": their descriptors do not match"
                                    : !composite_matches(type, super) ? ""
                                                                      : nullptr;
        if (problem == nullptr)
            return true;
        const auto found = std::ranges::find(context_.module.types, type.supertype);
        return context_.diagnostics.invalid(offset, "sub type %u does not match super type %u%s", index,
                                            static_cast<unsigned>(found - context_.module.types.begin()),
                                            problem);
    }

    /// A subtype may add a descriptor but not drop one. All subtypes of a type that describes another also
    /// describe one, and no other types' subtypes do.
    [[nodiscard]] bool descriptors_match(const SubType& sub, const SubType& super) const noexcept {
        const auto matches = [this](TypeId a, TypeId b) {
            return a != no_type && context_.module.registry->is_subtype(a, b);
        };
        if (sub.described != super.described &&
            (super.described == no_type || !matches(sub.described, super.described)))
            return false;
        return super.descriptor == no_type || matches(sub.descriptor, super.descriptor);
    }

    // https://webassembly.github.io/spec/core/valid/matching.html#composite-types
    [[nodiscard]] bool composite_matches(const SubType& sub, const SubType& super) const noexcept {
        if (sub.kind != super.kind)
            return false;
        if (sub.kind == CompositeKind::func)
            return all_match(super.func.params, sub.func.params) &&
                   all_match(sub.func.results, super.func.results);
        if (sub.kind == CompositeKind::cont)
            return context_.module.registry->is_subtype(sub.cont, super.cont);
        if (sub.fields.size() < super.fields.size())
            return false;
        for (size_t i = 0; i < super.fields.size(); ++i)
            if (!field_matches(sub.fields[i], super.fields[i]))
                return false;
        return true;
    }

    [[nodiscard]] bool all_match(std::span<const ValType> sub,
                                 std::span<const ValType> super) const noexcept {
        return std::ranges::equal(
            sub, super, [this](ValType a, ValType b) { return context_.module.registry->matches(a, b); });
    }

    [[nodiscard]] bool field_matches(const FieldType& sub, const FieldType& super) const noexcept {
        if (sub.is_mutable != super.is_mutable)
            return false;
        return sub.is_mutable ? sub.storage == super.storage
                              : context_.module.registry->matches(sub.storage, super.storage);
    }

    static constexpr TypeId no_type = SubType::no_type;
    /// Temporary ids for the members of a group lie between those of types and those of abstract heap types.
    static constexpr uint32_t max_group = HeapType::func - TypeRegistry::first_member;

    LoadContext& context_;
    Reader& in_;
    TypeDecoder types_;
    uint32_t group_start_ = 0;
    uint32_t group_size_ = 0;
    Vec<SubType> group_;
    Vec<Slices> slices_;
    Vec<ValType> values_;
    Vec<FieldType> fields_;
};

} // namespace

bool decode_type_section(LoadContext& context, Reader& in) noexcept {
    return TypeSection{context, in}.decode();
}

} // namespace warpbeam
